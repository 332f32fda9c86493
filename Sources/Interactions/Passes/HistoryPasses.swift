package import Basics
package import Kernels

/// Users' histories that are gone through slice by slice, again and again, without being held.
package protocol HistoryPasses: Sendable {
    /// Sizes of the vocabularies.
    var userCount: Int { get }
    var itemCount: Int { get }
    /// Interactions of each user and of each item, of training alone: `[users]`, `[items]`.
    var activity: [UInt32] { get }
    var audience: [UInt32] { get }
    /// Interactions of training.
    var entryCount: Int { get }
    var hasValues: Bool { get }
    var sliceCount: Int { get }

    /// Calls `body` once for each slice, slices in parallel and in no order. Within a slice interactions stand in the log's
    /// order, and slices are stretches of the log in order of ``HistorySlice/index``.
    ///
    /// - Parameter progress: called now and then on the calling thread, with interactions of the log.
    /// - Throws: `badData` if the source has changed; `interrupted` when cancelled; what `body` throws.
    func forEachSlice(
        workers: Workers, cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?,
        _ body: (_ slice: HistorySlice, _ worker: Int) throws -> Void
    ) throws
}

/// Some interactions, valid while a body is called.
package struct HistorySlice {
    package let index: Int
    /// Rows of the vocabularies.
    package let users: UnsafeBufferPointer<UInt32>, items: UnsafeBufferPointer<UInt32>
    package let values: UnsafeBufferPointer<Float>?
}
