public import Basics
public import Interactions
import Kernels

/// Ranking quality on held-out interactions, by full ranking: every item that may be recommended is a candidate.
public enum RankingEvaluation {
    /// Ranks all items for each user with relevant ones and averages ``RankingMetrics``.
    ///
    /// Relevant are the user's held-out items, without those that are also in `train`. An item that cannot be recommended
    /// (it was never trained, or the index does not have it) stays relevant and counts as missed. Users without relevant
    /// items are not counted.
    ///
    /// For train and test files that share no pair this is the protocol of LightGCN's code (He et al., SIGIR 2020).
    ///
    /// - Parameters:
    ///   - train: what the user is known to have seen, `[users × items]`: training interactions, and the validation
    ///     ones too when the test part is scored.
    ///   - heldOut: under the vocabularies that `train` and the index have; item rows behind the index's are items that
    ///     it does not have.
    ///   - threshold: the least value that makes a held-out interaction relevant; nil takes all.
    ///   - filterSeen: whether items of `train` are left out of the ranking.
    /// - Returns: how many users were counted, and the means by name (`recall@10`, …); no means without users.
    /// - Throws: `interrupted` when cancelled; what the encoder throws.
    /// - Complexity: O(users × items × dimensions).
    public static func evaluate(
        ranker: Ranker, encoder: some QueryEncoder, train seen: InteractionMatrix<UserRow, ItemRow>,
        heldOut: InteractionLog, relevantFrom threshold: Float? = nil, cutoffs: [Int], filterSeen: Bool = true,
        cancellation: Cancellation? = nil
    ) throws -> (usersEvaluated: Int, metrics: [String: Double]) {
        precondition(heldOut.items.count >= ranker.index.count, "the held-out part is not of this index's items")
        let relevant = RelevantItems(of: heldOut, from: threshold, butNot: seen)
        let users = relevant.users
        var metrics = RankingMetrics(
            cutoffs: cutoffs, items: ranker.index.count, recommendable: ranker.index.recommendableCount)
        try ranker.top(
            metrics.cutoffs.last!, for: users, encoder: encoder, excluding: filterSeen ? seen : nil,
            cancellation: cancellation
        ) { position, list in
            metrics.add(recommended: list.items, relevant: relevant[users[position]])
        }
        return (metrics.users, metrics.values)
    }
}

/// Each user's relevant items, rising, without repeats. What they are says ``RankingEvaluation``.
package struct RelevantItems {
    /// User `u` has `items[offsets[u]..<offsets[u + 1]]`.
    private(set) var offsets = [0]
    private(set) var items: [ItemRow] = []

    package init(
        of heldOut: InteractionLog, from threshold: Float? = nil, butNot seen: InteractionMatrix<UserRow, ItemRow>
    ) {
        let matrix = heldOut.userMatrix()
        precondition(seen.rowCount == matrix.rowCount && seen.columnCount <= matrix.columnCount)
        for user in 0..<matrix.rowCount {
            let history = seen[UserRow(user)]
            var next = history.startIndex
            let start = items.count
            for entry in matrix.offsets[user]..<matrix.offsets[user + 1] {
                if let threshold, !((matrix.values?[entry] ?? 1) >= threshold) { continue }
                let column = matrix.columns[entry]
                while next < history.endIndex, history[next] < column { next += 1 }
                if next < history.endIndex, history[next] == column { continue }
                let item = ItemRow(Int(column))
                if items.count > start, items.last == item { continue }
                items.append(item)
            }
            offsets.append(items.count)
        }
    }

    package subscript(_ user: UserRow) -> ArraySlice<ItemRow> { items[offsets[user.index]..<offsets[user.index + 1]] }

    /// Users that have some, in row order.
    package var users: [UserRow] {
        (0..<offsets.count - 1).lazy.filter { offsets[$0] < offsets[$0 + 1] }.map { UserRow($0) }
    }
}
