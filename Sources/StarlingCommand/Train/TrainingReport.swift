import Starling

/// The result of a `train` command: the JSON object that scripts rely on, or a table.
enum TrainingReport {
    struct Summary: Encodable {
        let model: String
        let run: String
        let users: Int
        let items: Int
        /// Those accepted, held-out ones included.
        let interactions: Int
        let trainInteractions: Int
        let factors: Int
        let threads: Int
        /// Of a training on several.
        let ranks: Int?
        /// By rank 0 to the others.
        let sentBytes: Int?
        let device: String
        let epochs: [EpochRecord]
        let bestEpoch: Int?
        let metrics: [String: Double]
        let seconds: Double
        let loadSeconds: Double
        let trainSeconds: Double
        let interactionsPerSecond: Double
        let peakMemoryBytes: Int
        let trainPeakMemoryBytes: Int
        /// Of a GPU, in tensors.
        let devicePeakMemoryBytes: Int?
        let weightsSHA256: String

        enum CodingKeys: String, CodingKey {
            case model, run, users, items, interactions, factors, threads, ranks, device, epochs, metrics, seconds
            case trainInteractions = "train_interactions"
            case sentBytes = "sent_bytes"
            case bestEpoch = "best_epoch"
            case loadSeconds = "load_seconds"
            case trainSeconds = "train_seconds"
            case interactionsPerSecond = "interactions_per_second"
            case peakMemoryBytes = "peak_memory_bytes"
            case trainPeakMemoryBytes = "train_peak_memory_bytes"
            case devicePeakMemoryBytes = "device_peak_memory_bytes"
            case weightsSHA256 = "weights_sha256"
        }
    }

    /// Tells a tracker how the run ended, with a model folder as MLflow loads it.
    static func tell(_ tracker: any Tracker, _ summary: Summary, _ directory: RunDirectory) throws {
        var metrics = [
            "train_seconds": summary.trainSeconds, "interactions_per_second": summary.interactionsPerSecond,
            "peak_memory_bytes": Double(summary.peakMemoryBytes),
        ]
        var tags = ["starling.weights_sha256": summary.weightsSHA256]
        if let best = summary.bestEpoch {
            tags["starling.best_epoch"] = "\(best)"
            for (name, value) in summary.metrics { metrics["best/" + name] = value }
        }
        do {
            try MLflowModel.write(
                ModelFolder(directory.modelPath), Workers(threads: summary.threads),
                to: directory.path + "/mlflow-model")
        } catch {
            TrackingFlags.warn("the tracking server gets no model to serve: \(error)")
        }
        tracker.end(.finished, metrics: metrics, tags: tags)
    }

    static func print(_ summary: JSONValue, json: Bool) throws {
        guard !json else { return FileHandles.standardOutput(try JSON.text(summary) + "\n") }
        func count(_ key: String) -> String { Numerals.grouped(summary[key]?.int ?? 0) }
        func seconds(_ key: String) -> String { Numerals.duration(summary[key]?.double ?? 0) }
        var rows: [[String]] = [
            ["model", "\(summary["model"]?.string ?? "") with \(count("factors")) factors"],
            [
                "trained on",
                "\(count("train_interactions")) interactions of \(count("users")) users, \(count("items")) items",
            ],
        ]
        if case .array(let epochs)? = summary["epochs"] {
            let best = summary["best_epoch"]?.int.map { ", best \($0)" } ?? ""
            let rate = Numerals.short(summary["interactions_per_second"]?.double ?? 0)
            rows.append(["epochs", "\(epochs.count)\(best), \(rate) ratings/s on \(count("threads")) threads"])
        }
        if case .object(let metrics)? = summary["metrics"] {
            for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
                rows.append([name, Numerals.fixed(value.double ?? .nan, 4)])
            }
        }
        rows.append([
            "time", "\(seconds("seconds")): reading \(seconds("load_seconds")), training \(seconds("train_seconds"))",
        ])
        rows.append(["memory", Numerals.bytes(summary["peak_memory_bytes"]?.int ?? 0) + " at most"])
        if let bytes = summary["device_peak_memory_bytes"]?.int {
            rows.append(["GPU memory", Numerals.bytes(bytes) + " at most"])
        }
        rows.append(["weights", "sha256 " + String(summary["weights_sha256"]?.string?.prefix(16) ?? "") + "…"])
        rows.append(["run", summary["run"]?.string ?? ""])
        FileHandles.standardOutput(Table(rows: rows).render())
    }
}
