public import Basics
public import Formats
package import Kernels
package import Ranking

/// What the ``TrainingLoop`` needs of a model that is trained in epochs: train one, give its state, take it back.
/// One loop does checkpoints, resume, early stopping, metrics and progress for every model.
public protocol EpochTrainer: AnyObject {
    /// The model's weights in canonical order. `weights_sha256` and checkpoints are made from these; the same
    /// order, names and bytes whatever the thread count.
    var weights: [TensorSource] { get }

    /// Everything else that training needs to go on to the same bits: moments, counters, and where in an
    /// unfinished epoch it stands.
    var optimizerState: [TensorSource] { get }

    /// Whether a rank of several holds only a part of these tensors: then emitting one takes all ranks, which emit the same
    /// tensor at the same time, and gives it whole on rank 0. Default: false, rank 0 holds all.
    var isSharded: Bool { get }

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

/// A trainer whose model ranks by more than the product of two tables among its ``EpochTrainer/weights``.
package protocol RankingTrainer: EpochTrainer {
    /// Items' vectors as they are now, `[items × dimensions]`.
    func itemVectors() throws -> FactorTable
    /// What makes vectors of users who were in training.
    var encoder: any QueryEncoder { get }
}

/// How far an epoch has come, told now and then while it runs.
public struct EpochProgress: Sendable {
    /// Interactions done in this epoch, and in all of it.
    public var done: Int
    public var total: Int
    /// Mean training loss of the epoch so far.
    public var loss: Double?
    /// What a device other than the CPU does meanwhile.
    public var device: DeviceLoad?
    /// Something to be told once, such as batches that were made smaller.
    public var notice: String?

    public init(done: Int, total: Int, loss: Double? = nil) {
        self.done = done
        self.total = total
        self.loss = loss
    }
}

/// How much of a device is used.
public struct DeviceLoad: Sendable, Equatable {
    /// Held by tensors at most so far.
    public var memoryBytes: Int
    /// The share of time in which it computed, 0 to 1; nil where nothing tells.
    public var utilization: Double?

    public init(memoryBytes: Int, utilization: Double?) {
        self.memoryBytes = memoryBytes
        self.utilization = utilization
    }
}

public enum EpochOutcome: Sendable {
    /// The epoch is complete: `train_loss`, and validation metrics by their names (`val_rmse`, …).
    /// `seconds` is the time of optimisation alone, evaluation left out.
    case finished(metrics: [String: Double], seconds: Double)
    /// Stopped at a block end because of the cancellation.
    case interrupted
}
