import Basics
import Interactions
import Kernels
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A folder of its own for the time of a test.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/starling-tests-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { try? Files.remove(path) }

    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let writer = try FileWriter(creating: path + "/" + name)
        try writer.write(bytes)
        try writer.close(synced: false)
        return path + "/" + name
    }
}

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

extension InstructionSet {
    /// All that this machine runs.
    static let here = allCases.filter { $0 <= .best }
}

/// One interaction with raw ids.
struct Row: Hashable, CustomStringConvertible {
    var user: String
    var item: String
    var value: Float?
    var time: Int64?

    init(_ user: String, _ item: String, _ value: Float? = nil, _ time: Int64? = nil) {
        (self.user, self.item, self.value, self.time) = (user, item, value, time)
    }

    var description: String {
        "\(user) \(item) \(value.map { "\($0)" } ?? "–") \(time.map { "\($0)" } ?? "–")"
    }
}

extension InteractionLog {
    var rows: [Row] {
        (0..<count).map { index in
            Row(
                users[UserRow(Int(userRows[index]))], items[ItemRow(Int(itemRows[index]))], values?[index],
                times?[index])
        }
    }
}

/// Pools by their number of threads, kept between reads.
private let pools = (1...7).map { Workers(threads: $0) }

/// Reads `text` from a file.
func load(
    _ text: String, threads: Int = 2, chunkSize: Int = 4 << 20, instructionSet: InstructionSet = .best,
    _ change: (inout ReadingOptions) -> Void = { _ in }
) throws -> LoadedInteractions {
    try load(Array(text.utf8), threads: threads, chunkSize: chunkSize, instructionSet: instructionSet, change)
}

func load(
    _ bytes: [UInt8], threads: Int = 2, chunkSize: Int = 4 << 20, instructionSet: InstructionSet = .best,
    _ change: (inout ReadingOptions) -> Void = { _ in }
) throws -> LoadedInteractions {
    let folder = TemporaryFolder()
    var options = ReadingOptions()
    change(&options)
    return try InteractionReader.read(
        try folder.write("data", bytes), options: options, workers: pools[threads - 1], chunkSize: chunkSize,
        instructionSet: instructionSet)
}

/// Reads a file, glob or folder.
func read(
    _ path: String, threads: Int = 2, chunkSize: Int = 4 << 20, _ change: (inout ReadingOptions) -> Void = { _ in }
) throws -> LoadedInteractions {
    var options = ReadingOptions()
    change(&options)
    return try InteractionReader.read(path, options: options, workers: pools[threads - 1], chunkSize: chunkSize)
}

/// Expects the same log and the same counts.
func expectSame(_ one: LoadedInteractions, _ other: LoadedInteractions, _ comment: String) {
    #expect(one.log.rows == other.log.rows, "\(comment)")
    #expect(one.log.fingerprint(workers: pools[0]) == other.log.fingerprint(workers: pools[1]), "\(comment)")
    func counts(_ report: IngestionReport) -> [Int] {
        [
            report.rowsRead, report.rowsKept, report.duplicatesMerged, report.usersRemoved, report.itemsRemoved,
            report.rowsRemoved, report.users, report.items,
        ]
    }
    #expect(counts(one.report) == counts(other.report), "\(comment)")
}

/// The error of a call that must fail.
func failure(_ body: () throws -> Void) -> StarlingError? {
    do {
        try body()
        return nil
    } catch {
        return error as? StarlingError
    }
}
