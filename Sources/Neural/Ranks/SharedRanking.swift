import Basics
import Interactions
import Kernels
import Ranking

/// Ranking quality of held-out interactions, of which each rank evaluates those of its part of the users.
struct SharedRanking {
    private let heldOut: InteractionLog
    private let seen: InteractionMatrix<UserRow, ItemRow>
    private let isRecommendable: [Bool]
    private let ranks: any Communicator
    private let workers: Workers
    private let isa: InstructionSet

    /// - Parameter seen: training's interactions; their items are recommended, but not to who has had them.
    init(
        _ heldOut: InteractionLog, _ seen: InteractionMatrix<UserRow, ItemRow>, ranks: any Communicator,
        workers: Workers, isa: InstructionSet
    ) {
        (self.seen, self.ranks, self.workers, self.isa) = (seen, ranks, workers, isa)
        isRecommendable = seen.columnsWithEntries
        self.heldOut =
            ranks.size == 1
            ? heldOut
            : heldOut.selecting((0..<heldOut.count).filter { Int(heldOut.userRows[$0]) % ranks.size == ranks.rank })
    }

    /// Those that this rank evaluates, rising.
    var users: [UserRow] { Set(heldOut.userRows).sorted().map { UserRow(Int($0)) } }

    /// `val_recall@K` and `val_ndcg@K` by full ranking, the same on every rank; none without a user who has both a history and
    /// a held-out item.
    func metrics(
        _ vectors: borrowing FactorTable, _ encoder: some QueryEncoder, cutoff: Int, _ cancellation: Cancellation
    ) throws -> [String: Double] {
        let isRecommendable = isRecommendable
        let index = ItemIndex(vectors: vectors, isRecommendable: { isRecommendable[$0.index] })
        let names = ["recall@\(cutoff)", "ndcg@\(cutoff)"]
        let (users, own) = try ranks.together {
            try RankingEvaluation.evaluate(
                ranker: Ranker(index: index, workers: workers, isa: isa), encoder: encoder, train: seen,
                heldOut: heldOut, cutoffs: [cutoff], cancellation: cancellation)
        }
        var metrics: [String: Double] = [:]
        if ranks.size == 1 {
            for name in names { metrics["val_" + name] = own[name] }
            return metrics
        }
        let counts = try ranks.allGather(users)
        let count = counts.reduce(0, +)
        for name in names where count > 0 {
            let means = try ranks.allGather(own[name] ?? 0)
            metrics["val_" + name] = zip(counts, means).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(count)
        }
        return metrics
    }
}
