package import Basics
package import Interactions
package import Kernels
package import Ranking

/// Ranking quality of held-out interactions, of which each rank evaluates those of its part of the users.
///
/// Items' vectors come part by part, so that no rank has those of all items at once: each user's list is kept from part to part. A
/// score has the same bits in any part, and so lists are those of all items together.
package struct SharedRanking {
    private let relevant: RelevantItems
    private let seen: InteractionMatrix<UserRow, ItemRow>
    private let isRecommendable: [Bool]
    private let ranks: any Communicator
    private let workers: Workers
    private let isa: InstructionSet
    /// Items of a part: all of them for one rank.
    package let partRows: Int
    /// Whose held-out interactions this rank evaluates, rising.
    package let users: [UserRow]

    /// Calls `body` with items' vectors, a part of at most ``partRows`` after the other, and the item that it begins with.
    package typealias Parts = (_ body: (_ first: Int, borrowing FactorTable) throws -> Void) throws -> Void

    /// - Parameters:
    ///   - seen: training's interactions; their items are recommended, but not to who has had them.
    ///   - partRows: of several ranks, 65,536 unless given.
    package init(
        _ heldOut: InteractionLog, _ seen: InteractionMatrix<UserRow, ItemRow>, partRows: Int? = nil,
        ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) {
        (self.seen, self.ranks, self.workers, self.isa) = (seen, ranks, workers, isa)
        self.partRows = max(1, partRows ?? (ranks.size == 1 ? seen.columnCount : Self.usualPart))
        isRecommendable = seen.columnsWithEntries
        let own = (0..<heldOut.count).filter { Self.isOwn(heldOut.userRows[$0], ranks) }
        let heldOut = ranks.size == 1 ? heldOut : heldOut.selecting(own)
        relevant = RelevantItems(of: heldOut, butNot: seen)
        users = Set(heldOut.userRows).sorted().map { UserRow(Int($0)) }
    }

    /// Items of a part where ranks share the work.
    static let usualPart = 1 << 16

    /// Whether this rank evaluates a user.
    static func isOwn(_ user: UInt32, _ ranks: any Communicator) -> Bool { Int(user) % ranks.size == ranks.rank }

    /// `val_recall@K` and `val_ndcg@K` by full ranking, the same on every rank; none without a user who has both a history and
    /// a held-out item.
    ///
    /// - Parameter encoder: makes the vectors of ``users``, for each part anew.
    package func metrics(
        _ items: Parts, _ encoder: some QueryEncoder, cutoff: Int, _ cancellation: Cancellation
    ) throws -> [String: Double] {
        let users = relevant.users
        var lists = [RankedList](repeating: RankedList(items: [], scores: []), count: users.count)
        try items { first, vectors in
            let index = ItemIndex(vectors: vectors, isRecommendable: { isRecommendable[first + $0.index] })
            let part = first..<first + vectors.rows
            // What one rank fails at, all end at.
            try ranks.together {
                try Ranker(index: index, workers: workers, isa: isa).top(
                    cutoff, for: users, encoder: encoder,
                    excluding: part.count == seen.columnCount ? seen : seen.selecting(columns: part),
                    cancellation: cancellation
                ) { position, list in
                    lists[position].merge(list, from: first, count: cutoff)
                }
            }
        }
        var own = RankingMetrics(
            cutoffs: [cutoff], items: seen.columnCount, recommendable: isRecommendable.count { $0 })
        for (user, list) in zip(users, lists) { own.add(recommended: list.items, relevant: relevant[user]) }
        let counts = try ranks.allGather(own.users)
        let count = counts.reduce(0, +)
        var metrics: [String: Double] = [:]
        for name in ["recall@\(cutoff)", "ndcg@\(cutoff)"] where count > 0 {
            let means = try ranks.allGather(own.values[name] ?? 0)
            metrics["val_" + name] =
                ranks.size == 1
                ? means[0] : zip(counts, means).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(count)
        }
        return metrics
    }
}

extension RankedList {
    /// Takes what is better, or as good and of a lower row, of a list over the items from `first` on, which are all behind those
    /// here.
    fileprivate mutating func merge(_ other: RankedList, from first: Int, count: Int) {
        guard !items.isEmpty || first > 0 else { return self = other }
        var (merged, scored): ([ItemRow], [Float]) = ([], [])
        var (left, right) = (0, 0)
        while merged.count < count, left < items.count || right < other.items.count {
            if right == other.items.count || left < items.count && scores[left] >= other.scores[right] {
                merged.append(items[left])
                scored.append(scores[left])
                left += 1
            } else {
                merged.append(ItemRow(first + other.items[right].index))
                scored.append(other.scores[right])
                right += 1
            }
        }
        self = RankedList(items: merged, scores: scored)
    }
}

/// Vectors of users that were made beforehand.
final class EncodedUsers: QueryEncoder {
    private let places: [UserRow: Int]
    private let vectors: FactorTable

    /// - Parameter fill: writes each user's vector to a row, in their order.
    init(_ users: [UserRow], dimensions: Int, _ fill: (borrowing FactorTable) throws -> Void) rethrows {
        places = Dictionary(uniqueKeysWithValues: users.enumerated().map { ($1, $0) })
        vectors = FactorTable(rows: users.count, width: dimensions)
        try fill(vectors)
    }

    var dimensions: Int { vectors.width }

    /// nil of others.
    func vector(of user: UserRow) -> UnsafeMutableBufferPointer<Float>? { places[user].map { vectors.row($0) } }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        for (place, user) in users.enumerated() { _ = table.row(place).update(from: vector(of: user)!) }
    }
}
