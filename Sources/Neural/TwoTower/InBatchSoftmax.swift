import CKernels
package import Kernels
package import Torch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Softmax over the items of a batch: of each user's scores of all of them, the own one's is to be the highest. Each item's
/// logit is corrected by the logarithm of how likely it is in a batch (Bengio & Senécal 2008; Yi et al., RecSys 2019), and
/// further occurrences of a user's own item do not count.
///
/// An item that stands in the batch c times is one column, whose logit has log c added: the same sums with fewer products.
/// Scores are made, turned into gradients and multiplied away 256 users at a time, so that `[users × items]` never stands
/// in memory: between three matrix products each score is read from cache.
package final class InBatchSoftmax {
    private static let block = 256

    private let scale: Float
    private let library: TorchLibrary
    private let isa: InstructionSet
    /// `[block × columns]`, columns a multiple of 16.
    private var scores: Tensor?

    private static let product = TorchOperator("aten::mm", "out")
    private static let addProduct = TorchOperator("aten::addmm_")

    package init(temperature: Double, isa: InstructionSet) throws {
        scale = Float(1 / temperature)
        library = try TorchLibrary.opened()
        self.isa = isa
    }

    /// - Parameters:
    ///   - users: `[n × width]`
    ///   - items: `[m × width]`, each item once.
    ///   - columns: which of them, how often they stand in the batch, and how likely that is.
    /// - Returns: the mean loss, and its gradients by users and items.
    package func callAsFunction(
        users: Tensor, items: Tensor, _ columns: BatchColumns
    ) throws -> (loss: Double, users: Tensor, items: Tensor) {
        try withoutGradients {
            let (count, width) = (users.shape[0], items.shape[1])
            let padded = (items.shape[0] + 15) / 16 * 16
            if scores?.shape != [Self.block, padded] { scores = try Tensor.zeros([Self.block, padded]) }
            // Columns behind the last have no part in any sum.
            let corrections = columns.corrections + [Float](repeating: 1e30, count: padded - items.shape[0])
            let gradients = (users: try Tensor.empty([count, width]), items: try Tensor.zeros(items.shape))
            let transposed = try items.transposed()
            var losses = [Float](repeating: 0, count: count)
            for first in stride(from: 0, to: count, by: Self.block) {
                let size = min(Self.block, count - first)
                let some = try users.narrowed(axis: 0, from: first, count: size)
                let block = try scores!.narrowed(axis: 0, from: 0, count: size)
                    .narrowed(axis: 1, from: 0, count: items.shape[0])
                try Self.product.call([.tensor(some), .tensor(transposed)], named: ["out": .tensor(block)])
                try scores!.withMemory(as: Float.self) { memory in
                    nonisolated(unsafe) let base = memory.baseAddress!
                    try losses.withUnsafeMutableBufferPointer { losses in
                        nonisolated(unsafe) let losses = losses
                        try library.parallel(size) { part in
                            for row in part {
                                let own = Int(columns.own[first + row])
                                losses[first + row] = sk_softmax_gradient(
                                    base + row * padded, padded, corrections, own, columns.logProbabilities[own],
                                    scale, 1 / Float(count), isa.rawValue)
                            }
                        }
                    }
                }
                let target = try gradients.users.narrowed(axis: 0, from: first, count: size)
                try Self.product.call([.tensor(block), .tensor(items)], named: ["out": .tensor(target)])
                try Self.addProduct.call([
                    .tensor(gradients.items), .tensor(block.transposed()), .tensor(some),
                ])
            }
            let loss = losses.reduce(0.0) { $0 + Double($1) } / Double(count)
            return (loss, gradients.users, gradients.items)
        }
    }
}

/// The items of a batch, each once.
package struct BatchColumns: Sendable {
    /// Rows of items, rising.
    package let items: [UInt32]
    /// The column of each user's own item, the first in the batch.
    package let own: [UInt32]
    /// How likely each is in a batch.
    package let logProbabilities: [Float]
    /// The same less the logarithm of how often it stands here.
    let corrections: [Float]

    /// - Parameters:
    ///   - all: the users' own items in their order, then others.
    ///   - users: how many of them are users' own.
    package init(_ all: [UInt32], users: Int, itemCount: Int, logProbability: (UInt32) -> Float) {
        let bags = FeatureBags("", tableRows: itemCount, rows: all)
        let found = TouchedRows(bags, all.indices.map { UInt32($0) })
        var own = [UInt32](repeating: 0, count: users)
        items = found.rows
        logProbabilities = items.map(logProbability)
        corrections = items.indices.map { column in
            let places = Int(found.starts[column])..<Int(found.starts[column + 1])
            for place in places where found.samples[place] < users { own[Int(found.samples[place])] = UInt32(column) }
            return logProbability(found.rows[column]) - log(Float(places.count))
        }
        self.own = own
    }
}
