import Basics
import Dispatch
import Remote
import Synchronization

/// Tells a server what a queue holds while something else goes on: on a thread of its own, as soon as there is something, and again
/// later where the server is away.
final class Courier: Sendable {
    private struct State {
        /// The server said no: nothing more is sent by this process.
        var hasEnded = false
        var isIdle = false
        var isClosing = false
        /// Attempts without an answer since the last that had one.
        var failures = 0
        /// When something last went well, and how many seconds the next thing may well take.
        var lastProgress = Stopwatch()
        var allowance = 0.0
    }

    private let queue: TrackingQueue
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let cancellation: Cancellation
    private let warn: @Sendable (String) -> Void
    private let delivery: @Sendable (_ progress: @escaping Delivery.Progress) -> Delivery

    /// - Parameter delivery: makes what does the telling, whose client the cancellation stops.
    init(
        _ queue: TrackingQueue, cancellation: Cancellation, warn: @escaping @Sendable (String) -> Void,
        delivery: @escaping @Sendable (_ progress: @escaping Delivery.Progress) -> Delivery
    ) {
        (self.queue, self.cancellation, self.warn, self.delivery) = (queue, cancellation, warn, delivery)
    }

    func start() {
        DispatchQueue(label: "starling.tracking").async { self.work() }
    }

    /// There is something to tell.
    func wake() {
        state.withLock { $0.isIdle = false }
        wakeUp.signal()
    }

    /// Waits until all is told: as long as the server takes it in, `patience` seconds where it does not.
    func finish(patience: Double, _ stop: Cancellation) {
        state.withLock { ($0.isClosing, $0.lastProgress) = (true, Stopwatch()) }
        wake()
        while true {
            let isOver = state.withLock { state in
                state.hasEnded || state.isIdle && queue.waiting == 0
                    || state.lastProgress.seconds > (state.failures > 0 ? min(5, patience) : patience + state.allowance)
            }
            // Somebody who stopped the training does not wait for a server that is away, but an end is told where it can be.
            if isOver || stop.isCancelled && state.withLock({ $0.lastProgress.seconds > 3 }) { break }
            Host.sleep(0.02)
        }
        state.withLock { $0.hasEnded = true }
        cancellation.cancel()
        wakeUp.signal()
    }

    private func work() {
        let delivery = delivery { [self] bytes in
            state.withLock { ($0.failures, $0.lastProgress, $0.allowance) = (0, Stopwatch(), Double(bytes) / 1e6) }
        }
        while !state.withLock({ $0.hasEnded }) {
            do {
                if try delivery.deliver() { continue }
                state.withLock { $0.isIdle = queue.waiting == 0 }
                wakeUp.wait()
            } catch let error as StarlingError where error.refusal == nil && error.code == .unavailable {
                if !wait(after: error) { return }
            } catch {
                // What was given up on purpose is no news.
                if !cancellation.isCancelled {
                    warn("MLflow: \(error); nothing more is sent, all of it is in \(queue.folder)")
                }
                return state.withLock { $0.hasEnded = true }
            }
        }
    }

    /// Waits before the next attempt: 1, 2, 4 … 30 seconds, less at the end.
    private func wait(after error: StarlingError) -> Bool {
        let (failures, isClosing) = state.withLock { state in
            state.failures += 1
            return (state.failures, state.isClosing)
        }
        if failures == 1 && !isClosing {
            warn("MLflow does not answer, and is told later: \(error.what)")
        }
        let watch = Stopwatch()
        let pause = min(30, Double(1 << min(failures - 1, 5)))
        while watch.seconds < (state.withLock { $0.isClosing } ? min(0.5, pause) : pause) {
            if state.withLock({ $0.hasEnded }) { return false }
            Host.sleep(0.05)
        }
        return true
    }
}
