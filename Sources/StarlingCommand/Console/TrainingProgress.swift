package import Starling

/// How far a training has come, as a value: takes in events and clock times, gives lines.
package struct TrainingProgress {
    /// What is counted, in the plural: `ratings`.
    private let unit: String
    private let epochs: Int
    /// The first report: epochs done (with their fraction) and time. Speeds are measured from first reports on, so
    /// that what was done before a resume does not count.
    private var first: (position: Double, time: Double)?
    /// The same for the present epoch, in interactions.
    private var firstOfEpoch: (done: Int, time: Double)?
    private var total = 0
    private var lastMetrics: [String: Double] = [:]
    /// Of each finished epoch: the training loss, or where there is none the first metric of the validation part.
    private var curve: [Double] = []

    package init(epochs: Int, unit: String = "ratings") {
        self.epochs = epochs
        self.unit = unit
    }

    /// The live line in the midst of an epoch.
    package mutating func line(epoch: Int, _ progress: EpochProgress, at time: Double) -> ProgressLine {
        let fraction = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
        let position = Double(epoch - 1) + fraction
        let first = self.first ?? (position, time)
        let firstOfEpoch = self.firstOfEpoch ?? (progress.done, time)
        (self.first, self.firstOfEpoch, total) = (first, firstOfEpoch, progress.total)

        var fields: [String] = []
        if time > firstOfEpoch.time, progress.done > firstOfEpoch.done {
            let rate = Double(progress.done - firstOfEpoch.done) / (time - firstOfEpoch.time)
            fields.append("\(Numerals.short(rate)) \(unit)/s")
        }
        let spark = Sparkline.text(curve)
        if let loss = progress.loss { fields.append("loss \(Numerals.fixed(loss, 3))") }
        if !spark.isEmpty { fields.append(spark) }
        if let device = progress.device {
            let share = device.utilization.map { "\(Numerals.fixed(100 * $0, 0)) %, " } ?? ""
            fields.append("gpu \(share)\(Numerals.bytes(device.memoryBytes))")
        }
        fields += Self.metrics(lastMetrics.filter { $0.key.hasPrefix("val_") })
        // From the mean speed so far, validation and checkpoints included.
        let left =
            position > first.position
            ? (time - first.time) / (position - first.position) * (Double(epochs) - position) : nil
        return ProgressLine(label: label(epoch), fraction: fraction, fields: fields, left: left)
    }

    /// The line that stays when an epoch is finished.
    package mutating func finishedLine(_ epoch: EpochRecord, isBest: Bool) -> String {
        firstOfEpoch = nil
        lastMetrics = epoch.metrics
        let watched =
            epoch.metrics["train_loss"]
            ?? epoch.metrics.filter { $0.key.hasPrefix("val_") }.min { $0.key < $1.key }?.value
        curve += watched.map { [$0] } ?? []
        var fields = Self.metrics(epoch.metrics)
        if total > 0, epoch.seconds > 0 {
            fields.append("\(Numerals.short(Double(total) / epoch.seconds)) \(unit)/s")
        }
        fields.append(Numerals.duration(epoch.seconds))
        if isBest { fields.append("best") }
        return label(epoch.epoch) + "  " + fields.joined(separator: "  ")
    }

    private func label(_ epoch: Int) -> String {
        let width = String(epochs).count
        return "epoch " + DisplayWidth.pad(String(epoch), to: width, right: true) + "/\(epochs)"
    }

    /// The training loss first, under the name `loss`; the others by name.
    private static func metrics(_ metrics: [String: Double]) -> [String] {
        metrics.sorted { $0.key == "train_loss" || ($1.key != "train_loss" && $0.key < $1.key) }.map {
            switch $0.key {
            case "train_loss": "loss \(Numerals.fixed($0.value, 3))"
            case let name where name.hasSuffix("_bytes"):
                "\(name.dropLast("_bytes".count)) \(Numerals.bytes(Int($0.value)))"
            default: "\($0.key) \(Numerals.fixed($0.value, 4))"
            }
        }
    }
}
