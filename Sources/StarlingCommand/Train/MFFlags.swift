import ArgumentParser
import Starling

/// How matrix factorisation learns. What is not given takes the optimiser's or the preset's default.
struct MFFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Take the defaults of another trainer: vertex.", valueName: "name"))
    var preset: String?

    @Option(help: ArgumentHelp("Learn by sgd (default), adagrad or adam (default on a GPU).", valueName: "name"))
    var optimizer: String?

    @Option(help: ArgumentHelp("Use vectors of this length. Default: 64.", valueName: "k"))
    var factors: Int?

    @Option(help: ArgumentHelp("Pass over the ratings this many times. Default: 20.", valueName: "n"))
    var epochs: Int?

    @Option(
        name: [.long, .customLong("lr")],
        help: ArgumentHelp(
            "Start with this learning rate. Default: 0.03 (sgd), 0.1 (adagrad), 0.002 (adam).", valueName: "r"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "Lower the rate each epoch: linear (default), none, or a factor such as 0.9.", valueName: "rule"))
    var learningRateDecay: String?

    @Option(
        name: [.long, .customLong("weight-decay")],
        help: ArgumentHelp("Penalise squared factors by this. Default: 0.06; 1e-4 with adam.", valueName: "l"))
    var regularization: Double?

    @Option(
        help: ArgumentHelp("Penalise squared biases by this. Default: 0.02; with adam as the factors.", valueName: "l"))
    var biasRegularization: Double?

    @Flag(inversion: .prefixedNo, help: "Learn a mean and biases, or only p·q.")
    var biases = true

    @Option(
        help: ArgumentHelp(
            "Drop a factor from a rating with this probability while training. Default: 0.", valueName: "p"))
    var dropout: Double?

    @Option(help: ArgumentHelp("Shorten gradients to this norm. Default: no limit.", valueName: "norm"))
    var clipGrad: Double?

    @Option(help: ArgumentHelp("Take this many ratings a step; with adam only. Default: 2048.", valueName: "n"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("Start factors with this deviation over √k. Default: 0.3.", valueName: "s"))
    var initStddev: Double?

    var isVertex: Bool { preset == "vertex" }

    /// The optimiser that is asked for, if one is.
    func asked() throws -> Optimizer? {
        guard let name = optimizer else { return isVertex ? .adam : nil }
        guard let optimizer = Optimizer(rawValue: name.lowercased()) else {
            throw StarlingError(
                .usage, "there is no optimiser “\(name)”",
                remedy: "use " + Optimizer.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return optimizer
    }

    /// - Parameter usual: the optimiser where none is asked for.
    func options(seed: UInt64, usual: Optimizer = .sgd) throws -> MatrixFactorizationOptions {
        guard preset == nil || isVertex else {
            throw StarlingError(.usage, "there is no preset “\(preset ?? "")”", remedy: "use --preset vertex")
        }
        let optimizer = try asked() ?? usual
        var options = MatrixFactorizationOptions(optimizer: optimizer)
        if isVertex {
            options.epochs = 1
            options.learningRate = 1e-3
            options.regularization = 1e-6
            options.biasRegularization = 1e-6
            options.decay = .factor(1)
        }
        if let batchSize {
            guard optimizer == .adam else {
                throw StarlingError(
                    .usage,
                    "--batch-size has no meaning with --optimizer \(optimizer.rawValue), which steps at every rating",
                    remedy: "leave it out, or use --optimizer adam")
            }
            options.batchSize = batchSize
        }
        options.seed = seed
        options.biases = biases
        options.factors = factors ?? options.factors
        options.epochs = epochs ?? options.epochs
        options.learningRate = learningRate ?? options.learningRate
        options.decay = try learningRateDecay.map(LearningRateDecay.init(parsing:)) ?? options.decay
        options.regularization = regularization ?? options.regularization
        options.biasRegularization =
            biasRegularization
            ?? (optimizer == .adam ? options.regularization : options.biasRegularization)
        options.dropout = dropout ?? options.dropout
        options.clipNorm = clipGrad ?? options.clipNorm
        options.initialDeviation = initStddev ?? options.initialDeviation
        try options.validate()
        return options
    }

    /// Every option in its final value, as `run.json` keeps it.
    func configuration(_ options: MatrixFactorizationOptions) -> [String: JSONValue] {
        [
            "preset": preset.map { .string($0) } ?? .null, "optimizer": .string(options.optimizer.rawValue),
            "factors": .integer(options.factors), "epochs": .integer(options.epochs),
            "learning-rate": .number(options.learningRate), "learning-rate-decay": .string("\(options.decay)"),
            "regularization": .number(options.regularization),
            "bias-regularization": .number(options.biasRegularization), "biases": .bool(options.biases),
            "dropout": .number(options.dropout), "clip-grad": options.clipNorm.map { .number($0) } ?? .null,
            "batch-size": options.optimizer == .adam ? .integer(options.batchSize) : .null,
            "init-stddev": .number(options.initialDeviation),
        ]
    }
}
