import Interactions
import Kernels
import Ranking

/// A model that learns one number an item, or one for all: everybody has the same vector, `[1]`. Ranking and measuring it is
/// ranking and measuring any model.
struct Constant: QueryEncoder {
    let dimensions = 1

    func encode(_ users: [UserRow], into table: borrowing FactorTable) {
        for row in users.indices { table[row, 0] = 1 }
    }

    /// Ranks items by `scores`, `[items]`; those may be recommended that `ranker` may.
    static func ranker(_ scores: [Float], like ranker: Ranker) -> Ranker {
        let table = FactorTable(rows: scores.count, width: 1)
        for (row, score) in scores.enumerated() { table[row, 0] = score }
        let index = ItemIndex(vectors: table, isRecommendable: ranker.index.isRecommendable)
        return Ranker(index: index, workers: ranker.workers, isa: ranker.isa)
    }

    /// The most popular items first, less what the user has had.
    static func popularity(_ counts: RunCounts, like ranker: Ranker) -> Ranker {
        self.ranker(counts.popularity.map { Float($0) }, like: ranker)
    }

    /// Predicts the mean of all training values.
    static func mean(of history: InteractionMatrix<UserRow, ItemRow>, like ranker: Ranker) -> Ranker {
        let values = history.values ?? [1]
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(max(1, values.count))
        return self.ranker([Float](repeating: Float(mean), count: history.columnCount), like: ranker)
    }
}
