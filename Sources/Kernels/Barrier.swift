import CKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the threads of a pool wait for each other: nobody passes before all have come.
///
/// A waiting thread spins for some tens of microseconds, which is the cheapest where all threads run, and then sleeps, so
/// that on a busy machine the one that is waited for gets the processor.
public final class Barrier: @unchecked Sendable {
    private let count: Int
    private let arrived = Atomic<Int>(0)
    private let generation = Atomic<Int>(0)
    private let sleeping = Atomic<Int>(0)
    private let sleepers: UnsafeMutablePointer<pthread_mutex_t>
    private let bell: UnsafeMutablePointer<pthread_cond_t>

    /// - Parameter count: how many threads meet here.
    public init(count: Int) {
        self.count = count
        sleepers = .allocate(capacity: 1)
        bell = .allocate(capacity: 1)
        pthread_mutex_init(sleepers, nil)
        pthread_cond_init(bell, nil)
    }

    deinit {
        pthread_mutex_destroy(sleepers)
        pthread_cond_destroy(bell)
        sleepers.deallocate()
        bell.deallocate()
    }

    /// Returns when all threads have called it. What they wrote before, all see after.
    public func wait() {
        guard count > 1 else { return }
        let seen = generation.load(ordering: .acquiring)
        if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == count {
            arrived.store(0, ordering: .relaxed)
            // In one order with what sleepers do: either they see the new generation, or we see them.
            generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
            guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
            pthread_mutex_lock(sleepers)
            pthread_cond_broadcast(bell)
            pthread_mutex_unlock(sleepers)
            return
        }
        for _ in 0..<1 << 10 {
            if generation.load(ordering: .acquiring) != seen { return }
            sk_pause()
        }
        pthread_mutex_lock(sleepers)
        sleeping.wrappingAdd(1, ordering: .sequentiallyConsistent)
        while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(bell, sleepers) }
        sleeping.wrappingSubtract(1, ordering: .relaxed)
        pthread_mutex_unlock(sleepers)
    }
}
