import Basics
import Formats
import Synchronization

/// One file or shard of a source that is gone through in passes.
protocol PassedTable: Sendable {
    /// Reads rows into columns, ids as the whole numbers they are. Of the file nothing stays in memory.
    ///
    /// - Throws: `badData` for the first row that cannot be read.
    func parse(_ rows: Range<Int>, into columns: ColumnPointers) throws -> ParsedChunk
}

/// Rows that are parsed at a time.
private let windowSize = 1 << 16

extension PairTable: PassedTable {
    func parse(_ rows: Range<Int>, into columns: ColumnPointers) throws -> ParsedChunk {
        var parser = PairParser(
            self, output: columns, users: IDSink(isInterning: false), items: IDSink(isInterning: false))
        try forEachWindow(of: rows, size: windowSize) { rows, pairs in
            try parser.parse(rows, pairs, skipsBadRows: false)
            return !parser.hasMetText
        }
        return parser.chunk
    }
}

extension ArrayTable: PassedTable {
    func parse(_ rows: Range<Int>, into columns: ColumnPointers) throws -> ParsedChunk {
        var chunk = ParsedChunk(users: IDSink(isInterning: false), items: IDSink(isInterning: false))
        for window in LineGrid.cuts(rows, size: windowSize) {
            var parser = ArrayParser(
                self, output: columns.advanced(by: window.lowerBound - rows.lowerBound), users: chunk.users,
                items: chunk.items)
            try parser.parse(window, skipsBadRows: false)
            parser.release(window)
            chunk = parser.chunk
        }
        return chunk
    }
}

/// A shard, opened when it is read.
struct ShardTable: PassedTable {
    let shards: OpenShards
    let number: Int
    let roles: MDSRoles

    func parse(_ rows: Range<Int>, into columns: ColumnPointers) throws -> ParsedChunk {
        let shard = try shards[number]
        var parser = MDSParser(
            shard, roles, output: columns, users: IDSink(isInterning: false), items: IDSink(isInterning: false))
        for window in LineGrid.cuts(rows, size: windowSize) {
            try parser.parse(window, skipsBadRows: false)
            shard.release(window)
            if parser.hasMetText { break }
        }
        return parser.chunk
    }
}

/// The shards of a folder of which parts are being read, at most so many. Hashes are compared when a shard is opened for the
/// first time.
final class OpenShards: Sendable {
    private let folder: MDSFolder
    /// The same without comparing hashes.
    private let known: MDSFolder
    private let most: Int
    /// The last one that was asked for comes last.
    private let open = Mutex<[Place]>([])
    private let isVerified: Mutex<[Bool]>

    private final class Place: Sendable {
        let number: Int
        let shard = Mutex<MDSShard?>(nil)
        init(_ number: Int) { self.number = number }
    }

    /// - Parameter verifying: whether hashes are compared at all.
    init(_ folder: MDSFolder, verifying: Bool, most: Int) throws {
        self.folder = folder
        known = try MDSFolder(folder.store, verifyingHashes: false)
        self.most = most
        isVerified = Mutex([Bool](repeating: !verifying, count: folder.index.shards.count))
    }

    /// A shard; who asks while another opens it waits.
    subscript(_ number: Int) -> MDSShard {
        get throws {
            let place = open.withLock { open in
                let place = open.firstIndex { $0.number == number }.map { open.remove(at: $0) } ?? Place(number)
                open.append(place)
                if open.count > most { open.removeFirst() }
                return place
            }
            return try place.shard.withLock { shard in
                if let shard { return shard }
                let isVerified = isVerified.withLock { $0[number] }
                let opened = try (isVerified ? known : folder).shard(number)
                self.isVerified.withLock { $0[number] = true }
                shard = opened
                return opened
            }
        }
    }
}
