import Basics
public import Training

/// Writes each epoch's metrics for TensorBoard.
///
/// ```swift
/// let board = try TensorBoardWriter(folder: "logs/first")
/// try TrainingLoop(epochs: 20).train(trainer, in: run, observers: [board])
/// ```
///
/// The run's `metrics.jsonl` stays the source of truth: a file that cannot be written costs its lines and a warning, not the training.
public final class TensorBoardWriter: TrainingObserver {
    private let file: EventFile
    private let warn: (String) -> Void
    private var hasFailed = false

    /// - Parameters:
    ///   - folder: the log folder; runs side by side each have one of their own below TensorBoard's `--logdir`.
    ///   - warn: is told once if the file cannot be written any more.
    /// - Throws: `failed` if it cannot be begun.
    public init(folder: String, warn: @escaping (String) -> Void = { _ in }) throws {
        (file, self.warn) = (try EventFile(in: folder), warn)
    }

    public func receive(_ event: TrainingEvent) {
        guard case .epochFinished(let epoch, _) = event, !hasFailed else { return }
        let metrics = epoch.metrics.merging(["seconds": epoch.seconds]) { own, _ in own }
        do {
            for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
                try file.add(name, value, step: epoch.epoch, at: Host.now())
            }
            try file.flush()
        } catch {
            hasFailed = true
            warn("TensorBoard's log ends with epoch \(epoch.epoch - 1): \(error)")
        }
    }
}
