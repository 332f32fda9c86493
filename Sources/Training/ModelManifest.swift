public import Basics
public import Formats
public import Interactions

/// What `model.json` says: all about a model that is not an array.
public struct ModelManifest: Codable, Equatable, Sendable {
    /// The name of the model as in the command: `mf`, `als`, …
    public var kind: String
    public var users: Int
    public var items: Int
    /// Interactions it was trained on.
    public var interactions: Int
    /// The width of its vectors, biases not counted.
    public var factors: Int
    /// What else scoring, evaluation and display need, by name: the global mean, the range of ratings, the split
    /// rule and its seed, …
    public var facts: [String: JSONValue]
    /// See ``WeightsDigest``; filled in by ``ModelFolder/write(_:to:)``.
    public var weightsSHA256: String = ""

    enum CodingKeys: String, CodingKey {
        case kind, users, items, interactions, factors, facts
        case weightsSHA256 = "weights_sha256"
    }

    public init(
        kind: String, users: Int, items: Int, interactions: Int, factors: Int, facts: [String: JSONValue] = [:]
    ) {
        self.kind = kind
        self.users = users
        self.items = items
        self.interactions = interactions
        self.factors = factors
        self.facts = facts
    }
}

/// All that goes into a ``ModelFolder``.
public struct ModelParts {
    public var manifest: ModelManifest
    public var weights: [TensorSource]
    public var users: Vocabulary<UserRow>
    public var items: Vocabulary<ItemRow>
    /// Titles and genres; entries for items that the vocabulary lacks are left out.
    public var catalog: ItemCatalog?
    /// Attributes of users; those of users that the vocabulary lacks are left out.
    public var userCatalog: UserCatalog?
    /// What training saw, to filter and to show: `[users × items]`.
    public var history: InteractionMatrix<UserRow, ItemRow>?
    /// Where that is, in its place.
    public var referredHistory: ReferredHistory?
    /// The same in the order of time, for models that go by it.
    public var sequences: InteractionSequences?
    /// Interactions kept from training, under the same vocabularies.
    public var heldOut: [ModelFolder.HeldOut: InteractionLog] = [:]

    public init(
        manifest: ModelManifest, weights: [TensorSource], users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>
    ) {
        self.manifest = manifest
        self.weights = weights
        self.users = users
        self.items = items
    }
}
