import CKernels
package import Kernels

/// The distribution of one side's rows (factors, bias) given the other side's: each row by itself is normal, with
/// precision A = Λ + α Σ y yᵀ and mean A⁻¹ (Λm + α Σ (r − μ − b) y) over its ratings r of rows y = (factors, 1) and
/// biases b: the normal equations of ALS (`sk_als_solve`).
///
/// `@unchecked Sendable`: nothing changes after `init`.
package final class RowConditional: @unchecked Sendable {
    private let base: FactorTable
    private let linear: FactorTable
    private var side = sk_als_side()
    private let isa: InstructionSet
    /// k + 1, rounded up to whole vectors: floats in a solution and in its noise.
    package let order: Int

    /// - Parameters:
    ///   - factors: of the other side, `[rows × k]`; it and `biases` have to live as long as this.
    ///   - precision: α.
    package init(
        factors: borrowing FactorTable, biases: FloatColumn, prior: RowPrior, precision: Double, mean: Float,
        isa: InstructionSet
    ) {
        let size = factors.width + 1
        precondition(prior.mean.count == size)
        order = Self.order(factors: factors.width)
        base = FactorTable(rows: order, width: order)
        linear = FactorTable(rows: 1, width: order)
        self.isa = isa
        for row in 0..<order {
            for column in 0..<order {
                base[row, column] = row < size && column < size ? Float(prior.precision[row, column]) : 0
            }
        }
        for (row, value) in prior.precision.times(prior.mean).enumerated() { linear.base[row] = Float(value) }
        side.factors = UnsafePointer(factors.base)
        side.biases = UnsafePointer(biases.base)
        side.stride = factors.stride
        side.width = factors.width
        side.order = order
        side.base = UnsafePointer(base.base)
        side.mean = mean
        side.weight0 = Float(precision)
        side.target1 = Float(precision)
    }

    package static func order(factors: Int) -> Int { FactorTable.stride(factors + 1) }

    /// Σ (r − r̂)² over a row's ratings, the row being the scratch's solution.
    func squares(_ row: Int, of ratings: RatingRows, _ scratch: RowScratch) -> Double {
        var side = side
        let offset = side.mean + scratch.solution[side.width]
        return ratings.withRow(row) { columns, values, count in
            var task = sk_als_row()
            (task.columns, task.count, task.x) = (columns, count, scratch.solution)
            let scores = scratch.work
            sk_als_scores(&side, &task, scores, isa.rawValue)
            return (0..<count).reduce(0) { sum, entry in
                let error = Double(values[entry] - offset - scores[entry])
                return sum + error * error
            }
        }
    }

    /// Writes a row's mean, or with `noise` a draw, to the scratch's solution: factors, bias, rest.
    package func solve(
        _ row: Int, of ratings: RatingRows, noise: UnsafePointer<Float>?, _ scratch: RowScratch
    ) {
        var side = side
        ratings.withRow(row) { columns, values, count in
            var system = sk_als_row()
            (system.columns, system.values, system.count) = (columns, values, count)
            system.linear = UnsafePointer(linear.base)
            system.noise = noise
            system.x = scratch.solution
            sk_als_solve(&side, &system, scratch.work, isa.rawValue)
        }
    }
}

/// A worker's memory for rows of one order.
///
/// `@unchecked Sendable`: one worker has it at a time.
package final class RowScratch: @unchecked Sendable {
    /// Rows whose noise is made at once, and which a worker takes at once.
    package static let chunk = 32
    private let memory: FactorTable
    /// `[order]`.
    package let solution: UnsafeMutablePointer<Float>
    /// `[chunk × order]`.
    package let noise: UnsafeMutablePointer<Float>
    let work: UnsafeMutablePointer<Float>

    package init(order: Int, longest: Int) {
        let sizes = [order, Self.chunk * order, sk_als_scratch(order, longest)].map(FactorTable.stride)
        memory = FactorTable(rows: 1, width: sizes.reduce(0, +))
        solution = memory.base
        noise = solution + sizes[0]
        work = noise + sizes[1]
    }
}
