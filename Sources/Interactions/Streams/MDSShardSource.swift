public import Basics
public import Formats

/// A Mosaic streaming data set, in a folder or on the network, as samples of a ``ShardStream``.
///
/// Integer columns and `str_int` are integers, floats and `str_float` numbers, `str` texts; all others are bytes as they lie.
public struct MDSShardSource: ShardSource {
    public let columns: [StreamColumn.Kind]
    public let counts: [Int]
    private let folder: MDSFolder

    public var name: String { folder.path }

    public init(_ folder: MDSFolder) {
        self.folder = folder
        counts = folder.index.shards.map(\.samples)
        columns = folder.columns.map { column in
            let values: StreamColumn.Kind.Values =
                switch column.encoding {
                case .int, .integerText: .integers
                case .floatText: .numbers
                case .string: .texts
                case .decimalText, .json, .bytes, .array: .blobs
                case .number(let type): type.isInteger ? .integers : .numbers
                }
            return StreamColumn.Kind(column.name, values)
        }
    }

    public func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
        // Rows come in random order: in memory of its own a shard is in large pages.
        OpenMDSShard(try folder.shard(shard, intoMemory: true, cancellation: cancellation), columns)
    }
}

private struct OpenMDSShard: OpenShard {
    private let shard: MDSShard
    private let columns: [StreamColumn.Kind]

    init(_ shard: MDSShard, _ columns: [StreamColumn.Kind]) { (self.shard, self.columns) = (shard, columns) }

    func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn {
        let name = columns[column].name
        return switch columns[column].values {
        case .integers: .integers(try shard.int64s(name, .list(rows)))
        case .numbers: .numbers(try shard.floats(name, .list(rows)))
        case .texts: .texts(try shard.strings(name, .list(rows)))
        case .blobs: .blobs(try shard.bytes(name, .list(rows)))
        }
    }

    func cells(ofColumn column: Int) -> StridedCells? { shard.cells(columns[column].name) }
}
