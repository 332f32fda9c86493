import Starling
import StarlingCommand
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct SignalsTests {
    @Test func theFirstSignalRaisesTheFlagAndTheSecondWouldKill() {
        let cancellation = Signals.cancelOnInterrupt()
        #expect(!cancellation.isCancelled)
        // To the process: threads of the test library block signals.
        kill(getpid(), SIGTERM)
        let watch = Stopwatch()
        while !cancellation.isCancelled && watch.seconds < 10 { usleep(1000) }
        #expect(cancellation.isCancelled)
        var (after, untouched) = (sigaction(), sigaction())
        sigaction(SIGTERM, nil, &after)
        sigaction(SIGINT, nil, &untouched)
        #if canImport(Glibc)
        #expect(after.__sigaction_handler.sa_handler == nil)
        #expect(untouched.__sigaction_handler.sa_handler != nil)
        #endif
        signal(SIGINT, SIG_DFL)
    }
}
