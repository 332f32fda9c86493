package import Starling

/// What Vertex AI tells a job in its environment, as defaults for what the command line leaves out.
///
/// Buckets are folders there: `gs://BUCKET/…` is `/gcs/BUCKET/…`. The folders for a model and for checkpoints are the parts `model/`
/// and `checkpoints/` of one run, so that the run is the folder that holds both.
package struct VertexJob: Sendable {
    /// Where the run goes; nil outside of a job.
    package let output: String?
    /// Where training data lies, for jobs with a managed data set.
    package let data: String?
    /// Where logs for TensorBoard go.
    package let tensorBoard: String?
    /// Of a trial of a tuning job.
    package let trial: String?
    /// Where a trial's metrics are left.
    package let metricFile: String
    /// This machine's place among the job's.
    package let cluster: RunRecord.Cluster?
    /// Where the first of the job's machines is reached: `host:port`.
    package let first: String?

    package init(_ variable: (String) -> String?) throws {
        func folder(_ name: String) -> String? {
            variable(name).map { Self.mounted($0) }
        }
        let (model, checkpoints) = (folder("AIP_MODEL_DIR"), folder("AIP_CHECKPOINT_DIR"))
        if let model, Files.name(model) == "model",
            Files.parent(model) == checkpoints.map(Files.parent) ?? Files.parent(model)
        {
            output = Files.parent(model)
        } else {
            output = model ?? checkpoints
        }
        data = folder("AIP_TRAINING_DATA_URI")
        tensorBoard = folder("AIP_TENSORBOARD_LOG_DIR")
        trial = variable("CLOUD_ML_TRIAL_ID")
        metricFile = variable("CLOUD_ML_HP_METRIC_FILE") ?? "/tmp/hypertune/output.metrics"
        (cluster, first) = try variable("CLUSTER_SPEC").map(Self.cluster) ?? (nil, nil)
    }

    /// This process's.
    static let current = Result { try VertexJob(Host.variable) }

    /// The folder that a bucket's address is in a job.
    package static func mounted(_ address: String) -> String {
        let path = address.hasPrefix("gs://") ? "/gcs/" + address.dropFirst(5) : address
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Pools stand in their order: the first machine of the first is rank 0. The third and fourth pool serve and evaluate, and
    /// are no ranks.
    private static func cluster(_ text: String) throws -> (RunRecord.Cluster, first: String?) {
        struct Spec: Decodable {
            struct Task: Decodable {
                let type: String
                let index: Int
            }
            let cluster: [String: [String]]
            let task: Task
        }
        let spec: Spec
        do {
            spec = try JSON.decode(Spec.self, from: Array(text.utf8), file: "CLUSTER_SPEC")
        } catch {
            throw StarlingError(
                .usage, "CLUSTER_SPEC of the environment cannot be read: \(error)",
                remedy: "unset it outside of Vertex AI")
        }
        let pools = ["workerpool0", "workerpool1"]
        let sizes = pools.map { spec.cluster[$0]?.count ?? 0 }
        let rank = pools.firstIndex(of: spec.task.type).map { ($0 == 0 ? 0 : sizes[0]) + spec.task.index }
        return (
            RunRecord.Cluster(rank: rank, world: sizes[0] + sizes[1], task: "\(spec.task.type) \(spec.task.index)"),
            spec.cluster[pools[0]]?.first
        )
    }
}

/// Reports a metric of each epoch to a tuning job of Vertex AI: the file that the package `cloudml-hypertune` writes, byte for byte.
package final class HypertuneReporter: TrainingObserver {
    private let path: String
    private let trial: String
    private let metric: String
    private var lines: [String] = []
    private var hasFailed = false

    package init(_ path: String, trial: String, metric: String) {
        (self.path, self.trial, self.metric) = (path, trial, metric)
    }

    package func receive(_ event: TrainingEvent) {
        guard case .epochFinished(let epoch, _) = event, let value = epoch.metrics[metric], !hasFailed else { return }
        do {
            try report(value, step: epoch.epoch, at: Host.now())
        } catch {
            // A report that cannot be written must not end the training.
            hasFailed = true
            FileHandles.standardError("warning: the tuning job hears nothing of this trial: \(error)\n")
        }
    }

    /// Writes the last 100 reports anew.
    package func report(_ value: Double, step: Int, at time: Double) throws {
        let members = [
            "checkpoint_path": "\"\"", "global_step": "\"\(step)\"", metric: "\"\(value)\"", "timestamp": "\(time)",
            "trial": try JSON.text(trial),
        ]
        lines.append(
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")
                + "}\n")
        lines = lines.suffix(100)
        try Files.makeDirectory(Files.parent(path))
        try Files.write(Array(lines.joined().utf8), to: path)
    }
}
