public import Basics
public import Interactions
public import Kernels
import Torch
public import Training

/// Two towers (Huang et al. 2013; Covington et al. 2016; Yi et al. 2019): embeddings of a user's and an item's id and
/// features, each through layers of its own to a vector; a score is the product of the two.
///
/// ```swift
/// let trainer = try TwoTower.trainer(on: history, items: log.items, itemCatalog: catalog, workers: workers)
/// let result = try TrainingLoop(epochs: 10).train(trainer)
/// ```
///
/// Layers run on LibTorch; embeddings, losses over batches and ranking are kernels of ours. The weights hold the vectors of
/// all users and items as well, so that using a model needs no LibTorch.
///
/// On a CPU, the same data, options, instruction set and number of threads give the same bits, resume included.
public enum TwoTower {
    /// What is known of users and items beside their interactions.
    public struct Features: Sendable {
        public var users: UserCatalog?
        public var items: ItemCatalog?
        /// Attributes of users to take; nil takes those with at most 1,000 different values.
        public var userAttributes: [String]?

        public init(users: UserCatalog? = nil, items: ItemCatalog? = nil) { (self.users, self.items) = (users, items) }
    }

    /// A trainer over users' histories, ready for a ``TrainingLoop``.
    ///
    /// - Parameters:
    ///   - shards: the same interactions, to be read from there batch by batch; `history` then needs no values. nil takes
    ///     batches from `history`.
    ///   - validation: interactions to measure `val_recall@20`, `val_ndcg@20` and `val_auc` on after each epoch.
    ///   - ranks: share the work on each batch, and the embeddings by the options' plan; each has the whole `history`, and reads
    ///     its part of `shards`. They work on the CPU. Losses are those of one rank but for the order of sums.
    ///   - workers: rank for validation; operators take as many threads.
    /// - Throws: `usage` for options out of range, or a plan for other ranks; `outOfMemory` on several ranks whose embeddings do
    ///   not fit; `unavailable` without LibTorch; `badData` for a history without
    ///   interactions, or without values where ratings are labels, an attribute that is not there, or shards of another number
    ///   of interactions.
    public static func trainer(
        on history: InteractionMatrix<UserRow, ItemRow>, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>,
        features: Features = Features(), shards: InteractionShards? = nil, validation: InteractionLog? = nil,
        options: TwoTowerOptions = TwoTowerOptions(), ranks: any Communicator = OneRank(),
        workers: Workers, isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try options.validate(for: ranks)
        guard history.entryCount > 0 else { throw StarlingError(.badData, "there are no interactions to train on") }
        guard options.labelThreshold == nil || (shards.map { $0.value != nil } ?? (history.values != nil)) else {
            throw StarlingError(
                .badData, "the data has no ratings to make labels of",
                remedy:
                    "name the column that holds them with --columns user=…,item=…,value=…, or leave --label-threshold out"
            )
        }
        if let shards {
            let count = shards.source.counts.reduce(0, +)
            guard count == history.entryCount else {
                throw StarlingError(
                    .badData, "the shards hold \(count) interactions, and the histories \(history.entryCount)",
                    at: .init(file: shards.source.name), remedy: "train on what was read of these shards")
            }
        }
        let library = try TorchLibrary.opened()
        try options.device.require()
        try library.setThreads(workers.count)
        let (userBags, itemBags) = try bags(history, users, items, features, options)
        var options = options
        if ranks.size > 1, options.sharding == nil, !options.worksByOperators {
            let loads = loads(userBags, itemBags, options)
            options.sharding =
                try options.shardingKind.map { EmbeddingShardingPlan(loads, all: $0, ranks: ranks.size) }
                ?? .planned(loads, for: ranks, optimizer: options.embeddings)
        }
        let order: any InteractionOrder =
            shards.map { ShardInteractionOrder($0, users, items, seed: options.seed, ranks: ranks) }
            ?? HistoryOrder(history, seed: options.seed)
        return try TwoTowerTrainer(
            history: history, order: order, users: userBags, items: itemBags, validation: validation, options: options,
            ranks: ranks, workers: workers, isa: isa)
    }

    private static func bags(
        _ history: InteractionMatrix<UserRow, ItemRow>, _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>,
        _ features: Features, _ options: TwoTowerOptions
    ) throws -> (users: [FeatureBags], items: [FeatureBags]) {
        let seenUsers = (0..<history.rowCount).map { !history[UserRow($0)].isEmpty }
        let seenItems = history.columnsWithEntries
        let userIDs = FeatureBags(ids: seenUsers, buckets: options.userBuckets) { users[UserRow($0)] }
        let itemIDs = FeatureBags(ids: seenItems, buckets: options.itemBuckets) { items[ItemRow($0)] }
        return (try [userIDs] + features.userBags(users), [itemIDs] + features.itemBags(items))
    }

    /// The embedding tables that training would have, for ``EmbeddingShardingPlan/planned(_:ranks:memory:optimizer:replicated:)``.
    ///
    /// - Throws: as the trainer does, for attributes that are not there.
    public static func embeddingLoads(
        on history: InteractionMatrix<UserRow, ItemRow>, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>,
        features: Features = Features(), options: TwoTowerOptions = TwoTowerOptions()
    ) throws -> [EmbeddingLoad] {
        let found = try bags(history, users, items, features, options)
        return loads(found.users, found.items, options)
    }

    private static func loads(
        _ users: [FeatureBags], _ items: [FeatureBags], _ options: TwoTowerOptions
    ) -> [EmbeddingLoad] {
        [("user", users), ("item", items)].flatMap { side, bags in
            bags.map {
                EmbeddingLoad(
                    "\(side).\($0.name)", rows: $0.tableRows, width: options.factors,
                    lookups: Double($0.values.count) / Double(max(1, $0.entities)))
            }
        }
    }

    /// What training takes at its peak on each of so many ranks, beyond what the data's reader has already taken.
    public static func memoryEstimate(
        users: Int, items: Int, interactions: Int, validation: Int, options: TwoTowerOptions, streams: Bool = false,
        ranks: Int = 1
    ) -> MemoryEstimate {
        var estimate = MemoryEstimate()
        let stride = FactorTable.stride(options.factors)
        estimate.add("LibTorch", bytes: 160 << 20)
        estimate.add("histories", bytes: (streams ? 4 : 12) * interactions + 8 * users)
        // On devices every rank has all tables.
        let parts = options.device == .cpu ? ranks : 1
        let rows = min(users, options.userBuckets ?? users) + min(items, options.itemBuckets ?? items) + 2
        estimate.add("embeddings", bytes: 4 * stride * rows / parts)
        estimate.add("optimiser", bytes: 4 * options.embeddings.stateFloats(stride: stride) * rows / parts)
        let vectors =
            ranks == 1 ? users + items : min(users, validation) / ranks + min(items, SharedRanking.usualPart)
        estimate.add("vectors", bytes: 2 * FactorTable.bytes(rows: vectors, width: options.width))
        let batch = min(options.batchSize, interactions)
        let columns = options.loss == .softmax ? batch + options.drawn : batch * (2 + options.drawn)
        estimate.add(
            "batches", bytes: 4 * columns * (4 * options.factors + 4 * options.layers.reduce(0, +) + 8 * options.width))
        if validation > 0 { estimate.add("validation", bytes: 16 * validation) }
        return estimate
    }
}

extension TwoTower.Features {
    fileprivate func userBags(_ users: Vocabulary<UserRow>) throws -> [FeatureBags] {
        guard let catalog = self.users else {
            if let first = userAttributes?.first {
                throw StarlingError(
                    .badData, "there is no attribute “\(first)” of users", remedy: "name their file with --users")
            }
            return []
        }
        if let missing = userAttributes?.first(where: { !catalog.attributes.contains($0) }) {
            throw StarlingError(
                .badData, "there is no attribute “\(missing)” of users",
                remedy: "there are: " + catalog.attributes.joined(separator: ", "))
        }
        return catalog.attributes.enumerated().compactMap { index, attribute in
            if let userAttributes, !userAttributes.contains(attribute) { return nil }
            let texts = (0..<users.count).map { user -> [String] in
                guard let value = catalog[users[UserRow(user)]]?[index], !value.isEmpty else { return [] }
                return [value]
            }
            let bags = FeatureBags(attribute, texts)
            return userAttributes == nil && bags.tableRows > 1001 ? nil : bags
        }
    }

    fileprivate func itemBags(_ items: Vocabulary<ItemRow>) -> [FeatureBags] {
        guard let catalog = self.items, catalog.entries.values.contains(where: { !$0.genres.isEmpty }) else {
            return []
        }
        return [FeatureBags("genres", (0..<items.count).map { catalog[items[ItemRow($0)]]?.genres ?? [] })]
    }
}
