import Basics
import Kernels
import Torch

/// The loss of a batch, and its gradients by the vectors of users and items.
struct TwoTowerLoss {
    private let options: TwoTowerOptions
    private let ranks: any Communicator
    private let softmax: (Tensor, Tensor, BatchPairs) throws -> (mean: Tensor, users: Tensor, items: Tensor)

    init(_ options: TwoTowerOptions, ranks: any Communicator, threads: Int, isa: InstructionSet) throws {
        (self.options, self.ranks) = (options, ranks)
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
    ///   - users: `[n × width]`, of this rank's part of the batch's, in their order.
    ///   - items: `[m × width]`, likewise.
    ///   - batch: of all ranks.
    /// - Returns: this rank's share of the mean `[]`, and the gradients of the mean by the vectors.
    func callAsFunction(
        _ users: Tensor, _ items: Tensor, _ batch: TwoTowerBatch
    ) throws -> (mean: Tensor, users: Tensor, items: Tensor) {
        let part = ranks.part(of: batch.users.count)
        if let pairs = batch.pairs {
            let all = try items.detached().gathered(pairs.items.count, from: ranks)
            let found =
                part.isEmpty
                ? (try Tensor(0), try zeros(as: users), try zeros(as: all))
                : try softmax(users.detached(), all, part.count == pairs.users.count ? pairs : pairs.of(users: part))
            return (found.0, found.1, try found.2.summed(over: ranks))
        }
        guard !part.isEmpty else {
            return (try Tensor(0), try zeros(as: users), try zeros(as: items))
        }
        let (left, right) = (try users.detached().requiringGrad(), try items.detached().requiringGrad())
        let own = try pairwise(left, right, batch.labels.map { Array($0[part]) })
        let loss = try ranks.size == 1 ? own : own.multiplied(by: Double(part.count) / Double(batch.users.count))
        try loss.backward()
        return (try loss.detached(), try left.gradient!, try right.gradient!)
    }

    private func zeros(as other: Tensor) throws -> Tensor { try Tensor.zeros(other.shape, on: other.device) }

    /// Each user against the own item and those drawn for it.
    private func pairwise(_ users: Tensor, _ items: Tensor, _ labels: [Float]?) throws -> Tensor {
        let (count, rounds) = (users.shape[0], items.shape[0] / users.shape[0])
        // `[rounds × users]`, the own items first.
        let scores = try items.reshaped([rounds, count, items.shape[1]]).multiplied(by: users).sum(axes: [2])
            .multiplied(by: 1 / options.divisor)
        switch options.loss {
        case .bpr:
            return try Loss.bayesianPersonalizedRanking(
                scores.narrowed(axis: 0, from: 0, count: 1), scores.narrowed(axis: 0, from: 1, count: rounds - 1))
        default:
            let ones = labels ?? [Float](repeating: 1, count: count)
            let labels = try Tensor(ones + [Float](repeating: 0, count: count * (rounds - 1)), [rounds, count])
            return try Loss.binaryCrossEntropy(scores, labels.to(nil, options.device))
        }
    }
}
