import Basics
import Formats
import Kernels

/// Reads a Mosaic streaming data set into a log, shard by shard, in parallel.
///
/// Beyond the log, memory is that of the shards at work, one a thread: of an uncompressed one the part of the file that is being
/// read, of a compressed one what it decompresses to. Several ranks each read some shards.
struct MDSReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    /// Samples a window. The result does not depend on it.
    let windowSize: Int
    let ranks: any Communicator

    /// - Throws: `badData` that names shard and sample; `usage` for columns that are not there.
    func read(_ folder: MDSFolder) throws -> (log: InteractionLog, report: IngestionReport) {
        let columns = try ranks.together { try Self.roles(of: folder, options) }
        let numbers = ranks.share(of: folder.index.shards.map(\.samples))
        let starts = folder.index.shards[numbers].reduce(into: [0]) { $0.append($0.last! + $1.samples) }
        var log = LogColumns(
            capacity: max(1, starts.last!), hasValues: columns.names.value != nil, hasTimes: columns.names.time != nil)
        let parsed = try ranks.together { try parse(folder, numbers, columns, starts.dropLast(), &log) }
        return try log.log(
            of: parsed, starts: starts.dropLast(), format: Self.format(columns),
            files: [folder.path], remedy: "name columns with --columns user=…,item=…", workers: workers, ranks: ranks)
    }

    /// What the columns are read as.
    static func roles(of folder: MDSFolder, _ options: ReadingOptions) throws -> MDSRoles {
        guard options.separator == nil else {
            throw StarlingError(
                .usage, "--separator has no meaning for shards", at: .init(file: folder.path), remedy: "leave it out")
        }
        let columns = try MDSRoles(folder, options.columns)
        guard folder.count > 0 else {
            throw StarlingError(
                .badData, "its shards hold no samples", at: .init(file: folder.path),
                remedy: "name a data set that holds interactions")
        }
        return columns
    }

    static func format(_ columns: MDSRoles) -> String { "MDS shards: \(columns.names.description)" }

    private func parse(
        _ folder: MDSFolder, _ numbers: Range<Int>, _ columns: MDSRoles, _ starts: [Int], _ log: inout LogColumns
    ) throws -> [ParsedChunk] {
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        let total = folder.index.shards[numbers].reduce(0) { $0 + $1.rawData.bytes }
        return try parsing.run(starts: starts, bytes: total, into: &log) { index, task in
            let shard = try folder.shard(numbers.lowerBound + index, cancellation: cancellation)
            var parser = MDSParser(shard, columns, output: task.output, users: task.users, items: task.items)
            for rows in LineGrid.cuts(0..<shard.count, size: windowSize) {
                try parser.parse(rows, skipsBadRows: options.skipsBadRows)
                shard.release(rows)
                guard try !parser.hasMetText && task.goesOn(after: shard.byteCount(rows)) else { break }
            }
            return parser.chunk
        }
    }
}

/// What the columns of a data set are read as.
struct MDSRoles: Sendable {
    enum IDs { case integers, unsigned, texts }
    enum Times { case integers, fractions }

    let names: NamedColumns
    let users, items: IDs
    let times: Times

    /// - Throws: `usage` for columns that are not there, `badData` for columns that cannot be what they should.
    init(_ folder: MDSFolder, _ mapping: ColumnMapping?) throws {
        let encodings = Dictionary(uniqueKeysWithValues: folder.columns.map { ($0.name, $0.encoding) })
        func wrong(_ name: String, _ expected: String) -> StarlingError {
            StarlingError(
                .badData, "column “\(name)” is \(encodings[name]!), \(expected) expected", at: .init(file: folder.path),
                remedy: "name another one with --columns")
        }
        func ids(_ name: String) throws -> IDs {
            switch encodings[name]! {
            case .number(.uint64): return .unsigned
            case .int, .integerText: return .integers
            case .number(let type) where type.isInteger: return .integers
            case .string: return .texts
            default: throw wrong(name, "whole numbers or str are")
            }
        }
        names = try NamedColumns(
            folder.columns.map(\.name), mapping,
            of: .init(
                path: folder.path, noun: "column", whole: "data set",
                remedy: "write columns user, item, rating, timestamp"))
        (users, items) = (try ids(names.user), try ids(names.item))
        func isInteger(_ name: String) throws -> Bool {
            switch encodings[name]! {
            case .int, .integerText: return true
            case .number(let type): return type.isInteger
            case .floatText: return false
            default: throw wrong(name, "numbers are")
            }
        }
        if let value = names.value { _ = try isInteger(value) }
        times = try names.time.map { try isInteger($0) } ?? true ? .integers : .fractions
    }
}
