import Basics
import Remote
import Training

/// A run whose queue is open and holds all that is known of it so far.
struct OpenRun {
    let server: MLflowServer
    let queue: TrackingQueue
    private let run: TrackedRun
    private let closesEnded: Bool

    /// - Parameter closesEnded: whether the run's end, where it has come, is noted too.
    /// - Returns: nil where nothing names a server.
    init?(_ target: TrackingTarget, _ run: TrackedRun, _ environment: Environment, closesEnded: Bool) throws {
        let before = try TrackingQueue.state(of: run.folder)
        guard let uri = target.uri ?? environment["MLFLOW_TRACKING_URI"] ?? before?.uri else {
            guard target.isEmpty else {
                throw StarlingError(
                    .usage, "nothing names an MLflow server", remedy: "give --mlflow-uri or set MLFLOW_TRACKING_URI")
            }
            return nil
        }
        server = try MLflowServer(uri, environment)
        if let model = target.model { try ModelRegistry.check(model, hasCatalogs: server.hasCatalogs) }
        queue = try TrackingQueue(of: run.folder)
        (self.run, self.closesEnded) = (run, closesEnded)
        let asked = target.experiment ?? environment["MLFLOW_EXPERIMENT_NAME"]
        try queue.update { [uri = server.uri] state in
            // Another server, or another experiment, is told from the beginning.
            if state.uri != nil && (state.uri != uri || asked != nil && asked != state.experiment) {
                state = TrackingState()
            }
            state.uri = uri
            state.experiment = state.experiment ?? asked
            if let model = target.model, model != state.model { (state.model, state.version) = (model, nil) }
        }
        var record = TrackingRecord(.begin)
        record.name = target.runName ?? run.name
        (record.parameters, record.tags) = (run.parameters.mapValues { "\($0)" }, run.tags)
        try queue.add(record)
        _ = try addMissing()
        if closesEnded { try addEnd() }
    }

    /// Notes epochs of `metrics.jsonl` that are not noted yet.
    ///
    /// - Returns: whether there were any.
    func addMissing() throws -> Bool {
        guard Files.exists(run.folder + "/run.json") else { return false }
        let last = try queue.epochs()[""] ?? 0
        let missing = try RunDirectory(reading: run.folder).metrics().filter { $0.epoch > last }
        for epoch in missing { try queue.add(Self.record(of: epoch, run: nil)) }
        return !missing.isEmpty
    }

    private func addEnd() throws {
        try queue.add(TrackingRecord(.files))
        guard Files.exists(run.folder + "/run.json") else { return }
        let status = try RunDirectory(reading: run.folder).record.status
        var record = TrackingRecord(.end)
        // Nobody trains it, or this process would not have its lock: what says that it runs was killed.
        record.status = Self.status(status == .running ? .interrupted : status)
        try queue.add(record)
    }

    static func record(of epoch: EpochRecord, run: String?) -> TrackingRecord {
        var record = TrackingRecord(.metrics, run: run)
        (record.step, record.epoch) = (epoch.epoch, epoch.epoch)
        record.metrics = TrackingRecord.figures(epoch.metrics.merging(["seconds": epoch.seconds]) { own, _ in own })
        return record
    }

    static func status(_ status: RunRecord.Status) -> String {
        switch status {
        case .running: "RUNNING"
        case .finished: "FINISHED"
        case .interrupted: "KILLED"
        case .failed: "FAILED"
        }
    }
}
