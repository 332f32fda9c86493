import Kernels
import Torch

/// The loss of a batch, and its gradients by the vectors of users and items.
struct TwoTowerLoss {
    private let options: TwoTowerOptions
    private let softmax: (Tensor, Tensor, BatchPairs) throws -> (mean: Tensor, users: Tensor, items: Tensor)

    init(_ options: TwoTowerOptions, threads: Int, isa: InstructionSet) throws {
        self.options = options
        if options.worksByOperators {
            let operators = SoftmaxByOperators(
                temperature: options.divisor, precision: options.precision, on: options.device)
            softmax = { users, items, pairs in
                let found = try operators(users: users, items: items, pairs)
                return (found.loss, found.users, found.items)
            }
        } else {
            let kernel = try InBatchSoftmax(temperature: options.divisor, threads: threads, isa: isa)
            softmax = { users, items, pairs in
                let found = try kernel(users: users, items: items, pairs)
                return (try Tensor([found.loss], []), found.users, found.items)
            }
        }
    }

    /// - Parameters:
    ///   - users: `[n × width]`, in the order of the batch's.
    ///   - items: `[m × width]`, likewise.
    /// - Returns: the mean `[]`, and its gradients.
    func callAsFunction(
        _ users: Tensor, _ items: Tensor, _ batch: TwoTowerBatch
    ) throws -> (mean: Tensor, users: Tensor, items: Tensor) {
        if let pairs = batch.pairs { return try softmax(users.detached(), items.detached(), pairs) }
        let (left, right) = (try users.detached().requiringGrad(), try items.detached().requiringGrad())
        let loss = try pairwise(left, right, batch)
        try loss.backward()
        return (try loss.detached(), try left.gradient!, try right.gradient!)
    }

    /// Each user against the own item and those drawn for it.
    private func pairwise(_ users: Tensor, _ items: Tensor, _ batch: TwoTowerBatch) throws -> Tensor {
        let (count, rounds) = (batch.users.count, batch.items.count / batch.users.count)
        // `[rounds × users]`, the own items first.
        let scores = try items.reshaped([rounds, count, items.shape[1]]).multiplied(by: users).sum(axes: [2])
            .multiplied(by: 1 / options.divisor)
        switch options.loss {
        case .bpr:
            return try Loss.bayesianPersonalizedRanking(
                scores.narrowed(axis: 0, from: 0, count: 1), scores.narrowed(axis: 0, from: 1, count: rounds - 1))
        default:
            let ones = batch.labels ?? [Float](repeating: 1, count: count)
            let labels = try Tensor(ones + [Float](repeating: 0, count: count * (rounds - 1)), [rounds, count])
            return try Loss.binaryCrossEntropy(scores, labels.to(nil, options.device))
        }
    }
}
