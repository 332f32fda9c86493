import Starling

/// What `evaluate` says. Property names are the JSON keys.
struct EvaluationReport: Encodable {
    let `protocol`: EvaluationProtocol
    let users_evaluated: Int
    /// Those of users and items that the model knows.
    let interactions: Int
    /// The others.
    let unknown_interactions: Int
    /// Those among the others whose user is known: they count as missed in rankings.
    let unknown_item_interactions: Int
    let metrics: [String: Double]
    let sampled: Sampled?

    /// Ranking among sampled items.
    struct Sampled: Encodable {
        let `protocol`: EvaluationProtocol
        let seed: UInt64
        /// Held-out interactions that were ranked.
        let interactions: Int
        let metrics: [String: Double]
    }

    /// - Parameter trained: how many items were candidates.
    func text(_ cutoffs: [Int], trained: Int) -> String {
        table(Set(cutoffs).sorted()).render() + "\n" + description(trained) + "\n"
    }

    /// Errors first, then a row a ranking metric and length; a second column for sampled ranking.
    private func table(_ lengths: [Int]) -> Table {
        let ranked = ["recall", "recall_capped", "ndcg", "hit_rate", "mrr", "map", "coverage"]
        let errors = ["rmse", "mae", "predictive_sd", "within_1sd", "within_2sd"]
        let names = errors + ranked.flatMap { name in lengths.map { "\(name)@\($0)" } } + ["auc"]
        let rows = names.compactMap { name -> [String]? in
            let values = [metrics[name]] + (sampled.map { [$0.metrics[name]] } ?? [])
            guard values.contains(where: { $0 != nil }) else { return nil }
            return [name] + values.map { $0.map { Numerals.fixed($0, 4) } ?? "–" }
        }
        guard case .negatives(let count)? = sampled?.protocol.candidates else {
            return Table(header: ["metric", "value"], rows: rows)
        }
        return Table(header: ["metric", "full", "sampled, \(Numerals.grouped(count))"], rows: rows)
    }

    private func description(_ trained: Int) -> String {
        var text = "On \(`protocol`.split): \(Numerals.grouped(interactions)) interactions, "
        text += "\(Numerals.grouped(users_evaluated)) users ranked among all \(Numerals.grouped(trained)) trained items"
        text += `protocol`.filterSeen ? ", less those they are known to have." : ", seen ones included."
        if metrics["rmse"] != nil { text += " Errors are of unclipped predictions." }
        if let sampled, case .negatives(let count) = sampled.protocol.candidates {
            text += "\nSampled: each of \(Numerals.grouped(sampled.interactions)) held-out interactions among "
            text += "\(Numerals.grouped(count)) random items that the user never had, averaged over interactions. "
            text += "Such figures can order models otherwise than full ranking."
        }
        if unknown_item_interactions > 0 {
            text += "\nMissed from the start: \(Numerals.grouped(unknown_item_interactions)) interactions with items "
            text += "that the model does not know."
        }
        let leftOut = unknown_interactions - unknown_item_interactions
        if leftOut > 0 {
            text += "\nLeft out: \(Numerals.grouped(leftOut)) interactions of users that the model does not know."
        }
        return text
    }
}
