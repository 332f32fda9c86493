import Basics

/// How ``MatrixFactorization`` learns.
public enum Optimizer: String, Codable, Sendable, CaseIterable {
    /// Stochastic gradient descent, one rating at a time, over the block grid.
    case sgd
    /// The same with one AdaGrad step size a row (Chin et al. 2015, “A learning-rate schedule for stochastic
    /// gradient methods to matrix factorization”).
    case adagrad
    /// Mini-batches and Adam (Kingma & Ba 2015) whose moments move only in rows that a batch touches.
    case adam
}

/// How the learning rate falls from epoch to epoch.
public enum LearningRateDecay: Sendable, Equatable, CustomStringConvertible {
    /// In equal steps towards zero, which would be reached one epoch after the last.
    case linear
    /// By this factor an epoch; 1 keeps the rate.
    case factor(Double)

    /// `linear`, `none`, or a factor in (0, 1].
    public init(parsing text: String) throws {
        switch text {
        case "linear": self = .linear
        case "none": self = .factor(1)
        default:
            guard let factor = Double(text), factor > 0, factor <= 1 else {
                throw StarlingError(
                    .usage, "“\(text)” is not a learning-rate decay",
                    remedy: "use linear, none, or a factor above 0 and at most 1, such as 0.9")
            }
            self = .factor(factor)
        }
    }

    public var description: String {
        switch self {
        case .linear: "linear"
        case .factor(let factor): factor == 1 ? "none" : "\(factor)"
        }
    }

    /// The rate of `epoch` (from 1) of `epochs`, as a share of the first.
    public func share(epoch: Int, of epochs: Int) -> Double {
        switch self {
        case .linear: 1 - Double(epoch - 1) / Double(max(epochs, epoch))
        case .factor(let factor): (1..<max(1, epoch)).reduce(1) { share, _ in share * factor }
        }
    }
}

/// Options of ``MatrixFactorization``. The defaults of `sgd` reach an RMSE of about 0.90 on a random tenth of
/// MovieLens-100K and 0.85 on MovieLens-1M without tuning.
public struct MatrixFactorizationOptions: Sendable, Equatable {
    /// k, the length of a vector, biases apart.
    public var factors = 64
    /// Passes over the ratings. 20 for `sgd`; `adagrad` and `adam` likewise.
    public var epochs = 20
    public var optimizer: Optimizer
    /// The first epoch's rate: 0.03 for `sgd`, 0.1 for `adagrad`, 0.002 for `adam`.
    public var learningRate: Double
    /// `linear` for all optimisers.
    public var decay: LearningRateDecay
    /// λ of the L2 penalty on factors, applied at every rating (`adam`: at every batch, to rows it touches).
    /// 0.06; 1e-4 for `adam`, whose loss is a batch's mean.
    public var regularization: Double
    /// λ of the biases: 0.02, or `adam`'s λ.
    public var biasRegularization: Double
    /// Whether μ, b_u and b_i are learned; without them r̂ = p·q.
    public var biases = true
    /// The chance, in [0, 1), that a factor is dropped from a rating while training.
    public var dropout = 0.0
    /// The largest norm of a gradient (a rating's, or a batch's under `adam`); nil = no limit.
    public var clipNorm: Double?
    /// Ratings in a mini-batch, `adam` only. 2048.
    public var batchSize = 2048
    /// Standard deviation of a starting factor, times √k. 0.3.
    public var initialDeviation = 0.3
    public var seed: UInt64 = 42

    /// The defaults of an optimiser.
    public init(optimizer: Optimizer = .sgd) {
        self.optimizer = optimizer
        decay = .linear
        switch optimizer {
        case .sgd: (learningRate, regularization, biasRegularization) = (0.03, 0.06, 0.02)
        case .adagrad: (learningRate, regularization, biasRegularization) = (0.1, 0.06, 0.02)
        case .adam: (learningRate, regularization, biasRegularization) = (0.002, 1e-4, 1e-4)
        }
    }

    /// - Throws: `usage`, naming the option that is out of its range.
    public func validate() throws {
        func require(_ holds: Bool, _ option: String, _ range: String) throws {
            guard holds else { throw StarlingError(.usage, "\(option) is out of range", remedy: "use \(range)") }
        }
        try require((1...2048).contains(factors), "--factors \(factors)", "1 to 2048")
        try require(epochs >= 1, "--epochs \(epochs)", "1 or more")
        try require(learningRate > 0 && learningRate.isFinite, "--learning-rate \(learningRate)", "a number above 0")
        try require(regularization >= 0 && regularization.isFinite, "--regularization \(regularization)", "0 or more")
        try require(
            biasRegularization >= 0 && biasRegularization.isFinite, "--bias-regularization \(biasRegularization)",
            "0 or more")
        try require(dropout >= 0 && dropout < 1, "--dropout \(dropout)", "0 or more and below 1")
        try require(clipNorm.map { $0 > 0 && $0.isFinite } ?? true, "--clip-grad \(clipNorm ?? 0)", "a number above 0")
        try require((1...1 << 24).contains(batchSize), "--batch-size \(batchSize)", "1 to 16777216")
        try require(
            initialDeviation >= 0 && initialDeviation.isFinite, "--init-stddev \(initialDeviation)", "0 or more")
    }
}
