import Starling

/// What lists and comparisons show of a run.
struct RunEntry {
    let run: String
    let record: RunRecord
    let epochs: [EpochRecord]
    /// Those of the epoch whose weights the run ended with; of an unfinished one, of its last.
    let metrics: [String: Double]

    init(_ path: String, named name: String) throws {
        let directory = try RunDirectory(reading: path)
        (run, record, epochs) = (name, directory.record, try directory.metrics())
        if case .object(let final)? = record.summary?["metrics"] {
            metrics = final.compactMapValues(\.double)
        } else {
            metrics = epochs.last?.metrics ?? [:]
        }
    }

    /// The loss of training over the epochs, or where there is none the first metric of the validation part.
    var curve: [Double] {
        guard let first = epochs.first else { return [] }
        let name =
            first.metrics["train_loss"] == nil ? first.metrics.keys.filter { $0.hasPrefix("val_") }.min() : "train_loss"
        return name.map { name in epochs.compactMap { $0.metrics[name] } } ?? []
    }

    /// A metric that may be asked for with `val_` before it or without.
    subscript(metric name: String) -> Double? { metrics[name] ?? metrics["val_" + name] }

    /// The metrics of several runs: those that most have come first, then by name.
    static func metricNames(_ entries: [RunEntry]) -> [String] {
        var counts: [String: Int] = [:]
        for entry in entries { for name in entry.metrics.keys { counts[name, default: 0] += 1 } }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }
}
