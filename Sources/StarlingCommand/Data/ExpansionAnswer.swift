import Reports
import Starling

/// What `data expand` says of the folder that it wrote. Property names are the JSON keys.
struct ExpansionAnswer: Codable {
    struct Side: Codable {
        let users, items, interactions: Int
        /// Of the interactions that items and users have: 0 where all have the same and near 1 where one has all.
        let popularity_gini, activity_gini: Double
        /// What the most popular hundredth of items, and the most active hundredth of users, have of all interactions.
        let top_1_percent_items_share, top_1_percent_users_share: Double

        init(_ side: ExpansionReport.Side) {
            (users, items, interactions) = (side.activity.count, side.popularity.count, side.interactions)
            (popularity_gini, activity_gini) = (side.popularity.gini, side.activity.gini)
            top_1_percent_items_share = side.popularity.topOnePercentShare
            top_1_percent_users_share = side.activity.topOnePercentShare
        }
    }

    /// The leading ones: of the source, and of the matrix of keep rates.
    struct SingularValues: Codable {
        let source, factor: [Double]
    }

    let output, form, by, shuffle: String
    let seed: UInt64
    let ratings: Bool
    /// Of the result: users and items that have interactions.
    let users, items, interactions: Int
    let expected_interactions: Double
    /// The mean of what blocks keep, and the least and the most that one does.
    let keep_rate, least_keep_rate, most_keep_rate: Double
    let source, result: Side
    let singular_values: SingularValues
    let shards, bytes: Int
    /// In all, and of making and writing shards alone.
    let seconds, expand_seconds, interactions_per_second: Double
    let peak_memory_bytes: Int
    var report: String?

    init(
        output: String, record: ExpansionRecord, source: ExpansionReport.Side, result: ExpansionReport.Side,
        factor: KroneckerFactor, singularValues: (source: [Double], factor: [Double]), expected: Double,
        _ written: ExpansionWriter.Written, seconds: Double, expandSeconds: Double
    ) {
        (self.output, form, by, shuffle) = (output, record.form, record.by, record.shuffle)
        (seed, ratings) = (record.seed, record.ratings)
        (self.source, self.result) = (Side(source), Side(result))
        (users, items, interactions) = (self.result.users, self.result.items, self.result.interactions)
        expected_interactions = expected
        (keep_rate, least_keep_rate, most_keep_rate) = (factor.mean, factor.rates.min()!, factor.rates.max()!)
        singular_values = SingularValues(
            source: Array(singularValues.source.prefix(32)), factor: Array(singularValues.factor.prefix(32)))
        (shards, bytes) = (written.shards, written.bytes)
        (self.seconds, expand_seconds) = (seconds, expandSeconds)
        interactions_per_second = Double(interactions) / expandSeconds
        peak_memory_bytes = Host.peakMemory()
    }

    /// Of a finished expansion.
    init(stored: JSONValue) throws {
        self = try JSON.decode(ExpansionAnswer.self, from: JSON.bytes(stored), file: ExpansionRecord.finishedName)
    }

    var text: String {
        func row(_ name: String, _ number: (Side) -> String) -> [String] { [name, number(source), number(result)] }
        func percent(_ share: Double) -> String { Numerals.fixed(100 * share, 1) + "%" }
        let table = Table(
            header: ["", "data", "expanded"],
            rows: [
                row("interactions") { Numerals.grouped($0.interactions) }, row("users") { Numerals.grouped($0.users) },
                row("items") { Numerals.grouped($0.items) },
                row("top 1 % of items have") { percent($0.top_1_percent_items_share) },
                row("top 1 % of users have") { percent($0.top_1_percent_users_share) },
                row("gini of items") { Numerals.fixed($0.popularity_gini, 2) },
                row("gini of users") { Numerals.fixed($0.activity_gini, 2) },
            ])
        let kept =
            "blocks keep \(percent(least_keep_rate)) to \(percent(most_keep_rate)), \(percent(keep_rate)) on average"
        let made = "\(shards) shards of \(form) in \(output), \(Numerals.bytes(bytes)), \(Numerals.duration(seconds))"
        let rate = "\(Numerals.short(interactions_per_second)) interactions/s made and written"
        return table.render() + "\n"
            + ([kept, made, rate] + (report.map { ["report in \($0)"] } ?? [])).joined(separator: "\n") + "\n"
    }
}
