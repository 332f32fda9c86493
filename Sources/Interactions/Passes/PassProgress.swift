import Basics
import Synchronization

/// What all threads of a pass over slices share.
final class PassProgress {
    private let done = Atomic<Int>(0)
    private let total: Int
    private let cancellation: Cancellation?
    private let progress: ((Int, Int) -> Void)?

    init(total: Int, cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?) {
        (self.total, self.cancellation, self.progress) = (total, cancellation, progress)
    }

    /// Takes note of rows that were gone through.
    ///
    /// - Throws: `interrupted` when cancelled.
    func advance(by rows: Int, _ worker: Int) throws {
        if let cancellation, cancellation.isCancelled {
            throw StarlingError(.interrupted, "reading was stopped")
        }
        let sum = done.add(rows, ordering: .relaxed).newValue
        if worker == 0 { progress?(sum, total) }
    }

    /// Tells that all is done; called by who began the pass.
    func finish() { progress?(total, total) }
}
