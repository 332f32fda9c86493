public import Basics

/// Drives a model that is trained in epochs: resumes, trains, checkpoints, watches a metric, stops.
///
/// ```swift
/// var loop = TrainingLoop(epochs: 20)
/// loop.earlyStopping = EarlyStopping(metric: WatchedMetric("val_rmse"), patience: 3)
/// let result = try loop.train(trainer, in: run)
/// ```
public struct TrainingLoop: Sendable {
    /// How many epochs in all, those before a resume included. 0 or more.
    public var epochs: Int
    /// A checkpoint is written after every so many epochs, and always after the last, after one that is the
    /// best so far, and on cancellation. Default 1.
    public var checkpointEvery = 1
    /// How many of the newest epoch ends are kept. Default 2, so that one damaged is not all lost.
    public var keep = 2
    /// When set, training may end early, and ends with the weights of the best epoch.
    public var earlyStopping: EarlyStopping?
    /// The checkpoint of the epoch best by this metric is kept beside the newest. Default: the metric of
    /// ``earlyStopping``, if any.
    public var keepBest: WatchedMetric?

    public init(epochs: Int) {
        precondition(epochs >= 0)
        self.epochs = epochs
    }

    /// Trains to the end, or goes on to it from the newest good checkpoint of `run`.
    ///
    /// On return `trainer` holds the weights that the result speaks of, and all checkpoints are on disk. The run
    /// stays `running`: the caller writes the model and then calls ``RunDirectory/finish(summary:)``; killed
    /// between the two, a resume comes back here, trains nothing and returns the same result.
    ///
    /// On several ranks each has a trainer, and rank 0 alone has a run and observers; all return the same result.
    ///
    /// - Parameter run: where checkpoints and metrics go; without it nothing is kept, and early stopping uses a
    ///   temporary folder for the best weights.
    /// - Throws: `interrupted` after a cancellation, when the checkpoint is written; `failed` when the loss is not a
    ///   finite number, or a checkpoint cannot be written (the ones before it are intact); `usage` when the
    ///   watched metric is not measured; whatever the trainer throws.
    public func train(
        _ trainer: any EpochTrainer, in run: RunDirectory? = nil, ranks: any Communicator = OneRank(),
        cancellation: Cancellation = Cancellation(), observers: [any TrainingObserver] = []
    ) throws -> TrainingResult {
        let keepsRun = try ranks.any(run != nil)
        let needsScratch = !keepsRun && earlyStopping != nil
        let scratch = needsScratch && ranks.rank == 0 ? try Files.makeTemporaryFolder() : nil
        defer { if let scratch { try? Files.remove(scratch) } }
        let session = TrainingSession(
            loop: self, trainer: trainer, run: run,
            store: (run?.checkpointsPath ?? scratch).map { CheckpointStore($0) }, ranks: ranks,
            keeps: (run: keepsRun, checkpoints: keepsRun || needsScratch), cancellation: cancellation,
            observers: observers)
        do {
            return try session.train()
        } catch {
            let isInterruption = (error as? StarlingError)?.code == .interrupted
            // The first error counts; on a full disk the status cannot be written either.
            try? run?.update(isInterruption ? .interrupted : .failed)
            throw error
        }
    }
}
