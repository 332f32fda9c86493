import ArgumentParser
import Neural
import Starling
import Torch

/// How two towers learn.
struct TwoTowerFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Use embeddings of this length. Default: 64.", valueName: "k"))
    var factors: Int?

    @Option(
        help: ArgumentHelp(
            "Give each tower layers of these widths; the last is the vectors'. Default: 128,64.", valueName: "widths"))
    var layers: String?

    @Option(help: ArgumentHelp("Go through the interactions this many times. Default: 10.", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Take this many interactions in a step. Default: 4096.", valueName: "n"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("Sum the gradients of this many batches for a step. Default: 1.", valueName: "n"))
    var gradientAccumulation: Int?

    @Option(
        help: ArgumentHelp(
            "Let users share this many embeddings by the hash of their ids. Default: one for each.", valueName: "n"))
    var userBuckets: Int?

    @Option(
        help: ArgumentHelp(
            "Let items share this many embeddings by the hash of their ids. Default: one for each.", valueName: "n"))
    var itemBuckets: Int?

    @Option(
        help: ArgumentHelp(
            "Minimise softmax over the batch's items (default), bce of labels, or bpr of pairs.", valueName: "name"))
    var loss: String = TwoTowerOptions.LossKind.softmax.rawValue

    @Flag(help: "Scale vectors to length 1, so that a score is a cosine.")
    var cosine = false

    @Option(
        help: ArgumentHelp("Divide scores by this in the loss. Default: 1; with --cosine 0.1.", valueName: "t"))
    var temperature: Double?

    @Option(
        help: ArgumentHelp(
            "Draw this many items beside a batch's own, or with bce and bpr for each interaction. Default: 0, 4, 1.",
            valueName: "n"))
    var negatives: Int?

    @Option(help: ArgumentHelp("Draw items uniform (default), by popularity, or mixed.", valueName: "name"))
    var negativeSampling: String = TwoTowerOptions.Sampling.uniform.rawValue

    @Option(
        help: ArgumentHelp("With bce, take ratings from this on as positive and others as negative.", valueName: "v"))
    var labelThreshold: Double?

    @Option(
        help: ArgumentHelp(
            "Change embeddings by rowwise-adagrad (default), adagrad, sgd or adam.", valueName: "name"))
    var embeddingOptimizer: String = EmbeddingOptimizer.Kind.rowWiseAdagrad.rawValue

    @Option(help: ArgumentHelp("Step size of embeddings. Default: 0.05.", valueName: "r"))
    var embeddingLearningRate: Double?

    @Option(help: ArgumentHelp("Step size of layers, by Adam. Default: 0.001.", valueName: "r"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "Take this share of ids as unknown while training. Default: 0.05 where there are features, otherwise 0.",
            valueName: "p"))
    var idDropout: Double?

    @Option(
        help: ArgumentHelp(
            "Take these attributes of --users, such as gender,age. Default: those of at most 1,000 values.",
            valueName: "names"))
    var userAttributes: String?

    @Option(help: ArgumentHelp("Compute layers in fp32 (default), bf16 or fp16.", valueName: "name"))
    var precision: String = Precision.fp32.rawValue

    @Option(
        help: ArgumentHelp(
            "Cut embedding tables among ranks: row-wise, column-wise, table-wise or data-parallel. Default: as a planner has it.",
            valueName: "name"))
    var sharding: String?

    func options(seed: UInt64) throws -> TwoTowerOptions {
        var options = TwoTowerOptions()
        options.seed = seed
        options.factors = factors ?? options.factors
        if let layers {
            options.layers = try layers.split(separator: ",").map { text in
                guard let width = Int(text.filter { $0 != " " }) else {
                    throw StarlingError(
                        .usage, "“\(text)” is not the width of a layer", remedy: "list widths: --layers 128,64")
                }
                return width
            }
        }
        options.epochs = epochs ?? options.epochs
        options.batchSize = batchSize ?? options.batchSize
        options.gradientAccumulation = gradientAccumulation ?? 1
        (options.userBuckets, options.itemBuckets) = (userBuckets, itemBuckets)
        options.loss = try choice("--loss", loss)
        options.cosine = cosine
        options.temperature = temperature
        options.negatives = negatives
        options.sampling = try choice("--negative-sampling", negativeSampling)
        options.labelThreshold = labelThreshold
        options.embeddings.kind = try choice("--embedding-optimizer", embeddingOptimizer)
        options.embeddings.learningRate = embeddingLearningRate ?? options.embeddings.learningRate
        options.learningRate = learningRate ?? options.learningRate
        options.idDropout = idDropout
        options.precision = try choice("--precision", precision)
        options.shardingKind = try sharding.map { try choice("--sharding", $0) }
        try options.validate()
        return options
    }

    /// What the catalogs know of users and items.
    func features(of data: TrainingData) -> TwoTower.Features {
        var features = TwoTower.Features(users: data.userCatalog, items: data.catalog)
        features.userAttributes = userAttributes?.split(separator: ",").map(String.init)
        return features
    }

    /// Every option in its final value, as `run.json` keeps it.
    func configuration(_ options: TwoTowerOptions) -> [String: JSONValue] {
        [
            "factors": .integer(options.factors),
            "layers": .string(options.layers.map(String.init).joined(separator: ",")),
            "epochs": .integer(options.epochs), "batch-size": .integer(options.batchSize),
            "gradient-accumulation": .integer(options.gradientAccumulation),
            "user-buckets": userBuckets.map { .integer($0) } ?? .null,
            "item-buckets": itemBuckets.map { .integer($0) } ?? .null,
            "loss": .string(options.loss.rawValue), "cosine": .bool(options.cosine),
            "temperature": options.temperature.map { .number($0) } ?? .null,
            "sharding": options.shardingKind.map { .string($0.rawValue) } ?? .null,
            "negatives": options.negatives.map { .integer($0) } ?? .null,
            "negative-sampling": .string(options.sampling.rawValue),
            "label-threshold": options.labelThreshold.map { .number($0) } ?? .null,
            "embedding-optimizer": .string(options.embeddings.kind.rawValue),
            "embedding-learning-rate": .number(options.embeddings.learningRate),
            "learning-rate": .number(options.learningRate),
            "id-dropout": options.idDropout.map { .number($0) } ?? .null,
            "user-attributes": userAttributes.map { .string($0) } ?? .null,
            "precision": .string(options.precision.rawValue),
        ]
    }
}
