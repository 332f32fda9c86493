/// A metric by which epochs are compared: `val_rmse`, `val_ndcg@10`, …
public struct WatchedMetric: Hashable, Codable, Sendable {
    public var name: String

    public init(_ name: String) { self.name = name }

    /// Known by the name: errors (`rmse`, `mae`, `mse`) and `loss` are better when smaller, everything else
    /// (recall, NDCG, …) when larger.
    public var smallerIsBetter: Bool {
        let bare = name.split(separator: "_").last.map(String.init) ?? name
        return ["rmse", "mae", "mse", "loss"].contains(bare)
    }

    /// Whether `value` is better than `other` by more than `margin`.
    public func isBetter(_ value: Double, than other: Double, by margin: Double = 0) -> Bool {
        smallerIsBetter ? value < other - margin : value > other + margin
    }
}

/// Ends a training whose validation metric has ceased to get better.
public struct EarlyStopping: Hashable, Codable, Sendable {
    public var metric: WatchedMetric
    /// Epochs in a row without improvement after which training ends. At least 1; default 3.
    public var patience: Int
    /// How much better than the best an epoch must be to count as an improvement. Default 0.
    public var minimumImprovement: Double

    public init(metric: WatchedMetric, patience: Int = 3, minimumImprovement: Double = 0) {
        precondition(patience >= 1 && minimumImprovement >= 0)
        self.metric = metric
        self.patience = patience
        self.minimumImprovement = minimumImprovement
    }
}
