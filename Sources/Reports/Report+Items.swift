extension Report {
    /// Items in two dimensions: columns, an entry an item.
    package struct Map: Encodable, Sendable {
        package let x, y: [Double]
        /// Ids where there are no titles.
        package let title: [String]
        /// Names of genres, the most frequent first.
        package let groups: [String]
        /// Of each item's first genre in ``groups``.
        package let group: [Int?]
        /// Training interactions.
        package let count: [Int]
        package let method: String
        package let note: String
    }

    /// A user's history and what each run recommends.
    package struct Sample: Encodable, Sendable {
        /// The raw id.
        package let user: String
        /// `light`, `typical` or `heavy`.
        package let group: String
        /// In training.
        package let interactions: Int
        package let history: [Entry]
        package internal(set) var lists: [List] = []

        /// What a run recommends, best first.
        package struct List: Encodable, Sendable {
            /// Its place in ``Report/runs``.
            package let run: Int
            package let items: [Entry]
        }

        private enum CodingKeys: String, CodingKey { case user, group, interactions, history, lists }
    }

    /// An item of a history or of a list.
    package struct Entry: Encodable, Sendable {
        /// The raw id.
        package let item: String
        package let title: String?
        package let genres: [String]?
        /// The share of recommendable items that have fewer interactions.
        package let popularity: Double
        /// Of a history whose interactions have values.
        package internal(set) var value: Float?
        /// Whether the user's held-out part has it; nil where nothing was held out.
        package internal(set) var hit: Bool?

        private enum CodingKeys: String, CodingKey { case item, title, genres, popularity, value, hit }
    }
}
