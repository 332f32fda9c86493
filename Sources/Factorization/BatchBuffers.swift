import CKernels
import Kernels

/// The samples of one mini-batch, and the same grouped by user and by item.
///
/// `@unchecked Sendable`: filled by one thread; gradients are written in disjoint rows.
final class BatchBuffers: @unchecked Sendable {
    let samples: Samples
    private let sides: [Side]

    /// Samples grouped by the row they touch on one side. Rows are counted in a table as long as the vocabulary that
    /// is all zero between batches.
    private final class Side {
        let order: UnsafeMutablePointer<UInt32>, ends: UnsafeMutablePointer<UInt32>
        let biasGradients: UnsafeMutablePointer<Float>
        let gradients: FactorTable
        var groups = 0
        private let groupOfRow: UnsafeMutablePointer<UInt32>

        init(size: Int, rows: Int, width: Int) {
            order = .allocate(capacity: size)
            ends = .allocate(capacity: size)
            biasGradients = .allocate(capacity: size)
            gradients = FactorTable(rows: size, width: width)
            groupOfRow = .allocate(capacity: max(1, rows))
            groupOfRow.initialize(repeating: 0, count: max(1, rows))
        }

        deinit {
            order.deallocate()
            ends.deallocate()
            biasGradients.deallocate()
            groupOfRow.deallocate()
        }

        /// Groups in order of first appearance, samples within one in batch order.
        func group(_ rows: UnsafeMutablePointer<UInt32>, count: Int) {
            groups = 0
            for sample in 0..<count {
                let row = Int(rows[sample])
                if groupOfRow[row] == 0 {
                    ends[groups] = 0
                    groups += 1
                    groupOfRow[row] = UInt32(groups)
                }
                ends[Int(groupOfRow[row]) - 1] += 1
            }
            var start: UInt32 = 0
            for group in 0..<groups { (ends[group], start) = (start, start + ends[group]) }
            for sample in 0..<count {
                let group = Int(groupOfRow[Int(rows[sample])]) - 1
                order[Int(ends[group])] = UInt32(sample)
                ends[group] += 1
            }
            for sample in 0..<count { groupOfRow[Int(rows[sample])] = 0 }
        }
    }

    init(size: Int, parameters: FactorParameters) {
        samples = Samples(count: size)
        sides = [parameters.users.rows, parameters.items.rows].map {
            Side(size: size, rows: $0, width: parameters.users.width)
        }
    }

    /// Copies the chosen ratings in and groups them.
    func gather(_ chosen: ArraySlice<UInt32>, from ratings: Samples) {
        for (sample, rating) in chosen.enumerated() {
            samples.users[sample] = ratings.users[Int(rating)]
            samples.items[sample] = ratings.items[Int(rating)]
            samples.values[sample] = ratings.values[Int(rating)]
        }
        sides[0].group(samples.users, count: chosen.count)
        sides[1].group(samples.items, count: chosen.count)
    }

    func describe(_ work: inout sk_adam_batch) {
        describe(sides[0], &work.sides.0)
        describe(sides[1], &work.sides.1)
    }

    private func describe(_ side: Side, _ work: inout sk_adam_side) {
        work.order = UnsafePointer(side.order)
        work.group_ends = UnsafePointer(side.ends)
        work.groups = side.groups
        work.gradients = side.gradients.base
        work.bias_gradients = side.biasGradients
    }
}
