extension Report {
    /// A model that learns nothing of single people.
    package struct Baseline: Encodable, Sendable {
        /// `popularity` or `mean`.
        package let name: String
        package let metrics: [String: Double]
    }

    /// One metric in groups.
    package struct Quality<Bin: Encodable & Sendable>: Encodable, Sendable {
        package let metric: String
        package let bins: [Bin]
    }

    /// Users whose numbers of training interactions lie in `from...to`.
    package struct ActivityBin: Encodable, Sendable {
        package let from: Int
        /// Nil: and more.
        package let to: Int?
        /// Those with held-out items.
        package let users: Int
        package let value: Double?
        package let baseline: Double?
    }

    /// Items whose numbers of training interactions lie in `from...to`.
    package struct PopularityBin: Encodable, Sendable {
        package let from: Int
        /// Nil: and more.
        package let to: Int?
        package let items: Int
        /// Held-out interactions with these items.
        package let heldOut: Int
        package let value: Double?
        package let baseline: Double?
        /// The share of all places in lists that went to these items.
        package let recommended: Double?
        /// The share of all held-out interactions that are with these items.
        package let chosen: Double?

        private enum CodingKeys: String, CodingKey {
            case from, to, items, value, baseline, recommended, chosen
            case heldOut = "held_out"
        }
    }

    /// What the lists of all evaluated users have of the catalogue.
    package struct Coverage: Encodable, Sendable {
        /// The length of the lists.
        package let k: Int
        package let itemsRecommended: Int
        /// Those that could be recommended.
        package let items: Int
        package let spread: Spread
        package let hits: Hits
        package internal(set) var baseline: Named?

        /// The most popular `top` of items have `recommended` of all places and `chosen` of all held-out interactions.
        package struct Hits: Encodable, Sendable {
            package let top, recommended, chosen: Double
        }

        /// The same of a baseline's lists.
        package struct Named: Encodable, Sendable {
            package let name: String
            package let spread: Spread

            package func encode(to encoder: any Encoder) throws {
                try spread.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(name, forKey: .name)
            }
        }

        package func encode(to encoder: any Encoder) throws {
            try spread.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(k, forKey: .k)
            try container.encode(items, forKey: .items)
            try container.encode(itemsRecommended, forKey: .itemsRecommended)
            try container.encode(hits, forKey: .hits)
            try container.encodeIfPresent(baseline, forKey: .baseline)
        }

        private enum CodingKeys: String, CodingKey {
            case k, items, hits, baseline, name
            case itemsRecommended = "items_recommended"
        }
    }
}
