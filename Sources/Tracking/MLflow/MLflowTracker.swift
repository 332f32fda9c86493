public import Basics
import Remote
import Synchronization
public import Training

/// Tracks a run with an MLflow server: parameters, tags, each epoch's metrics, the machine's load, files, a version in the model
/// registry, and how it ended.
///
/// ```swift
/// let tracker = try MLflowTracker(TrackingTarget(uri: "http://127.0.0.1:5000"), run)
/// let result = try TrainingLoop(epochs: 20).train(trainer, in: directory, observers: [tracker!])
/// tracker!.end(.finished, metrics: result.metrics, tags: [:])
/// tracker!.close(Cancellation())
/// ```
///
/// What the server is to learn is noted in the run's folder `tracking/` first and told on a thread of its own, so that training
/// neither waits for a server nor ends with it. What it was not told when the process ends, ``sync(_:_:_:)`` tells later.
public final class MLflowTracker: Tracker {
    private struct Journal: Sendable {
        let queue: TrackingQueue
        let courier: Courier
        let meter: SystemMeter
        /// Seconds between two measurements of the machine.
        let interval: Double
        let warn: @Sendable (String) -> Void
    }

    private let journal: Journal
    /// The name of a run within the folder's; nil for that one itself.
    private let name: String?
    private let state: Mutex<State>

    private struct State {
        /// The last epoch that is noted, and its figures.
        var epoch: Int
        var metrics: [String: Double] = [:]
        var hasFailed = false
    }

    /// Begins to track a run, or goes on with it.
    ///
    /// - Parameters:
    ///   - target: what it does not say, the environment does (`MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME`), and then the run.
    ///   - warn: is told of what keeps the server from learning something.
    /// - Returns: nil where nothing names a server.
    /// - Throws: `usage` for an address or a name that cannot be; `failed` if the run's folder cannot be written.
    public convenience init?(
        _ target: TrackingTarget, _ run: TrackedRun, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let environment = Environment.process
        guard let open = try OpenRun(target, run, environment, closesEnded: false) else { return nil }
        let queue = open.queue
        var patience = RemoteOptions()
        patience.attempts = 1
        let cancellation = Cancellation()
        let client = MLflowClient(open.server, patience: patience, cancellation: cancellation)
        let courier = Courier(queue, cancellation: cancellation, warn: warn) { progress in
            Delivery(
                client: client, queue: queue, folder: run.folder, environment: environment, warn: warn,
                progress: progress)
        }
        let interval = environment["MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"].flatMap(Double.init) ?? 10
        self.init(
            Journal(
                queue: queue, courier: courier, meter: SystemMeter(), interval: max(0.1, interval), warn: warn),
            nil, epoch: try queue.epochs()[""] ?? 0)
        courier.start()
        courier.wake()
        if environment["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"]?.lowercased() != "false" {
            journal.meter.start(every: journal.interval) { [weak self] in self?.noteLoad($0) }
        }
    }

    private init(_ journal: Journal, _ name: String?, epoch: Int) {
        (self.journal, self.name) = (journal, name)
        state = Mutex(State(epoch: epoch))
    }

    public func child(_ name: String, parameters: [String: JSONValue]) -> any Tracker {
        let epoch = (try? journal.queue.epochs()[name]) ?? 0
        let child = MLflowTracker(journal, name, epoch: epoch)
        var record = TrackingRecord(.begin, run: name)
        (record.name, record.parameters) = (name, parameters.mapValues { "\($0)" })
        child.note(record)
        return child
    }

    public func receive(_ event: TrainingEvent) {
        switch event {
        case .progress(_, let progress):
            if let device = progress.device { journal.meter.note(device) }
        case .epochFinished(let epoch, _):
            // After a resume from an older checkpoint epochs come again, with the same figures.
            guard state.withLock({ $0.epoch < epoch.epoch }) else { return }
            note(OpenRun.record(of: epoch, run: name))
            state.withLock { ($0.epoch, $0.metrics) = (epoch.epoch, epoch.metrics) }
        default: break
        }
    }

    public func end(_ status: RunRecord.Status, metrics: [String: Double], tags: [String: String]) {
        if name == nil {
            journal.meter.finish()
            noteLoad(journal.meter.measure())
        }
        let (epoch, known) = state.withLock { ($0.epoch, $0.metrics) }
        let new = metrics.filter { known[$0.key] != $0.value }
        if !new.isEmpty {
            var record = TrackingRecord(.metrics, run: name)
            (record.step, record.metrics) = (epoch, TrackingRecord.figures(new))
            note(record)
        }
        if !tags.isEmpty {
            var record = TrackingRecord(.tags, run: name)
            record.tags = tags
            note(record)
        }
        if name == nil { note(TrackingRecord(.files)) }
        var record = TrackingRecord(.end, run: name)
        record.status = OpenRun.status(status)
        note(record)
    }

    public func close(_ cancellation: Cancellation) {
        journal.courier.finish(patience: 10, cancellation)
        let queue = journal.queue
        if queue.waiting > 0 {
            let run = Files.parent(queue.folder)
            journal.warn("MLflow has not been told all; `starling track sync \(run)` does it later")
        }
        if queue.leftOut > 0 { journal.warn("MLflow: \(queue.leftOut) measurements of the machine were left out") }
    }

    private func noteLoad(_ values: [String: Double]) {
        var record = TrackingRecord(.metrics)
        record.step = Int(Double(record.time - journal.queue.state.began) / 1000 / journal.interval)
        record.metrics = TrackingRecord.figures(values)
        note(record, isNeeded: false)
    }

    /// A full disk costs what it cannot hold and a warning, once.
    private func note(_ record: TrackingRecord, isNeeded: Bool = true) {
        do {
            try journal.queue.add(record, isNeeded: isNeeded)
            journal.courier.wake()
        } catch {
            let isFirst = state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isFirst { journal.warn("MLflow is not told all: \(error)") }
        }
    }
}

extension MLflowTracker {
    /// Whether a server is named, by the target or the environment.
    ///
    /// - Throws: `usage` for an address or a name that cannot be.
    public static func check(_ target: TrackingTarget) throws -> Bool {
        let environment = Environment.process
        guard let uri = target.uri ?? environment["MLFLOW_TRACKING_URI"] else { return false }
        let server = try MLflowServer(uri, environment)
        if let model = target.model { try ModelRegistry.check(model, hasCatalogs: server.hasCatalogs) }
        return true
    }

    /// Tells a server what it does not know of a run: the whole run, if it was never tracked.
    ///
    /// - Parameters:
    ///   - status: how the run ended; nil for one that is not a run of its own, as of a search.
    ///   - warn: is told of what the server does not take.
    /// - Returns: the server's address.
    /// - Throws: `usage` where nothing names a server; `unavailable` if it does not answer or says no.
    public static func sync(
        _ target: TrackingTarget, _ run: TrackedRun, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> String {
        let environment = Environment.process
        guard let open = try OpenRun(target, run, environment, closesEnded: true) else {
            throw StarlingError(
                .usage, "nothing names an MLflow server", remedy: "give --mlflow-uri or set MLFLOW_TRACKING_URI")
        }
        let client = MLflowClient(open.server, patience: RemoteOptions(), cancellation: Cancellation())
        let delivery = Delivery(
            client: client, queue: open.queue, folder: run.folder, environment: environment, warn: warn,
            progress: { _ in })
        repeat {
            while try delivery.deliver() {}
        } while try open.addMissing()
        return open.server.uri
    }
}
