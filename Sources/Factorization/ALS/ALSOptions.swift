import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What interactions say.
public enum Feedback: String, Codable, Sendable, CaseIterable {
    /// That a user had to do with an item; a value says how much, and all other pairs say a little too.
    case implicit
    /// How a user rated an item; other pairs say nothing.
    case explicit
}

/// Options of ``AlternatingLeastSquares``.
public struct ALSOptions: Sendable, Equatable, Codable {
    /// How a row's normal equations are solved.
    public enum Solver: String, Codable, Sendable, CaseIterable {
        /// Exactly, by Cholesky's decomposition, or by its dual where a history is short.
        case cholesky
        /// By some steps of conjugate gradients from the row as it stands (Takács, Pilászy, Tikk 2011).
        case cg
        /// By one pass of exact steps over blocks of factors (iALS++, Rendle et al. 2021).
        case subspace
    }

    public enum Precision: String, Codable, Sendable, CaseIterable {
        case float32, float64
    }

    public var feedback = Feedback.implicit
    /// k, the length of a vector, biases apart.
    public var factors = 64
    /// Passes over users and items, in this order.
    public var iterations = 15
    /// α: an observed pair has confidence 1 + α·value (Hu, Koren, Volinsky 2008). 1 where ``unobservedWeight`` is nil, too;
    /// with an unobserved weight, nil gives every observed pair weight 1.
    public var alpha: Double?
    /// α₀ of iALS as Rendle et al. (2021) write it: the weight of every pair, while observed ones weigh 1 (or α·value) more.
    /// nil = 1, with Hu, Koren and Volinsky's target for observed pairs.
    public var unobservedWeight: Double?
    /// λ. 0.1 for implicit feedback, 0.05 for explicit.
    public var regularization = 0.1
    /// ν: a row's λ is multiplied by (its interactions + α₀ · rows of the other side)^ν, for explicit feedback by
    /// interactions^ν. nil = 0, but 1 with an unobserved weight, and 1 for explicit feedback (ALS-WR, Zhou et al. 2008).
    public var regularizationExponent: Double?
    /// Standard deviation of a starting factor, times √k.
    public var initialDeviation = 0.1
    public var solver = Solver.cholesky
    /// Steps a row with `cg`.
    public var cgSteps = 3
    /// Factors in a block with `subspace`; rounded up to a multiple of 16.
    public var blockSize = 64
    /// Precision of the normal equations and their solution; `float64` is plain and slow, with `cholesky` alone.
    public var precision = Precision.float32
    /// Whether μ, b_u and b_i are learned; for explicit feedback only.
    public var biases = false
    /// Whether the objective is computed after each iteration, as `train_loss`.
    public var loss = false
    public var seed: UInt64 = 42

    /// The defaults of a kind of feedback.
    public init(feedback: Feedback = .implicit) {
        self.feedback = feedback
        if feedback == .explicit {
            regularization = 0.05
            biases = true
        }
    }

    /// α₀, 0 for explicit feedback.
    var weightOfAll: Double { feedback == .explicit ? 0 : unobservedWeight ?? 1 }

    var exponent: Double {
        regularizationExponent ?? (feedback == .explicit || unobservedWeight != nil ? 1 : 0)
    }

    /// What solving a row takes, in multiplications, roughly.
    func work(interactions: Int) -> Double {
        let (n, k) = (Double(interactions), Double(factors))
        return switch solver {
        case .cholesky: n * k * k / 2 + k * k * k / 6
        case .cg: (2 * n * k + k * k) * Double(cgSteps + 1)
        case .subspace: n * k * Double(2 + min(blockSize, factors) / 2) + k * k * Double(min(blockSize, factors)) / 6
        }
    }

    /// A row's λ.
    func ridge(interactions: Int, others: Int) -> Float {
        guard exponent != 0 else { return Float(regularization) }
        let base = Double(interactions) + weightOfAll * Double(others)
        return Float(regularization * pow(base, exponent))
    }

    /// What an observed pair's weight and target are made of: a = weight.0 + weight.1 · value, t likewise.
    var confidence: (weight: (Double, Double), target: (Double, Double)) {
        if feedback == .explicit { return ((1, 0), (0, 1)) }
        if unobservedWeight == nil { return ((0, alpha ?? 1), (1, alpha ?? 1)) }
        return alpha.map { ((0, $0), (0, $0)) } ?? ((1, 0), (1, 0))
    }

    /// What an observed pair adds to the loss.
    func loss(of value: Float, score: Double) -> Double {
        let value = Double(value)
        if feedback == .explicit { return (value - score) * (value - score) }
        let weight = confidence.weight.0 + confidence.weight.1 * value
        guard weight > 0 else { return 0 }
        let target = confidence.target.0 + confidence.target.1 * value
        return weight * score * score - 2 * target * score + target
    }

    /// - Throws: `usage`, naming the option that is out of its range.
    public func validate() throws {
        func require(_ holds: Bool, _ option: String, _ range: String) throws {
            guard holds else { throw StarlingError(.usage, "\(option) is out of range", remedy: "use \(range)") }
        }
        func number(_ value: Double, _ option: String) throws {
            try require(value >= 0 && value.isFinite, "\(option) \(value)", "0 or more")
        }
        func without(_ holds: Bool, _ option: String, _ other: String) throws {
            guard holds else {
                throw StarlingError(.usage, "\(option) has no meaning with \(other)", remedy: "leave one of them out")
            }
        }
        try require((1...2048).contains(factors), "--factors \(factors)", "1 to 2048")
        try require(iterations >= 1, "--iterations \(iterations)", "1 or more")
        try number(alpha ?? 0, "--alpha")
        try number(unobservedWeight ?? 0, "--unobserved-weight")
        try number(regularization, "--regularization")
        try require(
            regularizationExponent.map { abs($0) <= 4 } ?? true,
            "--regularization-exponent \(regularizationExponent ?? 0)", "−4 to 4")
        try number(initialDeviation, "--init-stddev")
        try require((1...1000).contains(cgSteps), "--cg-steps \(cgSteps)", "1 to 1000")
        try require((1...2048).contains(blockSize), "--block-size \(blockSize)", "1 to 2048")
        try without(
            precision == .float32 || solver == .cholesky, "--solve-precision float64", "--solver \(solver.rawValue)")
        try without(
            feedback == .implicit || (alpha == nil && unobservedWeight == nil), "a confidence", "--feedback explicit")
        try without(feedback == .explicit || !biases, "--biases", "--feedback implicit")
    }
}
