import Basics
public import Torch

/// How a personalised transformer is trained; without users' vectors it is SASRec.
public struct SSEPTOptions: Sendable {
    public enum LossKind: String, Sendable, CaseIterable {
        /// Binary cross-entropy of the next item against drawn ones (Kang & McAuley 2018).
        case bce
        /// The same with the next item's probability corrected for how few negatives are drawn (gSASRec; Petrov & Macdonald
        /// 2023).
        case gbce
        /// Softmax over all items.
        case softmax
        /// Softmax over the next item and drawn ones.
        case sampledSoftmax = "sampled-softmax"
    }

    public enum Architecture: String, Codable, Sendable, CaseIterable {
        case ssept = "sse-pt"
        /// PyTorch's `TransformerEncoder` and a layer of logits, with softmax over all items.
        case encoder
    }

    /// Default: sse-pt.
    public var architecture = Architecture.ssept
    /// Floats of an item's vector; 0 with the encoder for users alone. Default: 50.
    public var factors = 50
    /// Floats of a user's vector, which stands beside the item's at each place; 0 is SASRec. Default: 50.
    public var userDim = 50
    /// Items of a history that are looked at: the last ones. Default: 50.
    public var maxLength = 50
    /// Default: 2.
    public var blocks = 2
    /// Heads of attention in a block. Default: 1.
    public var heads = 1
    /// Floats between the two feed-forward layers of an encoder's block. Default: 2048.
    public var feedForward = 2048
    /// Of embedded items, of weights of attention, and in the feed-forward layers. Default: 0.2.
    public var dropout = 0.2
    /// Stochastic shared embeddings: the probability with which an item is replaced by a random one, in what goes in and in what
    /// is to come next, and a history's user by another. The reference code's thresholds are probabilities of keeping: its
    /// 0.9 for items and 0.08 for users on MovieLens-1M are 0.1 and 0.92 here. Default: these with users' vectors, otherwise 0.
    public var itemReplacement: Double?, userReplacement: Double?
    /// The probability with which training looks at a random stretch of a history that is longer than ``maxLength``, instead
    /// of at its end (SSE-PT++). Default: 0.
    public var sampleWindows = 0.0
    /// Default: bce.
    public var loss = LossKind.bce
    /// Items drawn for each place, none of which the user has had in training. Default: 1 with bce, otherwise 256.
    public var negatives: Int?
    /// gBCE's t: 0 leaves probabilities as they are, 1 corrects them in full. Default: 0.75.
    public var calibration = 0.75
    /// Histories in a step. Default: 128.
    public var batchSize = 128
    /// A step sums the gradients of so many batches. Default: 1.
    public var gradientAccumulation = 1
    /// Times through all users. Default: 200.
    public var epochs = 200
    /// Of Adam. Default: 0.001.
    public var learningRate = 1e-3
    /// Of Adam, by which squares fade. Default: 0.98.
    public var beta2 = 0.98
    /// L2 of weights. Default: 0.
    public var weightDecay = 0.0
    /// Default: fp32.
    public var precision = Precision.fp32
    public var seed: UInt64 = 42
    /// Which rank of several holds what of the tables `items` and `users`, on the CPU. nil, the default, takes a planned one. See
    /// ``SSEPT/embeddingLoads(on:users:items:options:)``.
    public var sharding: EmbeddingShardingPlan?
    /// How both tables are cut where ``sharding`` is nil; nil = each as the planner has it.
    public var shardingKind: EmbeddingShardingPlan.Kind?
    /// Default: the CPU.
    public var device = Device.cpu
    /// Whether histories are padded to ``maxLength`` and places look at the padding too, as those of models that
    /// `pmixer/SASRec.pytorch` has trained do. Default: false.
    public var attendsToPadding = false
    /// Whether the CPU works as other devices do, by operators in place of kernels: to test one against the other.
    package var avoidsKernels = false

    public init() {}

    /// What of the options a model's weights determine, and using them needs.
    public struct Shape: Codable, Sendable, Equatable {
        public var architecture = Architecture.ssept
        public var factors: Int, userDim: Int, maxLength: Int, blocks: Int
        /// Of an encoder.
        public var feedForward: Int?
        /// nil where a file does not say.
        public var heads: Int?
        public var attendsToPadding: Bool
    }

    /// Setting it sets the options that it knows.
    public var shape: Shape {
        get {
            Shape(
                architecture: architecture, factors: factors, userDim: userDim, maxLength: maxLength, blocks: blocks,
                feedForward: feedForward, heads: heads, attendsToPadding: attendsToPadding)
        }
        set {
            (architecture, factors, userDim) = (newValue.architecture, newValue.factors, newValue.userDim)
            (maxLength, blocks) = (newValue.maxLength, newValue.blocks)
            (feedForward, heads) = (newValue.feedForward ?? feedForward, newValue.heads ?? heads)
            attendsToPadding = newValue.attendsToPadding
        }
    }

    var replaceItems: Double { itemReplacement ?? (userDim > 0 ? 0.1 : 0) }
    var replaceUsers: Double { userReplacement ?? (userDim > 0 ? 0.92 : 0) }
    var worksByOperators: Bool { avoidsKernels || device != .cpu }
    /// Floats at each place.
    var width: Int { factors + userDim }
    package var drawn: Int { loss == .softmax ? 0 : negatives ?? (loss == .bce ? 1 : 256) }

    /// - Throws: `usage` naming the option.
    public func validate() throws {
        func require(_ holds: Bool, _ what: String) throws {
            guard holds else { throw StarlingError(.usage, what) }
        }
        let isEncoder = architecture == .encoder
        try require((isEncoder ? 0...4096 : 1...4096).contains(factors), "--factors is 1 to 4096")
        try require(!isEncoder || width > 0, "--factors and --user-dim are both 0")
        try require(!isEncoder || loss == .softmax, "--architecture encoder is trained with --loss softmax")
        try require(!isEncoder || !attendsToPadding, "an encoder has no padding")
        try require((1...65_536).contains(feedForward), "--feed-forward is 1 to 65536")
        try require((0...4096).contains(userDim), "--user-dim is 0 to 4096")
        try require((1...65_536).contains(maxLength), "--max-length is 1 to 65536")
        try require((1...64).contains(blocks), "--blocks is 1 to 64")
        try require(
            heads >= 1 && width % heads == 0, "--heads \(heads) does not divide \(width), the floats at each place")
        try require((0..<1).contains(dropout), "--dropout is from 0 to below 1")
        for (name, share) in [
            ("--replace-items", replaceItems), ("--replace-users", replaceUsers), ("--sample-windows", sampleWindows),
            ("--calibration", calibration),
        ] {
            try require((0...1).contains(share), "\(name) is from 0 to 1")
        }
        try require(userDim > 0 || replaceUsers == 0, "--replace-users is for a model with users: --user-dim 50")
        try require((1...1_000_000).contains(negatives ?? 1), "--negatives is 1 or more")
        try require(loss != .softmax || negatives == nil, "--loss softmax is over all items: leave --negatives out")
        try require((1...(1 << 20)).contains(batchSize), "--batch-size is 1 to 1048576")
        try require((1...65_536).contains(gradientAccumulation), "--gradient-accumulation is 1 to 65536")
        try require(epochs >= 0, "--epochs is 0 or more")
        try require(learningRate > 0 && learningRate.isFinite, "--learning-rate is above 0")
        try require((0..<1).contains(beta2), "--beta2 is from 0 to below 1")
        try require(weightDecay >= 0 && weightDecay.isFinite, "--weight-decay is 0 or more")
    }
    /// The same for training on ranks.
    func validate(for ranks: any Communicator) throws {
        try validate()
        try sharding?.validate(for: ranks)
        guard device == .cpu || (sharding == nil && shardingKind ?? .dataParallel == .dataParallel) else {
            throw StarlingError(
                .usage, "tables are cut among ranks on the CPU", remedy: "use --device cpu, or leave --sharding out")
        }
    }
}
