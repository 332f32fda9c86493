import Basics
import Interactions
import Ranking

// What there is for users of whom training saw nothing.

extension Recommender {
    /// Why the model knows nothing of a user, as a sentence without a full stop; nil for one that training saw.
    public func coldReason(_ user: String) -> String? {
        guard let row = users.row(of: user) else {
            return "there is no user “\(user)” among the \(Numerals.grouped(users.count)) of this model"
        }
        guard !isTrained(row) else { return nil }
        return "user \(user) has no interactions in the training part, so the model knows nothing of them"
    }

    /// The items that most training interactions are with, their numbers as scores; equal numbers by item row. The same
    /// list for everybody, and nothing that the model has learnt: say so where it is shown.
    ///
    /// - Complexity: O(items · log(items)).
    public func popular(count: Int = 10) -> [Item] {
        let counts = trained.audience
        let best = counts.indices.filter { counts[$0] > 0 }.sorted { (counts[$1], $0) < (counts[$0], $1) }.prefix(count)
        return describe(RankedList(items: best.map { ItemRow($0) }, scores: best.map { Float(counts[$0]) }))
    }
}
