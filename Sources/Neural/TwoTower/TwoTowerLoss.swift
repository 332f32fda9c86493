import Kernels
import Torch

/// The loss of a step, and its gradients by the vectors of users and items.
struct TwoTowerLoss {
    private let options: TwoTowerOptions
    private let softmax: InBatchSoftmax

    init(_ options: TwoTowerOptions, isa: InstructionSet) throws {
        self.options = options
        softmax = try InBatchSoftmax(temperature: options.divisor, isa: isa)
    }

    /// - Parameters:
    ///   - users: `[n × width]`
    ///   - items: `[m × width]`, in the order of the batch's.
    func callAsFunction(
        _ users: Tensor, _ items: Tensor, _ batch: TwoTowerBatch
    ) throws -> (mean: Double, users: Tensor, items: Tensor) {
        if let columns = batch.columns {
            let found = try softmax(users: users.detached(), items: items.detached(), columns)
            return (found.loss, found.users, found.items)
        }
        let (left, right) = (try users.detached().requiringGrad(), try items.detached().requiringGrad())
        let loss = try pairwise(left, right, batch)
        try loss.backward()
        return (try loss.item(), try left.gradient!, try right.gradient!)
    }

    /// Each user against the own item and those drawn for it.
    private func pairwise(_ users: Tensor, _ items: Tensor, _ batch: TwoTowerBatch) throws -> Tensor {
        let (count, rounds) = (batch.users.count, batch.items.count / batch.users.count)
        func scores(_ round: Int) throws -> Tensor {
            try users.multiplied(by: items.narrowed(axis: 0, from: round * count, count: count)).sum(axes: [1])
                .multiplied(by: 1 / options.divisor)
        }
        let all = try (0..<rounds).map(scores)
        switch options.loss {
        case .bpr:
            let positive = try Tensor.concatenated([Tensor](repeating: all[0], count: rounds - 1))
            return try Loss.bayesianPersonalizedRanking(positive, Tensor.concatenated(Array(all[1...])))
        default:
            let ones = batch.labels ?? [Float](repeating: 1, count: count)
            let labels = try Tensor(ones + [Float](repeating: 0, count: count * (rounds - 1)), [count * rounds])
            return try Loss.binaryCrossEntropy(Tensor.concatenated(all), labels)
        }
    }
}
