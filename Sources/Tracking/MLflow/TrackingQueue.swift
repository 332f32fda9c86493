import Basics
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a server is to learn, in order, and how far it has been told: the folder `tracking/` of a run.
///
/// One writes, another sends. A record is with the system when ``add(_:)`` returns, so that it survives the process.
final class TrackingQueue: Sendable {
    /// Above so many bytes that wait, what is not asked for again and again is left out.
    static let limit = 64 << 20

    private struct Content {
        var file: FileWriter?
        var size: Int
        var state: TrackingState
        var leftOut = 0
    }

    let folder: String
    private let content: Mutex<Content>
    private var path: String { folder + "/queue.jsonl" }
    private var statePath: String { folder + "/sent.json" }

    /// Opens the queue of a run, or begins one.
    ///
    /// - Throws: `failed` if the folder cannot be made or read.
    init(of run: String) throws {
        folder = run + "/tracking"
        try Files.makeDirectory(folder)
        let (path, statePath) = (folder + "/queue.jsonl", folder + "/sent.json")
        var state = TrackingState()
        if Files.exists(statePath) {
            state = try JSON.decode(TrackingState.self, from: Files.read(statePath), file: statePath)
        }
        let size = Files.size(path) ?? 0
        if state.offset > size { state.offset = 0 }
        content = Mutex(Content(file: nil, size: size, state: state))
        // A line that was cut short by a kill is ended, so that the next stands alone.
        if size > 0, try read(from: size - 1, limit: 1) != [UInt8(ascii: "\n")] { try append([UInt8(ascii: "\n")]) }
    }

    /// What stands there, without opening it; nil where the run was never tracked.
    static func state(of run: String) throws -> TrackingState? {
        let path = run + "/tracking/sent.json"
        return Files.exists(path) ? try JSON.decode(TrackingState.self, from: Files.read(path), file: path) : nil
    }

    var state: TrackingState { content.withLock { $0.state } }

    /// Bytes that the server does not have.
    var waiting: Int { content.withLock { $0.size - $0.state.offset } }

    /// Records that were left out because too many waited.
    var leftOut: Int { content.withLock { $0.leftOut } }

    /// Adds a record.
    ///
    /// - Parameter isNeeded: whether it must not be left out when too many wait.
    /// - Returns: whether it is there.
    /// - Throws: `failed` on a full disk; the records before it are intact.
    @discardableResult
    func add(_ record: TrackingRecord, isNeeded: Bool = true) throws -> Bool {
        let isFull = content.withLock { content in
            let isFull = !isNeeded && content.size - content.state.offset > Self.limit
            if isFull { content.leftOut += 1 }
            return isFull
        }
        if isFull { return false }
        try append(JSON.bytes(record) + [UInt8(ascii: "\n")])
        return true
    }

    private func append(_ bytes: [UInt8]) throws {
        try content.withLock { content in
            let file = try content.file ?? FileWriter(appendingTo: path)
            content.file = file
            do {
                try file.write(bytes)
                try file.flush()
            } catch {
                // What is half there is cut off, and what waits in the writer goes with it.
                content.file = nil
                truncate(path, off_t(content.size))
                throw error
            }
            content.size += bytes.count
        }
    }

    /// The records after those that the server has, and where they end; none when it has all. A line that is no record is passed over.
    func next(limit: Int = 1 << 20) throws -> (records: [TrackingRecord], end: Int) {
        let (start, size) = content.withLock { ($0.state.offset, $0.size) }
        var limit = limit
        while start < size {
            let bytes = try read(from: start, limit: min(limit, size - start))
            guard let last = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
                limit *= 2
                continue
            }
            let records = bytes[..<last].split(separator: UInt8(ascii: "\n")).compactMap {
                try? JSON.decode(TrackingRecord.self, from: $0, file: path)
            }
            return (records, start + last + 1)
        }
        return ([], start)
    }

    /// Notes what the server has now. When that is all, the queue is emptied.
    func update(_ body: (inout TrackingState) -> Void) throws {
        try content.withLock { content in
            var state = content.state
            body(&state)
            let isDone = state.offset >= content.size && content.size > 1 << 20
            if isDone { state.offset = 0 }
            try Files.write(JSON.bytes(state, pretty: true) + [UInt8(ascii: "\n")], to: statePath)
            content.state = state
            // A kill in between has the server told again, which changes nothing there.
            if isDone {
                content.file = nil
                truncate(path, 0)
                content.size = 0
            }
        }
    }

    /// The last epoch of each run that is noted or that the server has.
    func epochs() throws -> [String: Int] {
        var epochs = state.runs.mapValues(\.epoch)
        guard Files.exists(path) else { return epochs }
        for line in try Files.read(path).split(separator: UInt8(ascii: "\n")) {
            guard let record = try? JSON.decode(TrackingRecord.self, from: line, file: path), let epoch = record.epoch
            else { continue }
            epochs[record.run ?? ""] = max(epoch, epochs[record.run ?? ""] ?? 0)
        }
        return epochs
    }

    private func read(from start: Int, limit: Int) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.systemError("cannot open the file", path) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress!, limit, off_t(start)) }
        guard count >= 0 else { throw Files.systemError("cannot read the file", path) }
        return Array(bytes[..<count])
    }
}
