package import Basics
package import Ranking
package import Training

/// What a report shows, as the JSON in its page. `docs/reports.md` says how each figure is defined; parts that are nil are
/// left out of the page.
package struct Report: Encodable, Sendable {
    /// Of the form of this JSON.
    package let format = 1
    /// In place of the names of the runs.
    package var title: String?
    /// ISO 8601, UTC.
    package let created = Host.timestamp()
    package let starling = Release.version
    /// Of the first run.
    package internal(set) var data: Data?
    /// The first is the main one, the others are shown beside it.
    package internal(set) var runs: [Run] = []
    package internal(set) var samples: [Sample] = []

    private enum CodingKeys: String, CodingKey { case format, title, created, starling, data, runs, samples }

    /// A run: what was asked, what it cost, how good it is.
    package struct Run: Encodable, Sendable {
        /// The last component of the folder's path, or more of it where several runs share that.
        package let name: String
        package let path: String
        package let model: String
        package let status: RunRecord.Status
        package let created: String
        package let host: String
        package let configuration: [String: JSONValue]
        package let data: RunRecord.Data
        package let versions: RunRecord.Versions
        /// The line that trains it again.
        package var command: String?

        package internal(set) var device: String?
        package internal(set) var threads: Int?
        /// Of the whole command, and of optimisation alone.
        package internal(set) var seconds, trainSeconds: Double?
        package internal(set) var peakMemoryBytes: Int?
        package internal(set) var weightsSHA256: String?

        package internal(set) var epochs: [EpochRecord] = []
        /// The epoch whose weights were kept, and the metric that chose it.
        package internal(set) var bestEpoch: Int?
        package internal(set) var bestMetric: String?

        /// By which it is judged.
        package internal(set) var primary: String?
        /// On the held-out part, the bits of `starling evaluate`.
        package internal(set) var metrics: [String: Double]?
        /// The simplest rival by the primary metric.
        package internal(set) var baseline: Baseline?
        /// The simplest rival's lists, of a model that is judged by its errors.
        package internal(set) var listsBaseline: Baseline?
        package internal(set) var `protocol`: EvaluationProtocol?
        package internal(set) var usersEvaluated: Int?
        package internal(set) var qualityByActivity: Quality<ActivityBin>?
        package internal(set) var qualityByPopularity: Quality<PopularityBin>?
        package internal(set) var coverage: Coverage?
        package internal(set) var map: Map?

        private enum CodingKeys: String, CodingKey {
            case name, path, model, status, created, host, configuration, data, versions, command, device, threads,
                seconds
            case epochs, primary, metrics, baseline, `protocol`, coverage, map
            case trainSeconds = "train_seconds"
            case peakMemoryBytes = "peak_memory_bytes"
            case weightsSHA256 = "weights_sha256"
            case bestEpoch = "best_epoch"
            case bestMetric = "best_metric"
            case listsBaseline = "lists_baseline"
            case usersEvaluated = "users_evaluated"
            case qualityByActivity = "quality_by_activity"
            case qualityByPopularity = "quality_by_popularity"
        }
    }
}
