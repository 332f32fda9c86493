import ArgumentParser
import Starling

/// One set of options of a search.
struct Trial {
    /// From 1.
    let number: Int
    /// What was drawn, by option.
    let options: [(name: String, text: String)]
    let plan: TrialPlan

    /// As the command line has them.
    static func arguments(_ options: [(name: String, text: String)]) -> [String] {
        options.flatMap { name, text in
            switch text {
            case "true": ["--" + name]
            case "false": ["--no-" + name]
            default: ["--" + name, text]
            }
        }
    }

    /// Trials `1...count`, or as many as differ, all of whose options the model takes.
    ///
    /// - Parameter fixed: arguments that hold for all.
    static func all<Flags: TunableFlags>(
        _ count: Int, of space: SearchSpace, fixed: [String], seed: UInt64, _: Flags.Type
    ) throws -> [Trial] {
        try (1...min(count, space.combinations ?? count)).map { number in
            let options = space.draw(trial: number, seed: seed)
            let plan: TrialPlan
            do {
                plan = try Flags.parse(fixed + arguments(options)).plan(seed: seed)
            } catch {
                let what = (error as? StarlingError)?.what ?? Flags.message(for: error)
                let drawn = options.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
                throw StarlingError(
                    .usage, "trial \(number) (\(drawn)) cannot be: \(what)",
                    remedy: "change --range, --choice or the options of the model")
            }
            return Trial(number: number, options: options, plan: plan)
        }
    }
}

/// What a trial, or a rung of one, came to: a line of `trials.jsonl`.
struct TrialResult: Codable {
    let trial: Int
    /// From 0; trials of a random search have one.
    let rung: Int
    /// Epochs behind it.
    let epochs: Int
    /// The metric that trials are compared by; nil if it failed.
    let value: Double?
    let metrics: [String: Double]
    /// Of optimisation, over all epochs.
    let seconds: Double
    let options: [String: String]
    /// Why it failed.
    let error: String?
}

/// By what trials are compared.
struct TrialMetric {
    let watched: WatchedMetric
    /// The length of lists, of a ranking metric; nil of one that the trainer measures.
    let cutoff: Int?

    /// Takes `ndcg@20` and `val_ndcg@20`, `val_rmse` and `rmse`.
    ///
    /// - Throws: `usage` for what nothing measures.
    init(_ text: String) throws {
        let name = text.lowercased()
        let bare = name.hasPrefix("val_") ? String(name.dropFirst(4)) : name
        let parts = bare.split(separator: "@", omittingEmptySubsequences: false)
        if parts.count == 2, let cutoff = Int(parts[1]), cutoff >= 1 {
            var known = RankingMetrics(cutoffs: [cutoff], items: 1, recommendable: 1)
            known.add(recommended: [ItemRow(0)], relevant: [ItemRow(0)])
            guard known.values[bare] != nil else {
                throw StarlingError(
                    .usage, "there is no metric “\(text)”",
                    remedy: "use one of " + known.values.keys.sorted().joined(separator: ", ")
                        + ", or val_rmse, val_mae")
            }
            (watched, self.cutoff) = (WatchedMetric(bare), cutoff)
            return
        }
        guard parts.count == 1, ["rmse", "mae", "loss"].contains(bare) else {
            throw StarlingError(
                .usage, "there is no metric “\(text)”", remedy: "use val_rmse, val_mae, val_loss, or one like ndcg@20")
        }
        (watched, cutoff) = (WatchedMetric("val_" + bare), nil)
    }
}
