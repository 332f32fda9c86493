import Synchronization

/// A flag that asks long work to stop at the next block end. Raised by a signal handler or a caller.
///
/// Raising is async-signal-safe: it is one atomic store.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    /// Asks the work to stop. May be called from any thread and from a signal handler.
    public func cancel() { flag.store(true, ordering: .releasing) }

    public var isCancelled: Bool { flag.load(ordering: .acquiring) }
}
