import ArgumentParser
import Starling

/// How Bayesian matrix factorisation samples.
struct BPMFFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Use vectors of this length in each sample. Default: 16.", valueName: "k"))
    var factors: Int?

    @Option(help: ArgumentHelp("Sweep this many times before samples count. Default: 50.", valueName: "n"))
    var burnIn: Int?

    @Option(help: ArgumentHelp("Sweep this many times after that. Default: 200.", valueName: "n"))
    var samples: Int?

    @Option(
        help: ArgumentHelp(
            "Make the model of this many samples, evenly spaced; its vectors are n × k long. Default: 32.",
            valueName: "n"))
    var keepSamples: Int?

    @Option(
        help: ArgumentHelp(
            "Take this as the inverse of the ratings' variance around predictions. Default: drawn each sweep.",
            valueName: "a"))
    var precision: Double?

    func options(seed: UInt64) throws -> BayesianMFOptions {
        var options = BayesianMFOptions()
        options.seed = seed
        options.factors = factors ?? options.factors
        options.burnIn = burnIn ?? options.burnIn
        options.samples = samples ?? options.samples
        options.keepSamples = keepSamples ?? min(options.keepSamples, options.samples)
        options.precision = precision
        try options.validate()
        return options
    }

    /// Every option in its final value, as `run.json` keeps it.
    func configuration(_ options: BayesianMFOptions) -> [String: JSONValue] {
        [
            "factors": .integer(options.factors), "burn-in": .integer(options.burnIn),
            "samples": .integer(options.samples), "keep-samples": .integer(options.keepSamples),
            "precision": options.precision.map { .number($0) } ?? .null,
        ]
    }
}
