import Basics

/// Where a training stands: everything about it that is not a tensor. A pure value; the loop acts on it.
public struct TrainingState: Codable, Equatable, Sendable {
    /// The best epoch so far by the watched metric.
    public struct Best: Codable, Equatable, Sendable {
        public var epoch: Int
        public var metric: String
        public var value: Double
    }

    /// Every finished epoch.
    public var epochs: [EpochRecord] = []
    public var best: Best?
    /// Epochs since the watched metric last improved by the minimum.
    public var epochsWithoutImprovement = 0
    /// What the next improvement is measured against: the value at the last one that counted.
    public var reference: Double?
    /// Early stopping has ended the training.
    public var isStopped = false
    /// Seconds already spent on the epoch after the last finished one, when it was interrupted.
    public var partialSeconds = 0.0

    public init() {}

    /// Epochs that are complete.
    public var finishedEpochs: Int { epochs.count }

    /// Takes in what an epoch gave.
    ///
    /// - Returns: Whether it is the best so far.
    /// - Throws: `failed` if the loss or another metric is not a finite number; `usage` if the watched metric is
    ///   not among those measured.
    mutating func finish(
        metrics: [String: Double], seconds: Double, watching metric: WatchedMetric?, _ stopping: EarlyStopping?
    ) throws -> Bool {
        let epoch = finishedEpochs + 1
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) where !value.isFinite {
            throw Self.diverged(name, value, epoch)
        }
        epochs.append(EpochRecord(epoch: epoch, seconds: seconds + partialSeconds, metrics: metrics))
        partialSeconds = 0
        guard let metric else { return false }
        let value = try Self.value(of: metric, in: metrics)
        let isBest = best.map { metric.isBetter(value, than: $0.value) } ?? true
        if isBest { best = Best(epoch: epoch, metric: metric.name, value: value) }
        if let stopping {
            let watched = try Self.value(of: stopping.metric, in: metrics)
            if reference.map({ stopping.metric.isBetter(watched, than: $0, by: stopping.minimumImprovement) }) ?? true {
                reference = watched
                epochsWithoutImprovement = 0
            } else {
                epochsWithoutImprovement += 1
                isStopped = epochsWithoutImprovement >= stopping.patience
            }
        }
        return isBest
    }

    static func diverged(_ name: String, _ value: Double, _ epoch: Int) -> StarlingError {
        StarlingError(
            .failed, "training diverged: \(name) of epoch \(epoch) is \(value.isNaN ? "not a number" : "\(value)")",
            remedy: "lower --learning-rate or raise the regularisation; the checkpoints of earlier epochs are kept")
    }

    private static func value(of metric: WatchedMetric, in metrics: [String: Double]) throws -> Double {
        guard let value = metrics[metric.name] else {
            throw StarlingError(
                .usage, "the metric \(metric.name) is not measured",
                remedy: metrics.isEmpty ? nil : "use one of " + metrics.keys.sorted().joined(separator: ", "))
        }
        return value
    }
}
