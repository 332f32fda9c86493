import CKernels
package import Kernels
package import Torch

/// Softmax over the items of a batch: of each user's scores of all of them, the own one's is to be the highest. Each item's
/// logit is corrected by the logarithm of how likely it is in a batch (Bengio & Senécal 2008; Yi et al., RecSys 2019), and
/// further occurrences of a user's own item do not count.
///
/// An item that stands in the batch c times is one column, whose logit has log c added, and a user with several interactions
/// is one row, whose sum of exponentials serves all of them: the same sums with fewer products. Scores are made, turned into
/// gradients and multiplied away a few users at a time by a kernel, so that `[users × items]` never stands in memory.
///
/// The same batch and number of threads give the same bits.
package final class InBatchSoftmax {
    private let scale: Float
    private let threads: Int
    private let library: TorchLibrary
    private let isa: InstructionSet
    private var memory = Memory(width: 1, columns: 0, longest: 0, threads: 0)

    package init(temperature: Double, threads: Int, isa: InstructionSet) throws {
        (scale, self.threads, self.isa) = (Float(1 / temperature), threads, isa)
        library = try TorchLibrary.opened()
    }

    /// - Parameters:
    ///   - users: `[n × width]`, each of the pairs' users once.
    ///   - items: `[m × width]`, each of the batch's items once.
    /// - Returns: the mean loss, of some of the batch's users their share of it, and its gradients by users and items.
    package func callAsFunction(
        users: Tensor, items: Tensor, _ pairs: BatchPairs
    ) throws -> (loss: Double, users: Tensor, items: Tensor) {
        let (count, length) = (users.shape[0], users.shape[1])
        let columns = (items.shape[0] + Int(SK_SOFTMAX_PANEL) - 1) / Int(SK_SOFTMAX_PANEL) * Int(SK_SOFTMAX_PANEL)
        if !memory.holds(width: length, columns: columns, longest: pairs.longest, threads: threads) {
            memory = Memory(width: length, columns: columns, longest: pairs.longest, threads: threads)
        }
        let memory = memory
        try items.withMemory(as: Float.self) { items in
            sk_softmax_pack(
                items.baseAddress, pairs.items.count, length, memory.items.stride, memory.items.base, memory.panels.base
            )
        }
        for column in 0..<columns {
            let isItem = column < pairs.items.count
            // Columns behind the last have no part in any sum.
            memory.corrections[0, column] = isItem ? pairs.corrections[column] : 1e30
            memory.shares[0, column] = isItem ? pairs.shares[column] : 1
        }
        var softmax = sk_softmax(
            width: memory.items.stride, count: columns, items: memory.items.base, panels: memory.panels.base,
            corrections: memory.corrections.base, shares: memory.shares.base, scale: scale,
            weight: 1 / Float(pairs.count))
        let gradients = (users: try Tensor.empty([count, length]), items: try Tensor.empty([items.shape[0], length]))
        var losses = [Float](repeating: 0, count: pairs.own.count)
        try withUnsafePointer(to: &softmax) { softmax in
            try losses.withUnsafeMutableBufferPointer { losses in
                try users.withMemory(as: Float.self) { users in
                    try gradients.users.withMemory(as: Float.self) { target in
                        nonisolated(unsafe) let (softmax, losses) = (softmax, losses.baseAddress!)
                        nonisolated(unsafe) let (users, target) = (users.baseAddress!, target.baseAddress!)
                        try library.parallel(threads) { parts in
                            for part in parts {
                                let first = count * part / threads, last = count * (part + 1) / threads
                                let start = Int(pairs.starts[first])
                                pairs.starts.withUnsafeBufferPointer { starts in
                                    pairs.own.withUnsafeBufferPointer { own in
                                        sk_softmax_users(
                                            softmax, users + first * length, length, last - first,
                                            starts.baseAddress! + first, own.baseAddress! + start,
                                            memory.scratch(part), target + first * length, memory.itemGradients(part),
                                            losses + start, isa.rawValue)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        try gradients.items.withMemory(as: Float.self) { memory.sum(into: $0.baseAddress!, items.shape[0]) }
        let loss = losses.reduce(0.0) { $0 + Double($1) } / Double(pairs.count)
        return (loss, gradients.users, gradients.items)
    }

    /// What the kernel works on, for batches up to a size.
    private final class Memory {
        let items, panels, corrections, shares: FactorTable
        private let scratch, gradients: FactorTable
        private let width, columns, threads: Int

        init(width: Int, columns: Int, longest: Int, threads: Int) {
            (self.width, self.columns, self.threads) = (width, columns, threads)
            items = FactorTable(rows: columns, width: width)
            panels = FactorTable(rows: columns, width: width)
            corrections = FactorTable(rows: 1, width: max(1, columns))
            shares = FactorTable(rows: 1, width: max(1, columns))
            gradients = FactorTable(rows: threads * (columns + 16), width: width)
            scratch = FactorTable(rows: threads, width: Self.scratch(width, columns, longest))
        }

        private static func scratch(_ width: Int, _ columns: Int, _ longest: Int) -> Int {
            max(1, sk_softmax_scratch(FactorTable.stride(width), columns, longest))
        }

        /// Fewer columns may need more scratch: more users' scores are then held at a time.
        func holds(width: Int, columns: Int, longest: Int, threads: Int) -> Bool {
            width == self.width && columns <= self.columns && threads == self.threads
                && Self.scratch(width, columns, longest) <= scratch.width
        }

        func scratch(_ thread: Int) -> UnsafeMutablePointer<Float> { scratch.base + thread * scratch.stride }

        /// `[(columns + 16) × stride]` of a thread's users.
        func itemGradients(_ thread: Int) -> UnsafeMutablePointer<Float> {
            gradients.base + thread * (columns + 16) * gradients.stride
        }

        /// The gradients of all threads, in their order.
        func sum(into target: UnsafeMutablePointer<Float>, _ count: Int) {
            for item in 0..<count {
                let sum = target + item * width
                sum.update(from: itemGradients(0) + item * gradients.stride, count: width)
                for thread in 1..<max(1, threads) {
                    let part = itemGradients(thread) + item * gradients.stride
                    for place in 0..<width { sum[place] += part[place] }
                }
            }
        }
    }
}
