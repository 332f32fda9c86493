import ArgumentParser
import Neural
import Starling
import Torch

/// How a personalised transformer learns.
struct SSEPTFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Begin with the weights of a run, or of a .pth of SASRec or a TransformerEncoder, and with its options of shape where none are given here.",
            valueName: "file|run"))
    var retrain: String?

    @Option(
        help: ArgumentHelp(
            "Use the network sse-pt (default), or encoder: PyTorch's TransformerEncoder and a layer of logits.",
            valueName: "name"))
    var architecture: String?

    @Option(help: ArgumentHelp("Use items' vectors of this length. Default: 50.", valueName: "k"))
    var factors: Int?

    @Option(
        help: ArgumentHelp("Put users' vectors of this length beside them; 0 is SASRec. Default: 50.", valueName: "k"))
    var userDim: Int?

    @Option(help: ArgumentHelp("Look at this many of a history's last items. Default: 50.", valueName: "n"))
    var maxLength: Int?

    @Option(help: ArgumentHelp("Stack this many blocks of attention. Default: 2.", valueName: "n"))
    var blocks: Int?

    @Option(help: ArgumentHelp("Give each block this many heads. Default: 1.", valueName: "n"))
    var heads: Int?

    @Option(
        help: ArgumentHelp(
            "Put this many floats between an encoder's feed-forward layers. Default: 2048.", valueName: "n"))
    var feedForward: Int?

    @Option(help: ArgumentHelp("Drop this share of elements while training. Default: 0.2.", valueName: "p"))
    var dropout: Double?

    @Option(
        help: ArgumentHelp(
            "Replace items by random ones with this probability (one minus the reference code's threshold). Default: 0.1; with --user-dim 0 none.",
            valueName: "p"))
    var replaceItems: Double?

    @Option(
        help: ArgumentHelp(
            "Replace a history's user by a random one with this probability. Default: 0.92; with --user-dim 0 none.",
            valueName: "p"))
    var replaceUsers: Double?

    @Option(
        help: ArgumentHelp(
            "Train on a random stretch of a longer history with this probability, else on its end. Default: 0.",
            valueName: "p"))
    var sampleWindows: Double?

    @Option(
        help: ArgumentHelp(
            "Minimise bce against drawn items (default), gbce, sampled-softmax, or softmax over all items.",
            valueName: "name"))
    var loss: String?

    @Option(
        help: ArgumentHelp("Draw this many items at each place. Default: 1 with bce, otherwise 256.", valueName: "n"))
    var negatives: Int?

    @Option(
        help: ArgumentHelp("Correct gbce's probabilities in full with 1, not with 0. Default: 0.75.", valueName: "t"))
    var calibration: Double?

    @Option(help: ArgumentHelp("Take this many histories in a step. Default: 128.", valueName: "n"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("Sum the gradients of this many batches for a step. Default: 1.", valueName: "n"))
    var gradientAccumulation: Int?

    @Option(help: ArgumentHelp("Go through all users this many times. Default: 200.", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Step size, by Adam. Default: 0.001.", valueName: "r"))
    var learningRate: Double?

    @Option(help: ArgumentHelp("Let Adam's squares fade by this. Default: 0.98.", valueName: "b"))
    var beta2: Double?

    @Option(help: ArgumentHelp("Shrink weights by this (L2). Default: 0.", valueName: "w"))
    var weightDecay: Double?

    @Option(help: ArgumentHelp("Compute in fp32 (default), bf16 or fp16.", valueName: "name"))
    var precision: String = Precision.fp32.rawValue

    @Option(
        help: ArgumentHelp(
            "Cut tables of items and users among ranks: row-wise, column-wise, table-wise or data-parallel. Default: as a planner has it.",
            valueName: "name"))
    var sharding: String?

    /// - Parameter start: the shape of the weights to begin with.
    func options(startingFrom start: SSEPTOptions.Shape?, seed: UInt64) throws -> SSEPTOptions {
        var options = SSEPTOptions()
        options.architecture =
            try architecture.map { try choice("--architecture", $0) } ?? start?.architecture ?? .ssept
        if options.architecture == .encoder { (options.loss, options.dropout, options.heads) = (.softmax, 0.1, 2) }
        if let start, start.architecture == options.architecture {
            options.shape = start
        }
        options.seed = seed
        options.factors = factors ?? options.factors
        options.userDim = userDim ?? options.userDim
        options.maxLength = maxLength ?? options.maxLength
        options.blocks = blocks ?? options.blocks
        options.heads = heads ?? options.heads
        options.dropout = dropout ?? options.dropout
        (options.itemReplacement, options.userReplacement) = (replaceItems, replaceUsers)
        options.sampleWindows = sampleWindows ?? options.sampleWindows
        options.feedForward = feedForward ?? options.feedForward
        if let loss { options.loss = try choice("--loss", loss) }
        options.negatives = negatives
        options.calibration = calibration ?? options.calibration
        options.batchSize = batchSize ?? options.batchSize
        options.gradientAccumulation = gradientAccumulation ?? 1
        options.epochs = epochs ?? options.epochs
        options.learningRate = learningRate ?? options.learningRate
        options.beta2 = beta2 ?? options.beta2
        options.weightDecay = weightDecay ?? 0
        options.precision = try choice("--precision", precision)
        options.shardingKind = try sharding.map { try choice("--sharding", $0) }
        return options
    }

    /// Every option in its final value, as `run.json` keeps it.
    func configuration(_ options: SSEPTOptions) -> [String: JSONValue] {
        [
            "architecture": .string(options.architecture.rawValue), "feed-forward": .integer(options.feedForward),
            "retrain": retrain.map { .string($0) } ?? .null, "factors": .integer(options.factors),
            "user-dim": .integer(options.userDim),
            "max-length": .integer(options.maxLength), "blocks": .integer(options.blocks),
            "heads": .integer(options.heads), "dropout": .number(options.dropout),
            "replace-items": options.itemReplacement.map { .number($0) } ?? .null,
            "replace-users": options.userReplacement.map { .number($0) } ?? .null,
            "sample-windows": .number(options.sampleWindows), "loss": .string(options.loss.rawValue),
            "negatives": options.negatives.map { .integer($0) } ?? .null,
            "calibration": .number(options.calibration), "batch-size": .integer(options.batchSize),
            "gradient-accumulation": .integer(options.gradientAccumulation), "epochs": .integer(options.epochs),
            "learning-rate": .number(options.learningRate), "beta2": .number(options.beta2),
            "weight-decay": .number(options.weightDecay), "precision": .string(options.precision.rawValue),
            "sharding": options.shardingKind.map { .string($0.rawValue) } ?? .null,
        ]
    }
}
