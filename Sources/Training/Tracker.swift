public import Basics

/// Keeps account of a run somewhere else, such as on a server. Training neither waits for it nor fails with it.
public protocol Tracker: TrainingObserver, Sendable {
    /// A run within this one that begins now, or goes on: a trial of a search. Events that it receives are its own.
    func child(_ name: String, parameters: [String: JSONValue]) -> any Tracker

    /// The run has ended.
    ///
    /// - Parameters:
    ///   - metrics: figures of the whole run, by name.
    ///   - tags: facts about it.
    func end(_ status: RunRecord.Status, metrics: [String: Double], tags: [String: String])

    /// Gives what is noted time to arrive: as long as it is taken in, and seconds where it is not.
    func close(_ cancellation: Cancellation)
}

/// A run as trackers introduce it.
public struct TrackedRun: Sendable {
    /// The run's folder.
    public var folder: String
    /// What people call it.
    public var name: String
    /// Its options in their final values.
    public var parameters: [String: JSONValue]
    /// Facts about it: versions, data, machine.
    public var tags: [String: String]

    public init(folder: String, name: String, parameters: [String: JSONValue], tags: [String: String]) {
        (self.folder, self.name, self.parameters, self.tags) = (folder, name, parameters, tags)
    }
}

/// Where a run is tracked, as far as the command line says so.
public struct TrackingTarget: Sendable {
    /// The server; nil for what the environment or the run itself names.
    public var uri: String?
    /// The experiment that the run belongs to.
    public var experiment: String?
    /// What people call the run; nil for its folder's name.
    public var runName: String?
    /// The name in the model registry that a version is added to.
    public var model: String?

    public init(uri: String? = nil, experiment: String? = nil, runName: String? = nil, model: String? = nil) {
        (self.uri, self.experiment, self.runName, self.model) = (uri, experiment, runName, model)
    }

    /// Whether anything was said.
    package var isEmpty: Bool { uri == nil && experiment == nil && runName == nil && model == nil }
}
