import Interactions
import Ranking
import Training

/// How often users and items stand in what a model was trained on.
struct RunCounts {
    /// Training interactions of each user; of users who were held out whole, those that are folded in. `[users]`
    let activity: [Int]
    /// Training interactions of each item, `[items]`.
    let popularity: [Int]
    /// Users who have each item in training, `[items]`.
    let audiences: [Int]
    /// Users with training interactions.
    let users: Int
    /// Recommendable items, the most popular first, equal ones by row.
    let ranked: [ItemRow]
    /// Interactions of the recommendable items, rising.
    private let rising: [Int]

    /// - Parameter foldedIn: the histories of users who were held out whole.
    /// - Complexity: O(interactions + items log items).
    init(_ recommender: Recommender, foldedIn: InteractionMatrix<UserRow, ItemRow>?) throws {
        let history = try recommender.history
        var popularity = [Int](repeating: 0, count: history.columnCount)
        var audiences = popularity
        var users = 0
        activity = (0..<history.rowCount).map { row in
            let items = history[UserRow(row)]
            var previous: UInt32?
            for item in items {
                popularity[Int(item)] += 1
                if item != previous { audiences[Int(item)] += 1 }
                previous = item
            }
            if !items.isEmpty { users += 1 }
            return items.isEmpty ? foldedIn?[UserRow(row)].count ?? 0 : items.count
        }
        self.users = users
        self.audiences = audiences
        let index = recommender.ranker.index
        ranked = (0..<index.count).map { ItemRow($0) }.filter(index.isRecommendable).sorted {
            (popularity[$1.index], $0) < (popularity[$0.index], $1)
        }
        rising = ranked.reversed().map { popularity[$0.index] }
        self.popularity = popularity
    }

    /// The share of recommendable items that have fewer interactions than this one.
    func share(below item: ItemRow) -> Double {
        var (low, high) = (0, rising.count)
        while low < high {
            let middle = (low + high) / 2
            if rising[middle] < popularity[item.index] { low = middle + 1 } else { high = middle }
        }
        return rising.isEmpty ? 0 : Double(low) / Double(rising.count)
    }
}
