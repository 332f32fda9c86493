import ArgumentParser
import Starling

/// How alternating least squares learns. What is not given takes the default for its kind of feedback.
struct ALSFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("Take interactions as implicit feedback (default) or explicit ratings.", valueName: "kind"))
    var feedback: String = Feedback.implicit.rawValue

    @Option(help: ArgumentHelp("Use vectors of this length. Default: 64.", valueName: "k"))
    var factors: Int?

    @Option(
        name: [.long, .customLong("epochs")],
        help: ArgumentHelp("Solve for users and items this many times. Default: 15.", valueName: "n"))
    var iterations: Int?

    @Option(
        help: ArgumentHelp("Give an interaction of value v the confidence 1 + a·v. Default: 1.", valueName: "a"))
    var alpha: Double?

    @Option(
        help: ArgumentHelp(
            "Weigh every pair by this and observed ones by 1 (or alpha·v) more, as iALS does.", valueName: "w"))
    var unobservedWeight: Double?

    @Option(help: ArgumentHelp("Penalise squared factors by this. Default: 0.1; explicit: 0.05.", valueName: "l"))
    var regularization: Double?

    @Option(
        help: ArgumentHelp(
            "Scale a row's penalty by its weight to this power. Default: 0; with an unobserved weight or explicit: 1.",
            valueName: "nu"))
    var regularizationExponent: Double?

    @Option(help: ArgumentHelp("Start factors with this deviation over √k. Default: 0.1.", valueName: "s"))
    var initStddev: Double?

    @Option(
        help: ArgumentHelp(
            "Start from the factors in this .npz or .safetensors file, rows matched by id.", valueName: "file"))
    var initFrom: String?

    @Option(
        help: ArgumentHelp(
            "Solve exactly by cholesky (default), or approximately by cg or subspace.", valueName: "name"))
    var solver: String = ALSOptions.Solver.cholesky.rawValue

    @Option(help: ArgumentHelp("Take this many steps a row; with cg only. Default: 3.", valueName: "n"))
    var cgSteps: Int?

    @Option(help: ArgumentHelp("Solve this many factors at a time; with subspace only. Default: 64.", valueName: "n"))
    var blockSize: Int?

    @Option(help: ArgumentHelp("Solve in float32 (default) or float64; the latter is slow.", valueName: "type"))
    var solvePrecision: String = ALSOptions.Precision.float32.rawValue

    @Flag(inversion: .prefixedNo, help: "Learn a mean and biases; with explicit feedback, where it is the default.")
    var biases: Bool?

    @Flag(help: "Compute the objective after each iteration.")
    var loss = false

    func options(seed: UInt64) throws -> ALSOptions {
        var options = ALSOptions(feedback: try Self.parse(feedback, "kind of feedback"))
        options.solver = try Self.parse(solver, "solver")
        options.precision = try Self.parse(solvePrecision, "precision")
        func only(_ given: Bool, _ option: String, _ wanted: ALSOptions.Solver) throws {
            guard !given || options.solver == wanted else {
                throw StarlingError(
                    .usage, "\(option) has no meaning with --solver \(options.solver.rawValue)",
                    remedy: "leave it out, or use --solver \(wanted.rawValue)")
            }
        }
        try only(cgSteps != nil, "--cg-steps", .cg)
        try only(blockSize != nil, "--block-size", .subspace)
        options.seed = seed
        options.factors = factors ?? options.factors
        options.iterations = iterations ?? options.iterations
        options.alpha = alpha
        options.unobservedWeight = unobservedWeight
        options.regularization = regularization ?? options.regularization
        options.regularizationExponent = regularizationExponent
        options.initialDeviation = initStddev ?? options.initialDeviation
        options.cgSteps = cgSteps ?? options.cgSteps
        options.blockSize = blockSize ?? options.blockSize
        options.biases = biases ?? options.biases
        options.loss = loss
        try options.validate()
        return options
    }

    private static func parse<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ what: String
    ) throws -> Choice {
        guard let choice = Choice(rawValue: text.lowercased()) else {
            throw StarlingError(
                .usage, "there is no \(what) “\(text)”",
                remedy: "use " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// Every option in its final value, as `run.json` keeps it.
    func configuration(_ options: ALSOptions) -> [String: JSONValue] {
        [
            "feedback": .string(options.feedback.rawValue), "factors": .integer(options.factors),
            "iterations": .integer(options.iterations), "alpha": options.alpha.map { .number($0) } ?? .null,
            "unobserved-weight": options.unobservedWeight.map { .number($0) } ?? .null,
            "regularization": .number(options.regularization),
            "regularization-exponent": options.regularizationExponent.map { .number($0) } ?? .null,
            "init-from": initFrom.map { .string($0) } ?? .null, "init-stddev": .number(options.initialDeviation),
            "solver": .string(options.solver.rawValue),
            "cg-steps": options.solver == .cg ? .integer(options.cgSteps) : .null,
            "block-size": options.solver == .subspace ? .integer(options.blockSize) : .null,
            "solve-precision": .string(options.precision.rawValue),
            "biases": options.feedback == .explicit ? .bool(options.biases) : .null, "loss": .bool(options.loss),
        ]
    }
}
