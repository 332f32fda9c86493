package import Interactions

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How long rows' histories are, as so many rows of each length.
package struct HistoryLengths: Sendable, Equatable {
    package var lengths: [(length: Double, rows: Double)]
    /// Of all rows.
    package let rows, interactions: Double

    package init(_ lengths: [(length: Double, rows: Double)]) {
        self.lengths = lengths
        rows = lengths.reduce(0) { $0 + $1.rows }
        interactions = lengths.reduce(0) { $0 + $1.rows * $1.length }
    }

    /// Log-normal ones of a mean, by a standard deviation of the logarithm that users and items of public data have about
    /// (users of MovieLens 1.1 to 1.4); none is longer than the other side has rows.
    package init(rows: Int, interactions: Int, others: Int, spread: Double = 1.2) {
        let mean = Double(interactions) / Double(rows)
        let parts = stride(from: -3.75, through: 3.75, by: 0.25).map { z in
            (length: min(Double(others), max(1, exp(spread * z))), weight: exp(-z * z / 2))
        }
        let weights = parts.reduce(0) { $0 + $1.weight }
        // The factor that makes the mean what it is, whatever the limits cut off.
        var scale = mean
        for _ in 0..<20 {
            let found = parts.reduce(0) { $0 + $1.weight * min(Double(others), max(1, scale * $1.length)) } / weights
            scale *= mean / found
        }
        self.init(
            parts.map {
                (min(Double(others), max(1, scale * $0.length)), Double(rows) * $0.weight / weights)
            })
    }

    /// Those of a matrix's rows.
    package init<Row, Column>(_ matrix: InteractionMatrix<Row, Column>) {
        self.init((0..<matrix.rowCount).map { (Double(matrix.offsets[$0 + 1] - matrix.offsets[$0]), 1) })
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.lengths.elementsEqual(right.lengths) { $0 == $1 }
    }
}

/// Multiply-adds of solving one side of ALS.
package struct ALSWork: Sendable, Equatable {
    /// For interactions and for rows besides, whose rates differ (``MachineConstants/Solve``).
    package var interactions = 0.0, rows = 0.0
    /// For matrices that conjugate gradients add up first, at the rate of interactions solved exactly.
    package var matrices = 0.0
    /// Whether the other side is turned to the basis of the Gramian's eigenvectors.
    package var isRotated = false

    /// Exactly, by Cholesky: a history of n costs n k²/2 and k³/6. Of n ≤ ⅝ k, where the Gramian is diagonal, its dual costs
    /// w² k/2 + 30 w k and w³/6, w being n rounded up to 16. With implicit feedback the Gramian is made diagonal if that pays by
    /// the trainer's own reckoning, which counts 6 w k.
    ///
    /// - Parameter order: k, floats of a row.
    package static func cholesky(
        _ lengths: HistoryLengths, order: Int, others: Int, isImplicit: Bool
    ) -> ALSWork {
        let k = Double(order)
        var (primal, dual, saved) = (ALSWork(), ALSWork(), 0.0)
        for (n, count) in lengths.lengths {
            let long = (n * k * k / 2, k * k * k / 6)
            let w = (n / 16).rounded(.up) * 16
            let isShort = n <= k * 5 / 8
            let short = isShort ? (w * w * k / 2 + 30 * w * k, w * w * w / 6) : long
            (primal.interactions, primal.rows) = (primal.interactions + count * long.0, primal.rows + count * long.1)
            (dual.interactions, dual.rows) = (dual.interactions + count * short.0, dual.rows + count * short.1)
            if isShort { saved += count * (long.0 + long.1 - w * w * k / 2 - 6 * w * k - short.1) }
        }
        guard isImplicit else { return dual }
        guard saved > 60 * k * k * k + (Double(others) + lengths.rows) * k * k else { return primal }
        dual.isRotated = true
        return dual
    }

    /// By steps of conjugate gradients: each, and the one that begins, costs 2 n k and k². A history of more than 2¹⁷ floats,
    /// and of fewer than a 64th of the other side's rows, costs n k²/2 for its matrix instead of 2 n k a step, where
    /// k ≤ 32 (steps + 1); see `sk_als_cg`.
    package static func cg(_ lengths: HistoryLengths, order: Int, others: Int, steps: Int) -> ALSWork {
        let (k, passes) = (Double(order), Double(steps + 1))
        var work = ALSWork(rows: passes * k * k * lengths.rows)
        for (n, count) in lengths.lengths {
            if n * k > 131_072, n < Double(others) / 64, order <= 32 * (steps + 1) {
                work.matrices += count * n * k * k / 2
            } else {
                work.interactions += passes * 2 * k * count * n
            }
        }
        return work
    }
}
