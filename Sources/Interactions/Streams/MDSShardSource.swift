public import Basics
public import Formats

/// A Mosaic streaming data set as samples of a ``ShardStream``, from wherever its files lie.
///
/// Integer columns and `str_int` are integers, floats and `str_float` numbers; `str`, `str_decimal` and `json` are texts;
/// `bytes` and arrays are bytes as they lie.
public struct MDSShardSource: ShardSource {
    public let columns: [StreamColumn.Kind]
    public let counts: [Int]
    private let store: any ShardStore
    private let index: MDSIndex

    public var name: String { store.location }

    /// - Throws: `badData` if there is no index or it is damaged; what the store throws.
    public init(_ store: any ShardStore, cancellation: Cancellation? = nil) throws {
        self.store = store
        let file = try store.file(MDSIndex.basename, size: nil, hashes: [:], cancellation: cancellation)
        index = try MDSIndex(file)
        counts = index.shards.map(\.samples)
        columns = try index.columns(name: store.location).map { column in
            let values: StreamColumn.Kind.Values =
                switch column.encoding {
                case .integerText: .integers
                case .floatText: .numbers
                case .string, .decimalText, .json: .texts
                case .bytes, .array: .blobs
                case .int: .integers
                case .number(let type): type.isInteger ? .integers : .numbers
                }
            return StreamColumn.Kind(column.name, values)
        }
    }

    public func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
        let info = index.shards[shard]
        let stored = info.storedData
        let file = try store.file(
            stored.basename, size: stored.bytes, hashes: stored.hashes, cancellation: cancellation)
        // Rows come in random order: in memory of its own a shard is in large pages.
        return OpenMDSShard(try MDSShard(info, file: file, intoMemory: true), columns)
    }
}

private struct OpenMDSShard: OpenShard {
    private let shard: MDSShard
    private let columns: [StreamColumn.Kind]

    init(_ shard: MDSShard, _ columns: [StreamColumn.Kind]) { (self.shard, self.columns) = (shard, columns) }

    func values(ofColumn column: Int, _ rows: [UInt32]) throws -> StreamColumn {
        let name = columns[column].name
        return switch columns[column].values {
        case .integers: .integers(try shard.int64s(name, .list(rows)))
        case .numbers: .numbers(try shard.floats(name, .list(rows)))
        case .texts: .texts(try shard.strings(name, .list(rows)))
        case .blobs: .blobs(try shard.bytes(name, .list(rows)))
        }
    }
}
