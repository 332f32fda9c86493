public import Interactions

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Mean ranking quality over users, at several cut-offs K. Relevance is binary.
///
/// For one user, with R the set of relevant items and the list cut to its first K items:
/// - `recall@K`: relevant items in the list / |R|.
/// - `recall_capped@K`: relevant items in the list / min(K, |R|), so that 1 can be reached (“Recall@K” of Liang et al.,
///   “Variational autoencoders for collaborative filtering”, WWW 2018).
/// - `ndcg@K`: Σ over relevant places i (from 1) of 1 / log₂(i + 1), divided by the same sum for an ideal list, whose
///   first min(K, |R|) places are relevant (Järvelin & Kekäläinen 2002, gain 1).
/// - `hit_rate@K`: 1 if the list has a relevant item, else 0.
/// - `mrr@K`: 1 / place of the first relevant item, 0 if there is none within K.
/// - `map@K`: Σ over relevant places i ≤ K of precision@i, divided by min(K, |R|).
///
/// These are averaged over users. Not per user: `coverage@K`, the share of recommendable items that are within the first
/// K of at least one user's list.
///
/// Users are added in order and sums are in double precision, so results depend on neither threads nor blocks.
public struct RankingMetrics: Sendable {
    /// Rising, without repeats.
    public let cutoffs: [Int]
    /// Users added so far.
    public private(set) var users = 0

    private var sums: [PerUser]
    /// For each item the best place (from 0) it had in any list.
    private var bestPlaces: [UInt32]
    private let recommendable: Int

    private struct PerUser {
        var recall = 0.0, cappedRecall = 0.0, ndcg = 0.0, hitRate = 0.0, mrr = 0.0, map = 0.0
    }

    /// - Parameters:
    ///   - cutoffs: at least one, each at least 1.
    ///   - items: rows of the item vocabulary.
    ///   - recommendable: how many of them could be recommended at all, the denominator of coverage.
    public init(cutoffs: [Int], items: Int, recommendable: Int) {
        precondition(!cutoffs.isEmpty && cutoffs.allSatisfy { $0 >= 1 }, "cut-offs start at 1")
        self.cutoffs = Set(cutoffs).sorted()
        self.recommendable = recommendable
        sums = [PerUser](repeating: PerUser(), count: self.cutoffs.count)
        bestPlaces = [UInt32](repeating: .max, count: items)
    }

    /// Adds a user.
    ///
    /// - Parameters:
    ///   - recommended: best first, without repeats, at least the largest cut-off long unless the ranking ends before.
    ///   - relevant: rising, without repeats, at least one.
    public mutating func add(recommended: some Collection<ItemRow>, relevant: some RandomAccessCollection<ItemRow>) {
        precondition(!relevant.isEmpty, "a user without relevant items has no figures")
        users += 1
        var (hits, gain, precisions, firstHit) = (0, 0.0, 0.0, 0.0)
        var next = 0
        for (place, item) in recommended.enumerated() {
            if next < cutoffs.count, place == cutoffs[next] {
                close(next, relevant.count, hits, gain, precisions, firstHit)
                next += 1
            }
            if next == cutoffs.count { return }
            bestPlaces[item.index] = min(bestPlaces[item.index], UInt32(place))
            guard Self.contains(relevant, item) else { continue }
            hits += 1
            gain += Self.discount(place)
            precisions += Double(hits) / Double(place + 1)
            if hits == 1 { firstHit = 1 / Double(place + 1) }
        }
        for cutoff in next..<cutoffs.count { close(cutoff, relevant.count, hits, gain, precisions, firstHit) }
    }

    private mutating func close(
        _ cutoff: Int, _ relevant: Int, _ hits: Int, _ gain: Double, _ precisions: Double, _ firstHit: Double
    ) {
        let reachable = min(cutoffs[cutoff], relevant)
        sums[cutoff].recall += Double(hits) / Double(relevant)
        sums[cutoff].cappedRecall += Double(hits) / Double(reachable)
        sums[cutoff].ndcg += gain / Self.idealGain(reachable)
        sums[cutoff].hitRate += hits > 0 ? 1 : 0
        sums[cutoff].mrr += firstHit
        sums[cutoff].map += precisions / Double(reachable)
    }

    /// The means by name (`recall@10`, …); empty before a user was added.
    public var values: [String: Double] {
        guard users > 0 else { return [:] }
        var values: [String: Double] = [:]
        for (cutoff, sum) in zip(cutoffs, sums) {
            values["recall@\(cutoff)"] = sum.recall / Double(users)
            values["recall_capped@\(cutoff)"] = sum.cappedRecall / Double(users)
            values["ndcg@\(cutoff)"] = sum.ndcg / Double(users)
            values["hit_rate@\(cutoff)"] = sum.hitRate / Double(users)
            values["mrr@\(cutoff)"] = sum.mrr / Double(users)
            values["map@\(cutoff)"] = sum.map / Double(users)
            let covered = bestPlaces.count { $0 < cutoff }
            values["coverage@\(cutoff)"] = recommendable == 0 ? 0 : Double(covered) / Double(recommendable)
        }
        return values
    }

    /// What a relevant item at a place, from 0, adds to the gain.
    static func discount(_ place: Int) -> Double {
        place < discounts.count ? discounts[place] : 1 / log2(Double(place + 2))
    }

    private static func idealGain(_ places: Int) -> Double {
        places < idealGains.count ? idealGains[places] : (0..<places).reduce(0) { $0 + discount($1) }
    }

    private static let discounts = (0..<1024).map { 1 / log2(Double($0 + 2)) }
    private static let idealGains = discounts.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }

    private static func contains(_ sorted: some RandomAccessCollection<ItemRow>, _ item: ItemRow) -> Bool {
        var range = sorted.startIndex..<sorted.endIndex
        while !range.isEmpty {
            let middle = sorted.index(
                range.lowerBound, offsetBy: sorted.distance(from: range.lowerBound, to: range.upperBound) / 2)
            if sorted[middle] == item { return true }
            range = sorted[middle] < item ? sorted.index(after: middle)..<range.upperBound : range.lowerBound..<middle
        }
        return false
    }
}
