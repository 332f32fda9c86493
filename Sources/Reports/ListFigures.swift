import Basics
import Interactions
import Kernels
import Ranking

/// What the lists of all evaluated users come to: the metrics of ``RankingEvaluation``, for all and in groups of users, and the
/// places of each item.
struct ListFigures {
    let k: Int
    /// The length of lists is the one cut-off.
    private(set) var metrics: RankingMetrics
    /// The same of the users in each bin of activity.
    private(set) var byActivity: [RankingMetrics]
    /// Places in lists, held-out interactions, and those of them that are in their user's list; `[items]`.
    private(set) var places, chosen, found: [Int]

    /// One pass over the users of a held-out part, by the path, the filter and the protocol of ``RankingEvaluation``.
    ///
    /// - Parameters:
    ///   - relevant: the users' held-out items.
    ///   - seen: left out of the lists.
    ///   - activity: training interactions of each user, which say the bin.
    ///   - each: told after every user.
    /// - Throws: `interrupted` when cancelled; what the encoder throws.
    /// - Complexity: O(users × items × dimensions); holds some numbers an item and bin.
    init(
        _ k: Int, ranker: Ranker, encoder: some QueryEncoder, relevant: RelevantItems,
        seen: InteractionMatrix<UserRow, ItemRow>, activity: [Int], bins: CountBins, cancellation: Cancellation?,
        each: () -> Void
    ) throws {
        let items = ranker.index.count
        self.k = k
        metrics = RankingMetrics(cutoffs: [k], items: items, recommendable: ranker.index.recommendableCount)
        byActivity = [RankingMetrics](repeating: metrics, count: bins.count)
        places = [Int](repeating: 0, count: items)
        (chosen, found) = (places, places)
        // The last user, counted from 1, in whose list an item was.
        var listed = places
        let users = relevant.users
        try ranker.top(k, for: users, encoder: encoder, excluding: seen, cancellation: cancellation) { position, list in
            let wanted = relevant[users[position]]
            metrics.add(recommended: list.items, relevant: wanted)
            byActivity[bins.bin(of: activity[users[position].index])].add(recommended: list.items, relevant: wanted)
            for item in list.items {
                places[item.index] += 1
                listed[item.index] = position + 1
            }
            for item in wanted where item.index < items {
                chosen[item.index] += 1
                if listed[item.index] == position + 1 { found[item.index] += 1 }
            }
            each()
        }
    }

    /// How the places are spread over the items that could be recommended; nil if there are none.
    func spread(_ counts: RunCounts) -> Spread? {
        Spread(
            places: counts.ranked.map { places[$0.index] }, audiences: counts.ranked.map { counts.audiences[$0.index] },
            users: counts.users)
    }

    /// What the most popular tenth of recommendable items (rounded up) have of the places and of the held-out interactions.
    func hits(_ counts: RunCounts) -> Report.Coverage.Hits {
        let top = counts.ranked.prefix(Int((0.1 * Double(counts.ranked.count)).rounded(.up)))
        func share(_ numbers: [Int]) -> Double {
            let all = numbers.reduce(0, +)
            return all == 0 ? 0 : Double(top.reduce(0) { $0 + numbers[$1.index] }) / Double(all)
        }
        return Report.Coverage.Hits(top: 0.1, recommended: share(places), chosen: share(chosen))
    }
}
