import Torch

/// The loss of what comes next at each place of a batch, by operators.
struct SequenceLoss {
    private let options: SSEPTOptions

    init(_ options: SSEPTOptions) { self.options = options }

    /// - Parameters:
    ///   - places: `[places × width]`, of the network.
    ///   - batch: candidates; the first of each place comes next.
    /// - Returns: `[]`: the mean over places that have a next item.
    func callAsFunction(_ places: Tensor, _ network: SequenceNetwork, _ batch: SequenceSamples.Batch) throws
        -> Tensor
    {
        let places =
            batch.scored.count == places.shape[0] ? places : try places.selecting(network.indices(batch.scored))
        let own = try places.narrowed(axis: 1, from: 0, count: options.factors)
        // The user's part of a score is the same for all items, and with softmax without effect.
        let personal = try network.users.map { users -> Tensor in
            let rows = batch.scored.map { batch.inputs.users![Int($0)] }
            let vectors = try users(network.indices(rows)).multiplied(by: Double(options.userDim).squareRoot())
            return try places.narrowed(axis: 1, from: options.factors, count: options.userDim)
                .multiplied(by: vectors).sum(axes: [1], keepingAxes: true)
        }
        if options.loss == .softmax {
            let logits = try own.matmul(network.items.weight.transposed())
            return try Loss.crossEntropy(logits, network.indices(batch.candidates))
        }
        let count = batch.scored.count
        let vectors = try network.items(network.indices(batch.candidates))
            .reshaped([count, 1 + options.drawn, options.factors])
        let scores = try vectors.matmul(own.reshaped([count, options.factors, 1])).reshaped([count, 1 + options.drawn])
        let logits = try (personal.map { try scores.adding($0) } ?? scores).to(.float32)
        switch options.loss {
        case .sampledSoftmax: return try Loss.crossEntropy(logits, network.indices([Int64](repeating: 0, count: count)))
        case .bce, .gbce, .softmax: return try binary(logits, of: network.items.weight.shape[0])
        }
    }

    /// bce: −log σ(s₀) − the mean of log(1 − σ(sⱼ)) over the drawn items. gbce, with n drawn: −(β log σ(s₀) + Σ log(1 − σ(sⱼ))) /
    /// (n + 1), where β = 1 − t (1 − α) and α is the share of the other items that is drawn.
    private func binary(_ logits: Tensor, of itemCount: Int) throws -> Tensor {
        let drawn = Double(options.drawn)
        let next = try logits.narrowed(axis: 1, from: 0, count: 1).logSigmoid().mean()
        let others = try logits.narrowed(axis: 1, from: 1, count: options.drawn).multiplied(by: -1).logSigmoid().mean()
        guard options.loss == .gbce else { return try next.adding(others).multiplied(by: -1) }
        let beta = 1 - options.calibration * (1 - drawn / Double(max(1, itemCount - 1)))
        return try next.multiplied(by: beta).adding(others.multiplied(by: drawn)).multiplied(by: -1 / (drawn + 1))
    }
}
