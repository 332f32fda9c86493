import Basics

/// One thing that a tracking server is to learn: a line of `tracking/queue.jsonl`.
struct TrackingRecord: Codable, Equatable {
    enum Kind: String, Codable {
        /// A run begins, or goes on.
        case begin
        /// Figures at a step.
        case metrics
        /// Facts about a run.
        case tags
        /// The run's files as they are now.
        case files
        /// A run has ended.
        case end
    }

    var kind: Kind
    /// Milliseconds since 1970.
    var time: Int
    /// The name of a run within the folder's; nil for that one itself.
    var run: String?
    /// What people call the run.
    var name: String?
    var parameters: [String: String]?
    var tags: [String: String]?
    var step: Int?
    /// Numbers; `"NaN"`, `"Infinity"` and `"-Infinity"` for what JSON has no numbers for.
    var metrics: [String: JSONValue]?
    /// An epoch of the run, of which each is noted once.
    var epoch: Int?
    /// As the server calls it: `FINISHED`, `KILLED`, `FAILED`.
    var status: String?

    init(_ kind: Kind, run: String? = nil) {
        (self.kind, self.run) = (kind, run)
        time = Int(Host.now() * 1000)
    }

    static func figures(_ values: [String: Double]) -> [String: JSONValue] {
        values.mapValues { value in
            value.isFinite ? .number(value) : .string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        }
    }
}

/// How far a server has been told: `tracking/sent.json`. Nothing of who may.
struct TrackingState: Codable, Equatable {
    struct Run: Codable, Equatable {
        /// A tag by which the run is found again where the answer to its making was lost.
        var key: String
        /// Nil until the server has answered.
        var id: String?
        /// Where its files go, as the server says.
        var artifacts: String?
        /// Parameters that it has; they can be written once.
        var parameters: [String: String] = [:]
        /// The last epoch that the server has.
        var epoch = 0
    }

    /// When tracking began, in milliseconds since 1970.
    var began = Int(Host.now() * 1000)
    /// The server's address; nil before the first.
    var uri: String?
    var experiment: String?
    var experimentID: String?
    /// The name in the model registry, and the version there.
    var model: String?
    var version: String?
    /// Bytes of the queue that the server has.
    var offset = 0
    /// By name; the folder's own is "".
    var runs: [String: Run] = [:]
    /// SHA-256 of the files that the server has, by their paths there.
    var files: [String: String] = [:]

    enum CodingKeys: String, CodingKey {
        case began, uri, experiment, model, version, offset, runs, files
        case experimentID = "experiment_id"
    }
}
