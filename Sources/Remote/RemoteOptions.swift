/// How patiently a place on the network is asked.
public struct RemoteOptions: Sendable {
    /// How often a request is sent before it counts as failed, 6 by default. Counting starts again whenever a
    /// download has got further.
    public var attempts = 6
    /// Seconds before the second attempt, 0.5 by default; they double with each further one, and each wait is
    /// multiplied by a random number between 0.5 and 1 so that many readers do not come back at once.
    public var firstDelay = 0.5
    /// The longest such wait in seconds, 30 by default.
    public var longestDelay = 30.0
    /// The longest wait that a server may ask for with `Retry-After`, in seconds, 120 by default; if it asks for more,
    /// the request has failed.
    public var longestRequestedDelay = 120.0
    /// How long a connection may be silent, in seconds, 60 by default.
    public var idleSeconds = 60.0

    /// The defaults.
    public init() {}

    /// The wait after a number of failed attempts.
    func delay(after failures: Int) -> Double {
        var delay = firstDelay
        for _ in 1..<max(1, failures) where delay < longestDelay { delay *= 2 }
        return min(delay, longestDelay) * Double.random(in: 0.5...1)
    }
}
