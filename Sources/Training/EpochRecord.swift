/// What one finished epoch gave: a line of `metrics.jsonl`, an element of `epochs` in `train --json`.
///
/// In JSON it is one flat object: `{"epoch": 3, "seconds": 0.28, "train_loss": 0.742, "val_rmse": 0.871}`.
public struct EpochRecord: Codable, Equatable, Sendable {
    /// Counted from 1.
    public var epoch: Int
    /// Seconds of optimisation alone.
    public var seconds: Double
    /// Metrics by name, `train_loss` among them.
    public var metrics: [String: Double]

    public init(epoch: Int, seconds: Double, metrics: [String: Double]) {
        self.epoch = epoch
        self.seconds = seconds
        self.metrics = metrics
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let (epochKey, secondsKey) = (Key(stringValue: "epoch"), Key(stringValue: "seconds"))

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        epoch = try container.decode(Int.self, forKey: Self.epochKey)
        seconds = try container.decode(Double.self, forKey: Self.secondsKey)
        metrics = [:]
        for key in container.allKeys where key.stringValue != "epoch" && key.stringValue != "seconds" {
            metrics[key.stringValue] = try container.decode(Double.self, forKey: key)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(epoch, forKey: Self.epochKey)
        try container.encode(seconds, forKey: Self.secondsKey)
        for (name, value) in metrics { try container.encode(value, forKey: Key(stringValue: name)) }
    }
}

/// What a training came to.
public struct TrainingResult: Codable, Equatable, Sendable {
    /// Every epoch of the run, those before a resume included.
    public var epochs: [EpochRecord]
    /// Metrics of the epoch whose weights the trainer now holds: the last, or the best after early stopping.
    public var metrics: [String: Double]
    /// The epoch that was best by the watched metric; nil when none was watched.
    public var bestEpoch: Int?
    /// Seconds of optimisation over all epochs.
    public var trainSeconds: Double
    /// See ``WeightsDigest``.
    public var weightsSHA256: String

    enum CodingKeys: String, CodingKey {
        case epochs, metrics
        case bestEpoch = "best_epoch"
        case trainSeconds = "train_seconds"
        case weightsSHA256 = "weights_sha256"
    }

    public init(
        epochs: [EpochRecord], metrics: [String: Double], bestEpoch: Int?, trainSeconds: Double, weightsSHA256: String
    ) {
        self.epochs = epochs
        self.metrics = metrics
        self.bestEpoch = bestEpoch
        self.trainSeconds = trainSeconds
        self.weightsSHA256 = weightsSHA256
    }
}
