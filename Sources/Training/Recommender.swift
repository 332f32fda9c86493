import Basics
public import Interactions
public import Kernels
public import Ranking

/// A model ready for use: raw ids in, titles and scores out. The same for every kind of model.
///
/// ```swift
/// for found in try recommender.recommend(for: "42", count: 10) { print(found.item, found.title ?? "", found.score) }
/// ```
public final class Recommender {
    /// One recommended or similar item.
    public struct Item: Sendable, Equatable, Encodable {
        /// The raw id.
        public let item: String
        /// The title, where the catalogue has one.
        public let title: String?
        public let score: Float
    }

    public let users: Vocabulary<UserRow>
    public let items: Vocabulary<ItemRow>
    public let catalog: ItemCatalog?
    /// What is known of users beside their interactions.
    public let userCatalog: UserCatalog?
    /// What training saw; these items are left out unless asked for.
    public let trained: TrainedHistory
    public let encoder: any QueryEncoder
    /// Makes vectors of people who were not in training; nil for a kind of model that cannot.
    public let historyEncoder: (any HistoryEncoder)?
    /// Whether a score is the prediction of a rating, which errors can be measured of.
    public let predictsRatings: Bool
    public let ranker: Ranker
    /// Over vectors whose cosine says how alike two items are.
    package let similarity: Ranker

    /// - Parameters:
    ///   - itemVectors: `[items × dimensions]`, against which the encoder's vectors score.
    ///   - similarityVectors: `[items × any]`, whose cosine is likeness: factors without bias dimensions.
    ///   - isRecommendable: of items without interactions in training, which ones have vectors that mean something; nil
    ///     for none.
    public init(
        users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>, catalog: ItemCatalog?,
        userCatalog: UserCatalog?, history trained: TrainedHistory, encoder: any QueryEncoder,
        historyEncoder: (any HistoryEncoder)? = nil, predictsRatings: Bool = true, itemVectors: borrowing FactorTable,
        similarityVectors: borrowing FactorTable, isRecommendable: ((ItemRow) -> Bool)? = nil, workers: Workers,
        isa: InstructionSet = .best
    ) {
        precondition(trained.activity.count == users.count && trained.audience.count == items.count)
        self.users = users
        self.items = items
        self.catalog = catalog
        self.userCatalog = userCatalog
        self.trained = trained
        self.encoder = encoder
        self.historyEncoder = historyEncoder
        self.predictsRatings = predictsRatings
        let isWarm: (ItemRow) -> Bool = { trained.audience[$0.index] > 0 || (isRecommendable?($0) ?? false) }
        ranker = Ranker(
            index: ItemIndex(vectors: itemVectors, isRecommendable: isWarm), workers: workers, isa: isa)
        similarity = Ranker(
            index: ItemIndex(vectors: similarityVectors, scaling: .unitLength, isRecommendable: isWarm),
            workers: workers, isa: isa)
    }

    /// What training saw, all of it; see ``TrainedHistory/all()``.
    public var history: InteractionMatrix<UserRow, ItemRow> { get throws { try trained.all() } }

    /// Whether training saw anything of a user.
    public func isTrained(_ user: UserRow) -> Bool { trained.activity[user.index] > 0 }

    /// The best `count` items for a user, best first, equal scores by item row.
    ///
    /// - Parameter includeSeen: whether items of the user's history may come back.
    /// - Throws: `badData` for a user who is not in the vocabulary or has no history in training.
    public func recommend(for user: String, count: Int = 10, includeSeen: Bool = false) throws -> [Item] {
        let row = try trainedUser(user)
        let lists = try ranker.top(
            count, for: [row], encoder: encoder, excluding: includeSeen ? nil : trained.of([row]))
        return describe(lists[0])
    }

    /// The `count` items most like one, by the cosine of their vectors.
    ///
    /// - Throws: `badData` for an item that is unknown or was never trained.
    public func similar(to item: String, count: Int = 10) throws -> [Item] {
        let row = try itemRow(item)
        guard ranker.index.isRecommendable(row) else {
            throw StarlingError(.badData, "item \(items[row]) has no interactions in training, so nothing is like it")
        }
        return describe(similarity.similar(to: row, count: count))
    }

    /// Items a user has in training, the highest value first, equal values by item row.
    public func history(of user: String, count: Int) throws -> [Item] {
        let row = try trainedUser(user)
        let history = try trained.of([row])
        let values = history.values(row).map(Array.init)
        let entries = history[row].enumerated().map { (item: $0.element, value: values?[$0.offset] ?? 1) }
        let best = entries.sorted { ($1.value, $0.item) < ($0.value, $1.item) }.prefix(count)
        return describe(
            RankedList(items: best.map { ItemRow(Int($0.item)) }, scores: best.map(\.value)))
    }

    /// Raw ids and titles in place of rows.
    public func describe(_ list: RankedList) -> [Item] {
        zip(list.items, list.scores).map { row, score in
            let id = items[row]
            return Item(item: id, title: catalog?[id]?.title, score: score)
        }
    }
}
