/// Hears how a training goes: the console, trackers. Called on the thread that trains, in order.
public protocol TrainingObserver: AnyObject {
    func receive(_ event: TrainingEvent)
}

/// What happens in a training, in the order it happens.
public enum TrainingEvent: Sendable {
    /// `resumed` is the checkpoint that training goes on from; nil when it starts from nothing.
    case started(epochs: Int, resumed: CheckpointName?)
    case progress(epoch: Int, EpochProgress)
    /// `isBest` by the watched metric; false when none is watched.
    case epochFinished(EpochRecord, isBest: Bool)
    case checkpointWritten(CheckpointName)
    /// Something the user should know that stops nothing: one sentence.
    case warning(String)
    /// Cancelled; the checkpoint holds everything done so far.
    case interrupted(epoch: Int)
    case finished(TrainingResult)
}
