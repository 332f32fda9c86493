package import Torch

/// What ``InBatchSoftmax`` computes, by operators of LibTorch on any device: rows of `[interactions × items]` logits at a time,
/// so that they fit in memory. Losses and gradients are the kernel's but for the last bits.
package struct SoftmaxByOperators {
    private let scale: Double
    private let precision: Precision
    private let device: Device

    /// Logits that are held at a time.
    private static let logits = 1 << 28
    private static let addAt = TorchOperator("aten::scatter_add")

    package init(temperature: Double, precision: Precision, on device: Device) {
        (scale, self.precision, self.device) = (1 / temperature, precision, device)
    }

    /// - Parameters:
    ///   - users: `[n × width]`, each of the batch's users once.
    ///   - items: `[m × width]`, each of its items once.
    /// - Returns: the mean loss `[]`, of some of the batch's users their share of it, and its gradients by users and items.
    package func callAsFunction(
        users: Tensor, items: Tensor, _ pairs: BatchPairs
    ) throws -> (loss: Tensor, users: Tensor, items: Tensor) {
        let (left, right) = (try users.detached().requiringGrad(), try items.detached().requiringGrad())
        let userOf = pairs.users.indices.flatMap { user in
            repeatElement(Int64(user), count: Int(pairs.starts[user + 1] - pairs.starts[user]))
        }
        let count = userOf.count
        let rows = try Tensor(userOf, [count]).to(nil, device)
        let own = try Tensor(pairs.own.map { Int64($0) }, [count]).to(nil, device)
        let corrections = try Tensor(pairs.corrections, [pairs.items.count]).to(nil, device)
        // Further occurrences of the own item do not count.
        let ownLogs = try Tensor(pairs.logShares, [pairs.items.count]).to(nil, device).selecting(own)
            .reshaped([count, 1])
        let total = try Tensor.zeros([], on: device)
        let size = max(256, Self.logits / max(1, pairs.items.count))
        for first in stride(from: 0, to: count, by: size) {
            let some = min(size, count - first)
            func part(_ tensor: Tensor) throws -> Tensor { try tensor.narrowed(axis: 0, from: first, count: some) }
            let scores = try precision.autocast(on: device) {
                try left.selecting(part(rows)).matmul(right.transposed())
            }
            let logits = try scores.to(.float32).multiplied(by: scale).subtracting(corrections)
            let columns = try part(own)
            let corrected = try Self.addAt.tensor(
                .tensor(logits), .integer(1), .tensor(columns.reshaped([some, 1])), .tensor(part(ownLogs)))
            let loss = try Loss.crossEntropy(corrected, columns).multiplied(by: Double(some) / Double(pairs.count))
            try loss.backward()
            _ = try withoutGradients { try total.addInPlace(loss.detached()) }
        }
        return (total, try left.gradient!, try right.gradient!)
    }
}
