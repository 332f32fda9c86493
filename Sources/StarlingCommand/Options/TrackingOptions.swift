package import Starling

/// Where a training is told of besides the console.
package struct TrackingOptions: Sendable {
    /// A folder of logs for TensorBoard.
    package let tensorBoard: String?
}

/// How servers are reached that keep account of runs.
package struct TrackingServers: Sendable {
    package typealias Warn = @Sendable (String) -> Void

    /// Whether a server is named, by the target or the environment; throws for one that cannot be.
    let check: @Sendable (TrackingTarget) throws -> Bool
    /// Begins to track a run; nil where nothing names a server.
    let open: @Sendable (TrackingTarget, TrackedRun, @escaping Warn) throws -> (any Tracker)?
    /// Tells a server what it does not know of a run, and gives its address.
    let sync: @Sendable (TrackingTarget, TrackedRun, @escaping Warn) throws -> String

    package init(
        check: @escaping @Sendable (TrackingTarget) throws -> Bool,
        open: @escaping @Sendable (TrackingTarget, TrackedRun, @escaping Warn) throws -> (any Tracker)?,
        sync: @escaping @Sendable (TrackingTarget, TrackedRun, @escaping Warn) throws -> String
    ) {
        (self.check, self.open, self.sync) = (check, open, sync)
    }

    /// What a program without networking says.
    package static let none: TrackingServers = {
        let refusal = StarlingError(
            .unavailable, "starling-core tracks with no server", remedy: "use the command starling, which does")
        return TrackingServers(
            check: { if $0.isEmpty { false } else { throw refusal } }, open: { _, _, _ in nil },
            sync: { _, _, _ in throw refusal })
    }()
}
