import Dispatch
import Synchronization

/// Something that is worked out on another thread, from now on.
final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchGroup()

    init(_ body: @escaping @Sendable () throws -> Value) {
        done.enter()
        DispatchQueue.global().async { [self] in
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            done.leave()
        }
    }

    /// Waits for it.
    func result() throws -> Value {
        done.wait()
        return try outcome.withLock { $0! }.get()
    }
}
