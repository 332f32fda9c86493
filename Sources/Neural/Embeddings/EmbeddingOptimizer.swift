import CKernels

/// How rows of an embedding table change by their gradients, those that have one alone.
public struct EmbeddingOptimizer: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// One sum of squares a row, as TorchRec's `EXACT_ROWWISE_ADAGRAD`: a 64th of the memory at width 64.
        case rowWiseAdagrad = "rowwise-adagrad"
        /// Duchi, Hazan, Singer 2011.
        case adagrad
        case sgd
        /// Kingma & Ba 2015, with moments that stand still while a row has no gradient.
        case adam
    }

    /// Default: row-wise Adagrad.
    public var kind = Kind.rowWiseAdagrad
    /// Default: 0.05.
    public var learningRate = 0.05
    /// Default: 1e-8.
    public var epsilon = 1e-8

    public init() {}

    /// Floats a row takes beside its own, with `stride` floats in a row.
    func stateFloats(stride: Int) -> Int { (hasRowState ? 1 : 0) + stateWidth(stride: stride) }

    /// Whether a row has one number of its own: a sum of squares, or a count of steps.
    var hasRowState: Bool { kind == .rowWiseAdagrad || kind == .adam }

    /// Floats of a row's sums or moments.
    func stateWidth(stride: Int) -> Int {
        switch kind {
        case .sgd, .rowWiseAdagrad: 0
        case .adagrad: stride
        case .adam: 2 * stride
        }
    }

    /// What checkpoints call them.
    var stateName: String { kind == .adam ? ".moments" : ".sums" }

    var kernel: Int32 {
        switch kind {
        case .sgd: Int32(SK_EMBED_SGD)
        case .rowWiseAdagrad: Int32(SK_EMBED_ROWWISE_ADAGRAD)
        case .adagrad: Int32(SK_EMBED_ADAGRAD)
        case .adam: Int32(SK_EMBED_ADAM)
        }
    }
}
