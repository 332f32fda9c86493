package import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// SIGINT (Ctrl-C) and SIGTERM as a ``Cancellation``.
package enum Signals {
    /// Lives as long as the process, so that a handler can reach it.
    private static let cancellation = Cancellation()

    /// From now on the first SIGINT or SIGTERM raises the flag; a second of the same kind ends the process at once.
    package static func cancelOnInterrupt() -> Cancellation {
        // Made here, so that the handler never is the one to do it.
        let cancellation = Self.cancellation
        // A parent that starts us from a thread with signals blocked (a dispatch queue's, say) hands its mask on.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in [SIGINT, SIGTERM] {
            sigaddset(&wanted, signal)
            var action = sigaction()
            #if canImport(Glibc)
            action.__sigaction_handler.sa_handler = { _ in Signals.cancellation.cancel() }
            #else
            action.__sigaction_u.__sa_handler = { _ in Signals.cancellation.cancel() }
            #endif
            // The default action is back in place as soon as the signal has come once.
            action.sa_flags = SA_RESTART | Int32(truncatingIfNeeded: SA_RESETHAND)
            sigaction(signal, &action, nil)
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
        return cancellation
    }
}
