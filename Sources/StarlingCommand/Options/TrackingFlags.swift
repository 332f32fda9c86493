import ArgumentParser
import Starling

/// Where a run is tracked besides its folder.
struct TrackingFlags: ParsableArguments {
    @Option(
        name: .customLong("mlflow-uri"),
        help: ArgumentHelp(
            "Track with the MLflow server at this address, or databricks. Default: MLFLOW_TRACKING_URI.",
            valueName: "uri"))
    var mlflowURI: String?

    @Option(
        help: ArgumentHelp(
            "Track in this experiment. Default: MLFLOW_EXPERIMENT_NAME, or Default.", valueName: "name"))
    var experiment: String?

    @Option(help: ArgumentHelp("Track under this name. Default: that of the run's folder.", valueName: "name"))
    var runName: String?

    @Option(
        help: ArgumentHelp("Add the model to the registry as a version of this name.", valueName: "name"))
    var registerModel: String?

    var target: TrackingTarget {
        TrackingTarget(uri: mlflowURI, experiment: experiment, runName: runName, model: registerModel)
    }

    /// - Throws: `usage` for a server or a name that cannot be.
    func check() throws { _ = try Program.current.tracking.check(target) }

    /// Begins to track a run with what these flags or the environment name; nil where nothing does.
    func open(_ run: TrackedRun) throws -> (any Tracker)? {
        do {
            return try Program.current.tracking.open(target, run, Self.warn)
        } catch let error as StarlingError where error.code == .failed {
            // Training does not depend on who watches.
            Self.warn("the run is not tracked: \(error)")
            return nil
        }
    }

    /// Prints a warning from any thread, in the place of a live line, which is drawn again.
    static let warn: TrackingServers.Warn = { text in
        FileHandles.standardError((Terminal.standardError().isLive ? "\r\u{1B}[K" : "") + "warning: \(text)\n")
    }
}

extension TrackedRun {
    /// A run as its record has it.
    init(_ path: String, _ record: RunRecord) {
        var parameters = record.configuration
        parameters["model"] = .string(record.model)
        parameters["data"] = .string(record.data.source)
        self.init(
            folder: path, name: Files.name(path), parameters: parameters,
            tags: Self.tags.merging([
                "starling.fingerprint": record.data.fingerprint, "starling.isa": record.versions.isa,
                "starling.version": record.versions.starling, "starling.swift": record.versions.swift,
                "starling.host": record.host,
            ]) { $1 })
    }

    /// A search for options, as its folder has it.
    init(search path: String, _ asked: [String: JSONValue]) {
        self.init(folder: path, name: Files.name(path), parameters: asked, tags: Self.tags)
    }

    /// Facts about what tracks.
    static var tags: [String: String] {
        var tags = ["starling.version": Release.version, "starling.host": Host.name]
        tags["mlflow.source.git.commit"] = GitCommit.of()
        return tags
    }
}
