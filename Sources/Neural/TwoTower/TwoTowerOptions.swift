import Basics
public import Torch

/// How two towers are trained. On MovieLens, cosine at its default temperature ranks better than the dot product.
public struct TwoTowerOptions: Sendable {
    public enum LossKind: String, Sendable, CaseIterable {
        /// Softmax over the batch's items, with the correction for how often each is in a batch (Yi et al., RecSys 2019).
        case softmax
        /// Binary cross-entropy: of ratings from ``labelThreshold`` on against others, or against drawn items.
        case bce
        /// Bayesian personalised ranking against drawn items (Rendle et al. 2009).
        case bpr
    }

    /// How negatives beside the batch's own items are drawn.
    public enum Sampling: String, Sendable, CaseIterable {
        case uniform
        /// By how often an item stands in training.
        case popularity
        /// Half of each.
        case mixed
    }

    /// Floats of an embedding. Default: 64.
    public var factors = 64
    /// Widths of the layers of each tower; the last is the vectors'. Default: 128, 64.
    public var layers = [128, 64]
    /// Default: 10.
    public var epochs = 10
    /// Interactions in a step. Default: 4096.
    public var batchSize = 4096
    /// Default: softmax.
    public var loss = LossKind.softmax
    /// Whether vectors are scaled to length 1, so that a score is a cosine. Default: false.
    public var cosine = false
    /// What scores are divided by in the loss. Default: 1, with cosine 0.1.
    public var temperature: Double?
    /// Items drawn beside a batch's own with softmax, or for each interaction with others. Default: 0, or 4.
    public var negatives: Int?
    /// Default: uniform.
    public var sampling = Sampling.uniform
    /// From which rating on an interaction is a positive one with bce; nil takes all as positive and draws negatives.
    public var labelThreshold: Double?
    /// Default: row-wise Adagrad at 0.05.
    public var embeddings = EmbeddingOptimizer()
    /// Of the layers, by Adam. Default: 0.001.
    public var learningRate = 1e-3
    /// Share of ids that are taken as unknown while training, so that features speak for themselves and an id never seen has
    /// a vector that was learned. Default: 0.05 for those that have features, otherwise 0.
    public var idDropout: Double?
    /// Default: fp32.
    public var precision = Precision.fp32
    public var seed: UInt64 = 42
    /// A step sums the gradients of so many batches. Default: 1.
    public var gradientAccumulation = 1
    /// Ids share this many rows of the users' or items' table by their hashes; nil gives each a row of its own.
    public var userBuckets: Int?, itemBuckets: Int?
    /// Which rank holds what of the tables `user.id`, `user.…`, `item.id`, `item.genres`, on the CPU. nil, the default, does not
    /// cut them on one rank, and takes a planned one on several. See ``TwoTower/embeddingLoads(on:users:items:features:options:)``.
    public var sharding: EmbeddingShardingPlan?
    /// How all tables are cut where ``sharding`` is nil and there are several ranks; nil = each as the planner has it.
    public var shardingKind: EmbeddingShardingPlan.Kind?
    /// Where tables lie and layers run. Default: the CPU.
    public var device = Device.cpu
    /// Whether the CPU works as other devices do, by operators in place of kernels: to test one against the other.
    package var avoidsKernels = false

    public init() {}

    var worksByOperators: Bool { avoidsKernels || device != .cpu }
    var divisor: Double { temperature ?? (cosine ? 0.1 : 1) }
    var drawn: Int { negatives ?? (loss == .softmax || labelThreshold != nil ? 0 : loss == .bce ? 4 : 1) }

    /// Floats of a vector.
    public var width: Int { layers.last! }

    /// - Throws: `usage` naming the option.
    public func validate() throws {
        func require(_ holds: Bool, _ what: String) throws {
            guard holds else { throw StarlingError(.usage, what) }
        }
        try require((1...4096).contains(factors), "--factors is 1 to 4096")
        try require(
            !layers.isEmpty && layers.allSatisfy { (1...8192).contains($0) }, "--layers are widths of 1 to 8192: 128,64"
        )
        try require(epochs >= 1, "--epochs is at least 1")
        try require((2...(1 << 20)).contains(batchSize), "--batch-size is 2 to 1048576")
        try require((1...65536).contains(gradientAccumulation), "--gradient-accumulation is 1 to 65536")
        for buckets in [userBuckets, itemBuckets] {
            try require(buckets.map { (1...(1 << 31)).contains($0) } ?? true, "buckets are at least 1")
        }
        try require(temperature.map { $0 > 0 && $0.isFinite } ?? true, "--temperature is above 0")
        try require((0...1_000_000).contains(drawn), "--negatives is 0 or more")
        try require(loss == .softmax || drawn > 0 || labelThreshold != nil, "--negatives is at least 1 with \(loss)")
        try require(loss == .bce || labelThreshold == nil, "--label-threshold is for --loss bce")
        for rate in [embeddings.learningRate, learningRate] {
            try require(rate > 0 && rate.isFinite, "learning rates are above 0")
        }
        guard !worksByOperators || (sharding == nil && shardingKind ?? .dataParallel == .dataParallel) else {
            throw StarlingError(
                .usage, "tables are cut among ranks on the CPU", remedy: "use --device cpu, or leave --sharding out")
        }
        try require((0..<1).contains(idDropout ?? 0), "--id-dropout is from 0 to below 1")
    }

    /// The same for training on ranks.
    func validate(for ranks: any Communicator) throws {
        try validate()
        try sharding?.validate(for: ranks)
        guard ranks.size == 1 || precision != .fp16 else {
            throw StarlingError(
                .usage, "several ranks train two towers in fp32 or bf16", remedy: "leave --precision fp16 out")
        }
    }
}
