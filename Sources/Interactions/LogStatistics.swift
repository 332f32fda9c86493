public import Kernels

/// What a log looks like in numbers.
///
/// Users and items count those with at least one interaction here; a part of a split may have fewer than its
/// vocabularies name. `Encodable` with stable keys: `users`, `items`, `interactions`, `repeated_pairs`, `density`, `values`
/// (absent without values), `user_activity`, `item_popularity`, `top_1_percent_items_share`,
/// `top_10_percent_items_share`, `times` (absent without times).
public struct LogStatistics: Sendable, Encodable {
    public let users: Int
    public let items: Int
    public let interactions: Int
    /// Interactions with a pair of user and item that stands earlier already.
    public let repeatedPairs: Int
    /// Distinct pairs ÷ (users × items).
    public let density: Double
    public let values: Values?
    /// Interactions a user.
    public let userActivity: Quantiles
    /// Interactions an item.
    public let itemPopularity: Quantiles
    /// The part of all interactions that the most popular hundredth of items (rounded up) has, within 0…1.
    public let topOnePercentShare: Double
    /// The same for a tenth of items.
    public let topTenPercentShare: Double
    public let times: TimeRange?

    /// - Parameters:
    ///   - repeatedPairs: where they were counted already, as after merging duplicates (0); nil counts them.
    ///   - workers: share the counting.
    /// - Complexity: O(interactions + users log users + items log items).
    /// - Precondition: the log is not empty.
    public init(_ log: InteractionLog, repeatedPairs known: Int? = nil, workers: Workers = Workers(threads: 1)) {
        precondition(log.count > 0, "no statistics of nothing")
        let activity = Self.sortedCounts(log.userRows, log.users.count)
        let popularity = Self.sortedCounts(log.itemRows, log.items.count)
        func share(_ fraction: Double) -> Double {
            let top = popularity.suffix(Int((fraction * Double(popularity.count)).rounded(.up)))
            return Double(top.reduce(0, +)) / Double(log.count)
        }
        users = activity.count
        items = popularity.count
        interactions = log.count
        repeatedPairs = known ?? log.pairMatrix(workers: workers).repeatedEntries
        density = Double(log.count - repeatedPairs) / (Double(users) * Double(items))
        values = log.values.map(Values.init)
        userActivity = Quantiles(rising: activity)
        itemPopularity = Quantiles(rising: popularity)
        topOnePercentShare = share(0.01)
        topTenPercentShare = share(0.1)
        times = log.times.map(TimeRange.init)
    }

    /// How often each row stands in the column, rows without any left out, rising.
    private static func sortedCounts(_ rows: [UInt32], _ count: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: count)
        for row in rows { counts[Int(row)] += 1 }
        return counts.filter { $0 > 0 }.sorted()
    }

    private enum CodingKeys: String, CodingKey {
        case users, items, interactions, density, values, times
        case repeatedPairs = "repeated_pairs"
        case userActivity = "user_activity"
        case itemPopularity = "item_popularity"
        case topOnePercentShare = "top_1_percent_items_share"
        case topTenPercentShare = "top_10_percent_items_share"
    }

    /// Quantiles of counts by nearest rank: the smallest count that at least that share of rows do not exceed.
    /// Keys: `minimum`, `p25`, `median`, `p75`, `p90`, `p99`, `maximum`, `mean`.
    public struct Quantiles: Sendable, Encodable {
        public let minimum, p25, median, p75, p90, p99, maximum: Int
        public let mean: Double

        init(rising counts: [Int]) {
            func quantile(_ percent: Int) -> Int { counts[max(0, (percent * counts.count + 99) / 100 - 1)] }
            minimum = counts.first!
            p25 = quantile(25)
            median = quantile(50)
            p75 = quantile(75)
            p90 = quantile(90)
            p99 = quantile(99)
            maximum = counts.last!
            mean = Double(counts.reduce(0, +)) / Double(counts.count)
        }
    }
}
