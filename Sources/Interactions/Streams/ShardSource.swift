public import Basics
public import Formats

/// Samples in shards, all of the same columns: what a ``ShardStream`` reads.
public protocol ShardSource: Sendable {
    /// For messages.
    var name: String { get }
    var columns: [StreamColumn.Kind] { get }
    /// Samples of each shard.
    var counts: [Int] { get }

    /// Opens a shard: fetches, unpacks and checks it. Blocks; called from several threads, ahead of need.
    ///
    /// - Throws: `badData` that names shard and sample; `interrupted` when cancelled.
    func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard
}

/// A shard whose samples can be read.
public protocol OpenShard: Sendable {
    /// The values of a column, `columns[column]` of the source, of the samples `rows`, in their order; of the column's kind.
    func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn

    /// Where the numbers of a column lie, one for each of the shard's samples, if they lie at equal distances: then they are
    /// read there, and ``values(ofColumn:_:)`` is asked only about one that its kind cannot hold. Valid while the shard
    /// lives. By default nil.
    func cells(ofColumn column: Int) -> StridedCells?
}

extension OpenShard {
    public func cells(ofColumn column: Int) -> StridedCells? { nil }
}
