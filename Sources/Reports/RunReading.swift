import Basics
package import Training

extension Report.Run {
    /// What the files of a run say beside its model: `run.json`, `metrics.jsonl`, and the newest checkpoint's state.
    ///
    /// - Parameter command: the line that trains it again.
    /// - Throws: `failed` for a file that cannot be read.
    package init(_ run: RunDirectory, name: String, command: String? = nil) throws {
        let record = run.record
        self.name = name
        self.command = command
        (path, model, status, created, host) = (run.path, record.model, record.status, record.created, record.host)
        (configuration, data, versions) = (record.configuration, record.data, record.versions)
        let summary = record.summary
        device = (summary?["device"] ?? configuration["device"])?.string
        threads = summary?["threads"]?.int
        seconds = summary?["seconds"]?.double
        trainSeconds = summary?["train_seconds"]?.double
        peakMemoryBytes = summary?["peak_memory_bytes"]?.int
        weightsSHA256 = summary?["weights_sha256"]?.string
        let epochs = try run.metrics()
        // Without early stopping the last epoch's weights are kept, whichever was the best.
        if configuration["early-stopping"]?.int != nil {
            bestEpoch = summary?["best_epoch"]?.int
            bestMetric = bestEpoch == nil ? nil : Self.watchedMetric(run)
        }
        self.epochs = Self.thinned(epochs, keeping: bestEpoch)
    }

    /// The metric by which the newest checkpoint says that an epoch was the best.
    private static func watchedMetric(_ run: RunDirectory) -> String? {
        let store = CheckpointStore(run.checkpointsPath)
        guard let newest = try? store.names().last else { return nil }
        let file = store.folder(newest) + "/state.json"
        let state = try? JSON.decode(CheckpointState.self, from: Files.read(file), file: file)
        return state?.training.best?.metric
    }

    /// At most `most` epochs, evenly spaced; the first and the last are among them, and `best`, in place of the one nearest.
    package static func thinned(_ epochs: [EpochRecord], keeping best: Int?, most: Int = 500) -> [EpochRecord] {
        guard epochs.count > most else { return epochs }
        var kept = (0..<most).map { ($0 * (epochs.count - 1) + (most - 1) / 2) / (most - 1) }
        if let best = epochs.firstIndex(where: { $0.epoch == best }), !kept.contains(best) {
            let nearest = (1..<most - 1).min { abs(kept[$0] - best) < abs(kept[$1] - best) }!
            kept[nearest] = best
        }
        return kept.map { epochs[$0] }
    }

    /// The shortest ends of the runs' paths by which they can be told apart.
    ///
    /// - Throws: `usage` if a path stands twice.
    package static func names(of paths: [String]) throws -> [String] {
        let parts = paths.map { $0.split(separator: "/").filter { $0 != "." } }
        return try parts.indices.map { index in
            let others = parts.indices.filter { $0 != index }.map { parts[$0] }
            guard !others.contains(parts[index]) else {
                throw StarlingError(
                    .usage, "the run is named twice", at: .init(file: paths[index]), remedy: "name each run once")
            }
            let ends = (1...max(1, parts[index].count)).map { parts[index].suffix($0) }
            let own = ends.first { end in others.allSatisfy { $0.suffix(end.count) != end } } ?? parts[index][...]
            return own.isEmpty ? paths[index] : own.joined(separator: "/")
        }
    }
}
