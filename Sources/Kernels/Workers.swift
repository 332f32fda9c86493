public import Basics
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A pool of plain threads that walks a fixed grid of work.
///
/// What is computed must not depend on who computes it: hand out indices of a grid that the data fixes,
/// write to places that belong to the index, and add partial sums in index order afterwards.
///
/// ```swift
/// let workers = Workers(threads: 2)
/// workers.forEach(1000) { index, worker in … }
/// ```
///
/// `@unchecked Sendable`: the job slot is written only between two barriers, by the one caller that holds `gate`.
public final class Workers: @unchecked Sendable {
    /// Threads that work, the caller included.
    public let count: Int

    private struct Job {
        let body: (Int) -> Void
    }

    private let gate = Mutex<Void>(())
    private var job: Job?
    private let generation = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let sleepers: UnsafeMutablePointer<pthread_mutex_t>
    private let bell: UnsafeMutablePointer<pthread_cond_t>
    private var threads: [pthread_t] = []

    /// - Parameter threads: how many threads work; the caller is one of them. At least 1.
    public init(threads: Int = Host.processors) {
        precondition(threads >= 1, "a pool needs a thread")
        count = threads
        sleepers = .allocate(capacity: 1)
        bell = .allocate(capacity: 1)
        pthread_mutex_init(sleepers, nil)
        pthread_cond_init(bell, nil)
        for worker in 1..<max(1, threads) { start(worker) }
    }

    deinit {
        stopping.store(true, ordering: .releasing)
        ring()
        for thread in threads { pthread_join(thread, nil) }
        pthread_mutex_destroy(sleepers)
        pthread_cond_destroy(bell)
        sleepers.deallocate()
        bell.deallocate()
    }

    /// Calls `body(index, worker)` once for every index in `0..<total`, on any thread, in any order; returns
    /// when all are done. Indices are handed out in rising order; `worker < count` names the thread, for
    /// scratch space. If bodies throw, the error of the lowest index is thrown, whatever the thread count.
    ///
    /// Must not be called from within a body.
    public func forEach<Failure: Error>(
        _ total: Int, _ body: (_ index: Int, _ worker: Int) throws(Failure) -> Void
    ) throws(Failure) {
        guard total > 0 else { return }
        let next = Atomic<Int>(0)
        let firstFailed = Atomic<Int>(Int.max)
        let failures = Mutex<[Int: any Error]>([:])
        func walk(_ worker: Int) {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < total, index < firstFailed.load(ordering: .relaxed) else { return }
                do {
                    try body(index, worker)
                } catch {
                    failures.withLock { $0[index] = error }
                    firstFailed.min(index, ordering: .relaxed)
                }
            }
        }
        if count == 1 || total == 1 { walk(0) } else { everyWorker(walk) }
        let first = firstFailed.load(ordering: .relaxed)
        if first < Int.max { throw failures.withLock { $0[first] } as! Failure }
    }

    /// Runs `body(worker, barrier)` once on every thread of the pool, at the same time, and waits for all. Bodies may
    /// wait for each other at the barrier, all of them equally often: for work in many short steps, where a ``forEach``
    /// a step would cost more than the step.
    ///
    /// Must not be called from within a body.
    public func together(_ body: (_ worker: Int, _ barrier: Barrier) -> Void) {
        let barrier = Barrier(count: count)
        if count == 1 { body(0, barrier) } else { everyWorker { body($0, barrier) } }
    }

    /// Runs `body(worker)` once on every thread of the pool and waits for all.
    private func everyWorker(_ body: (Int) -> Void) {
        gate.withLock { _ in
            withoutActuallyEscaping(body) { body in
                job = Job(body: body)
                unfinished.store(count - 1, ordering: .relaxed)
                generation.wrappingAdd(1, ordering: .releasing)
                ring()
                body(0)
                var spins = 0
                while unfinished.load(ordering: .acquiring) > 0 {
                    spins += 1
                    if spins > 1 << 10 { sched_yield() }
                }
                job = nil
            }
        }
    }

    private func ring() {
        pthread_mutex_lock(sleepers)
        pthread_cond_broadcast(bell)
        pthread_mutex_unlock(sleepers)
    }

    /// Waits for the next job: spins for some microseconds, then sleeps. False when the pool ends.
    private func waitForJob(after seen: Int) -> Bool {
        for _ in 0..<(1 << 12) {
            if generation.load(ordering: .acquiring) != seen { return true }
            if stopping.load(ordering: .acquiring) { return false }
        }
        pthread_mutex_lock(sleepers)
        defer { pthread_mutex_unlock(sleepers) }
        while generation.load(ordering: .acquiring) == seen {
            if stopping.load(ordering: .acquiring) { return false }
            pthread_cond_wait(bell, sleepers)
        }
        return true
    }

    private func start(_ worker: Int) {
        final class Start {
            unowned(unsafe) let pool: Workers
            let worker: Int
            init(_ pool: Workers, _ worker: Int) { (self.pool, self.worker) = (pool, worker) }
        }
        let start = Unmanaged.passRetained(Start(self, worker))
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        let status = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                #else
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                #endif
                let (pool, worker) = (start.pool, start.worker)
                var seen = 0
                while pool.waitForJob(after: seen) {
                    seen += 1
                    pool.job!.body(worker)
                    pool.unfinished.wrappingSubtract(1, ordering: .releasing)
                }
                return nil
            }, start.toOpaque())
        precondition(status == 0, "the system gives no more threads")
        #if canImport(Darwin)
        threads.append(thread!)
        #else
        threads.append(thread)
        #endif
    }
}
