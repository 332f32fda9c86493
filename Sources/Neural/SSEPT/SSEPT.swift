public import Basics
public import Interactions
public import Kernels
import Ranking
import Torch
public import Training

/// SSE-PT, the personalised transformer with stochastic shared embeddings (Wu, Li, Hsieh & Sharpnack, RecSys 2020); with
/// `userDim` 0, SASRec (Kang & McAuley, ICDM 2018).
///
/// ```swift
/// let histories = InteractionSequences(log)
/// let trainer = try SSEPT.trainer(on: histories, users: log.users, items: log.items, workers: workers)
/// let result = try TrainingLoop(epochs: 200).train(trainer)
/// ```
///
/// Attention of a CPU is a kernel of ours over the causal half alone; everything else, and a GPU, is LibTorch's. On a CPU, the
/// same data, options, instruction set and number of threads give the same bits, resume included.
public enum SSEPT {
    /// A trainer over users' histories, ready for a ``TrainingLoop``.
    ///
    /// - Parameters:
    ///   - histories: `[users × their items]` in the order of time; users with fewer than two are left out.
    ///   - users: their vocabulary.
    ///   - items: theirs.
    ///   - validation: interactions to measure `val_recall@10` and `val_ndcg@10` on after each epoch.
    ///   - start: weights to begin with; `fates` is told what became of each.
    ///   - ranks: share the histories of each batch, and the vectors of users and items by the options' plan; each has all
    ///     `histories` and all else of the network, whose gradients they add up. Losses are those of one rank but for the order
    ///     of sums, and where operators draw dropout.
    ///   - workers: rank for validation; operators take as many threads.
    /// - Throws: `usage` for options out of range, or a plan for other ranks; `outOfMemory` on several ranks whose tables do not
    ///   fit; `unavailable` without LibTorch or the device; `badData` where no user has two
    ///   interactions.
    public static func trainer(
        on histories: InteractionSequences, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>,
        validation: InteractionLog? = nil, startingFrom start: Retraining? = nil,
        fates: ([Retraining.Fate]) -> Void = { _ in },
        options: SSEPTOptions = SSEPTOptions(), ranks: any Communicator = OneRank(), workers: Workers,
        isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try options.validate(for: ranks)
        guard (0..<histories.userCount).contains(where: { histories[UserRow($0)].count > 1 }) else {
            throw StarlingError(
                .badData, "no user has two interactions in training, so nothing comes next",
                remedy: "hold out less, or name data with longer histories")
        }
        var options = options
        let loads = embeddingLoads(on: histories, users: users.count, items: items.count, options: options)
        options.sharding = try plan(loads, options, for: ranks)
        let network = try network(users: users.count, items: items.count, options, ranks, workers, isa)
        if let start { try fates(start.load(into: network, users: users, items: items)) }
        let validation = validation.map {
            SequenceValidation($0, histories, options, ranks: ranks, workers: workers, isa: isa)
        }
        return try SSEPTTrainer(
            network, histories, items: items.count, options, validation: validation.map { $0.metrics }, ranks: ranks,
            isa: isa)
    }

    static func network(
        users: Int, items: Int, _ options: SSEPTOptions, _ ranks: any Communicator, _ workers: Workers,
        _ isa: InstructionSet
    ) throws -> any SequenceModel {
        try TorchLibrary.opened().setThreads(workers.count)
        try options.device.require()
        return options.architecture == .ssept
            ? try SequenceNetwork(users: users, items: items, options, ranks: ranks, isa: isa)
            : try EncoderNetwork(users: users, items: items, options, ranks: ranks)
    }

    /// What training takes at its peak on each of so many ranks, beyond what the data's reader has already taken.
    public static func memoryEstimate(
        users: Int, items: Int, interactions: Int, validation: Int, options: SSEPTOptions, ranks: Int = 1
    ) -> MemoryEstimate {
        var estimate = MemoryEstimate()
        estimate.add("LibTorch", bytes: 160 << 20)
        estimate.add("histories", bytes: 4 * interactions + 16 * users)
        let width = options.width
        let parts = options.shardingKind == .dataParallel || options.device != .cpu ? 1 : ranks
        let itemParts = options.architecture == .ssept && options.loss == .softmax ? 1 : parts
        let weights =
            items * options.factors / itemParts + users * options.userDim / parts + options.maxLength * width
            + options.blocks * 6 * width * width
        estimate.add("weights and optimiser", bytes: 4 * 4 * weights)
        let average = users == 0 ? 0 : interactions / users
        let places = options.batchSize * min(options.maxLength, max(1, average))
        let candidates =
            options.loss == .softmax
            ? 2 * items : (1 + options.drawn) * (options.worksByOperators ? options.factors + 2 : 1)
        estimate.add("a batch", bytes: 4 * places * ((8 + 16 * options.blocks) * width + 2 * candidates))
        let atOnce = itemParts == 1 ? items : min(items, SharedRanking.usualPart)
        if validation > 0 { estimate.add("validation", bytes: 16 * validation + 4 * atOnce * options.factors) }
        return estimate
    }
}

/// What is measured after an epoch on interactions that training did not see.
private struct SequenceValidation {
    private let histories: InteractionSequences
    private let ranking: SharedRanking
    private let options: SSEPTOptions
    private let ranks: any Communicator
    private let isa: InstructionSet

    init(
        _ heldOut: InteractionLog, _ histories: InteractionSequences, _ options: SSEPTOptions,
        ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) {
        (self.histories, self.options, self.ranks, self.isa) = (histories, options, ranks, isa)
        ranking = SharedRanking(
            heldOut, histories.matrix(items: heldOut.items.count), ranks: ranks, workers: workers, isa: isa)
    }

    /// `val_recall@10` and `val_ndcg@10` by full ranking of items that were trained, without those the user has had.
    func metrics(_ network: any SequenceModel, _ cancellation: Cancellation) throws -> [String: Double] {
        let encoder = SSEPTEncoder(network, histories, options, isa: isa)
        let items: SharedRanking.Parts = { try network.forEachItemPart(of: ranking.partRows, $0) }
        guard network.tables.contains(where: { $0.cut != nil }) else {
            return try ranking.metrics(items, encoder, cutoff: 10, cancellation)
        }
        return try ranking.metrics(
            items, EncodedUsers(ranking.users, by: encoder, ranks), cutoff: 10, cancellation)
    }
}
