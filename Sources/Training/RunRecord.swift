public import Basics

/// What `run.json` says of a run: what was asked, of which data, by what, and what came of it.
public struct RunRecord: Codable, Equatable, Sendable {
    public enum Status: String, Codable, Sendable {
        /// Being trained, or killed without a chance to say so.
        case running
        case finished
        /// Stopped by a signal; a checkpoint was written.
        case interrupted
        case failed
    }

    /// Which data a run was trained on.
    public struct Data: Codable, Equatable, Sendable {
        /// As the user named it.
        public var source: String
        /// A digest that changes when the interactions do.
        public var fingerprint: String

        public init(source: String, fingerprint: String) {
            self.source = source
            self.fingerprint = fingerprint
        }
    }

    /// One machine among those of a job.
    public struct Cluster: Codable, Equatable, Sendable {
        /// From 0; nil for a machine that does not train.
        public var rank: Int?
        /// How many machines train.
        public var world: Int
        /// As the platform calls it: `workerpool1 0`.
        public var task: String

        package init(rank: Int?, world: Int, task: String) { (self.rank, self.world, self.task) = (rank, world, task) }
    }

    /// What trained it.
    public struct Versions: Codable, Equatable, Sendable {
        public var starling: String
        public var swift: String
        /// The instruction set that kernels ran with.
        public var isa: String

        public init(isa: String) {
            starling = Release.version
            swift = Release.swift
            self.isa = isa
        }
    }

    /// The name of the model as in the command: `mf`, `als`, …
    public var model: String
    /// Option name (kebab-case, without dashes before it) to value. Written in the order of names.
    public var configuration: [String: JSONValue]
    public var data: Data
    /// Of a job that a platform started on several machines; nil for others.
    public var cluster: Cluster?
    public var versions: Versions
    public var host: String
    /// ISO 8601, UTC.
    public var created: String
    public var updated: String
    public var status: Status
    /// What the command printed at the end of a finished run; nil before.
    public var summary: JSONValue?

    /// A record of a run that starts now on this machine.
    public init(model: String, configuration: [String: JSONValue], data: Data, isa: String) {
        self.model = model
        self.configuration = configuration
        self.data = data
        versions = Versions(isa: isa)
        host = Host.name
        created = Host.timestamp()
        updated = created
        status = .running
    }
}

extension RunRecord {
    /// Options that a resumed run may be given other values of: they change neither the weights of an epoch nor
    /// what the run is. Of the data its fingerprint decides and not its path.
    public static let freeOptions: Set<String> = [
        "threads", "keep", "checkpoint-every", "output", "resume", "overwrite", "json", "data", "items", "users",
        "tensorboard", "sharding", "supabase-url", "supabase-key-file", "movie-export-table", "user-export-table",
    ]

    /// Options that may grow: a run, finished or not, goes on to more epochs, unless its learning rate falls linearly
    /// towards the last of them.
    public static let growingOptions: Set<String> = ["epochs", "iterations"]

    /// What forbids to continue the run of this record with what `asked` says, one line each
    /// (`factors: 32 in the run, 64 asked`); empty when it can go on.
    ///
    /// More epochs than before are a continuation, fewer are a difference. Options in ``freeOptions`` and the
    /// data's path do not count; the data's fingerprint does.
    public func differences(from asked: RunRecord) -> [String] {
        var lines: [String] = []
        if model != asked.model { lines.append("model: \(model) in the run, \(asked.model) asked") }
        lines += Self.differences(stored: configuration, asked: asked.configuration)
        if data.fingerprint != asked.data.fingerprint {
            let (old, new) = (data.source, asked.data.source)
            lines.append(
                old == new
                    ? "data: \(new) has changed since the run began"
                    : "data: \(old) in the run, \(new) asked, with other interactions")
        }
        return lines
    }

    package static func differences(stored: [String: JSONValue], asked: [String: JSONValue]) -> [String] {
        var lines: [String] = []
        // Under a linear decay the number of epochs is part of every epoch's learning rate.
        let isLinear = stored["learning-rate-decay"] == .string("linear")
        for name in Set(stored.keys).union(asked.keys).subtracting(freeOptions).sorted() {
            let (old, new) = (stored[name] ?? .null, asked[name] ?? .null)
            if old == new { continue }
            let growing = growingOptions.contains(name)
            if growing && !isLinear, let old = old.int, let new = new.int, new > old { continue }
            let reason = growing && isLinear ? " (a linear decay depends on it)" : ""
            lines.append("\(name): \(old) in the run, \(new) asked\(reason)")
        }
        return lines
    }
}
