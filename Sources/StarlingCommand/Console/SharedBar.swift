import Synchronization

/// A bar that several threads report to.
final class SharedBar: @unchecked Sendable {
    /// Used under the lock alone.
    private let bar: ProgressBar
    private let most = Mutex(0)

    init(_ bar: ProgressBar) { self.bar = bar }

    /// Shows so much as done, unless more was shown already.
    func update(_ done: Int) {
        most.withLock { most in
            guard done > most else { return }
            most = done
            bar.update(done: done)
        }
    }
}
