import CKernels
import Kernels
import Torch

/// The loss of what comes next at each place of a batch: by kernels on the CPU, by operators elsewhere, and so for softmax over
/// all items.
///
/// bce: −log σ(s₀) − the mean of log(1 − σ(sⱼ)) over the drawn items. gbce, with n drawn: −(β log σ(s₀) + Σ log(1 − σ(sⱼ))) / (n + 1),
/// where β = 1 − t (1 − α) and α is the share of the other items that is drawn.
struct SequenceLoss {
    private let options: SSEPTOptions
    private let isa: InstructionSet

    init(_ options: SSEPTOptions, isa: InstructionSet) { (self.options, self.isa) = (options, isa) }

    /// - Parameters:
    ///   - places: `[places × width]`, of the network.
    ///   - batch: candidates; the first of each place comes next.
    /// - Returns: `[]`: the mean over places that have a next item.
    func callAsFunction(_ places: Tensor, _ network: SequenceNetwork, _ batch: SequenceSamples.Batch) throws
        -> Tensor
    {
        let places =
            batch.scored.count == places.shape[0] ? places : try places.selecting(network.indices(batch.scored))
        // The user's part of a score is the same for all items, and with softmax without effect.
        let personal = try network.users.map { users -> Tensor in
            let rows = batch.scored.map { batch.inputs.users![Int($0)] }
            let vectors = try users(rows, rows.count).multiplied(by: Double(options.userDim).squareRoot())
            return try places.narrowed(axis: 1, from: options.factors, count: options.userDim)
                .multiplied(by: vectors).sum(axes: [1])
        }
        let items = network.items.vectors
        if options.loss == .softmax {
            let own = try places.narrowed(axis: 1, from: 0, count: options.factors)
            let logits = try own.matmul(items.transposed()).to(.float32)
            return try Loss.crossEntropy(logits, network.indices(batch.candidates.map { Int64($0) }))
        }
        let shares = shares(of: network.items.rows)
        if !options.worksByOperators {
            let kind = Int32(
                options.loss == .sampledSoftmax ? SK_CANDIDATES_SOFTMAX : SK_CANDIDATES_BINARY)
            let loss = sk_candidates_loss(kind: kind, next: Float(shares.next), others: Float(shares.others), weight: 0)
            return try CandidateLoss(loss: loss, isa: isa)(
                places, items, addends: personal, batch.candidates, each: 1 + options.drawn)
        }
        let count = batch.scored.count
        let own = try places.narrowed(axis: 1, from: 0, count: options.factors)
        let scores = try network.items(batch.candidates.map { Int64($0) }, batch.candidates.count)
            .reshaped([count, 1 + options.drawn, options.factors])
            .matmul(own.reshaped([count, options.factors, 1])).reshaped([count, 1 + options.drawn])
        let logits = try (personal.map { try scores.adding($0.reshaped([count, 1])) } ?? scores).to(.float32)
        if options.loss == .sampledSoftmax {
            return try Loss.crossEntropy(logits, network.indices([Int64](repeating: 0, count: count)))
        }
        let next = try logits.narrowed(axis: 1, from: 0, count: 1).logSigmoid().sum()
        let others = try logits.narrowed(axis: 1, from: 1, count: options.drawn).multiplied(by: -1).logSigmoid().sum()
        return try next.multiplied(by: shares.next).adding(others.multiplied(by: shares.others))
            .multiplied(by: -1 / Double(count))
    }

    /// Weights of the logarithms.
    private func shares(of itemCount: Int) -> (next: Double, others: Double) {
        let drawn = Double(options.drawn)
        guard options.loss == .gbce else { return (1, 1 / drawn) }
        let beta = 1 - options.calibration * (1 - drawn / Double(max(1, itemCount - 1)))
        return (beta / (drawn + 1), 1 / (drawn + 1))
    }
}
