public import Basics
public import Formats

/// What the ``TrainingLoop`` needs of a model that is trained in epochs: train one, give its state, take it back.
/// One loop does checkpoints, resume, early stopping, metrics and progress for every model.
public protocol EpochTrainer: AnyObject {
    /// The model's weights in canonical order. `weights_sha256` and checkpoints are made from these; the same
    /// order, names and bytes whatever the thread count.
    var weights: [TensorSource] { get }

    /// Everything else that training needs to go on to the same bits: moments, counters, and where in an
    /// unfinished epoch it stands.
    var optimizerState: [TensorSource] { get }

    /// Takes back what ``weights`` and ``optimizerState`` gave.
    ///
    /// - Throws: `failed` naming the tensor, if one is missing or has another shape.
    func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws

    /// Trains epoch `epoch` (from 1), or goes on with it after a restore in its middle. Cancellation is looked at
    /// at block ends; an interrupted epoch keeps its place in ``optimizerState``.
    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome
}

/// How far an epoch has come, told now and then while it runs.
public struct EpochProgress: Sendable {
    /// Interactions done in this epoch, and in all of it.
    public var done: Int
    public var total: Int
    /// Mean training loss of the epoch so far.
    public var loss: Double?
    /// Something to be told once, such as batches that were made smaller.
    public var notice: String?

    public init(done: Int, total: Int, loss: Double? = nil) {
        self.done = done
        self.total = total
        self.loss = loss
    }
}

public enum EpochOutcome: Sendable {
    /// The epoch is complete: `train_loss`, and validation metrics by their names (`val_rmse`, …).
    /// `seconds` is the time of optimisation alone, evaluation left out.
    case finished(metrics: [String: Double], seconds: Double)
    /// Stopped at a block end because of the cancellation.
    case interrupted
}
