package import Kernels

/// A normal distribution of a side's rows: what ``NormalWishart`` is a distribution of.
package struct RowPrior: Sendable, Equatable {
    package var mean: [Double]
    /// Λ, the inverse of the covariance.
    package var precision: SquareMatrix
}

/// The conjugate distribution of a normal distribution's mean and precision:
/// Λ ~ Wishart(ν, W), mean ~ N(m, (βΛ)⁻¹). Salakhutdinov & Mnih 2008, “Bayesian probabilistic matrix factorization using
/// Markov chain Monte Carlo”, equations 7 and 14.
package struct NormalWishart: Sendable, Equatable {
    /// m.
    package let mean: [Double]
    /// β: how many observations the mean counts for.
    package let strength: Double
    /// ν.
    package let degrees: Double
    /// W⁻¹.
    package let inverseScale: SquareMatrix

    /// What is known before any row is seen, as in the paper: m = 0, β = 2, ν = n, W the identity.
    package init(dimensions: Int) {
        self.init(
            mean: [Double](repeating: 0, count: dimensions), strength: 2, degrees: Double(dimensions),
            inverseScale: .identity(dimensions))
    }

    package init(mean: [Double], strength: Double, degrees: Double, inverseScale: SquareMatrix) {
        self.mean = mean
        self.strength = strength
        self.degrees = degrees
        self.inverseScale = inverseScale
    }

    /// After `count` rows, given by their sum and the lower triangle of Σ x xᵀ.
    package func after(count: Int, sum: [Double], scatter: SquareMatrix) -> NormalWishart {
        let total = strength + Double(count)
        let centre = zip(mean, sum).map { (strength * $0 + $1) / total }
        var inverse = inverseScale
        for row in 0..<mean.count {
            for column in 0...row {
                let value =
                    inverseScale[row, column] + scatter[row, column] + strength * mean[row] * mean[column]
                    - total * centre[row] * centre[column]
                inverse[row, column] = value
                inverse[column, row] = value
            }
        }
        return NormalWishart(
            mean: centre, strength: total, degrees: degrees + Double(count), inverseScale: inverse)
    }

    /// One mean and precision.
    ///
    /// With W⁻¹ = C Cᵀ and Bartlett's lower triangle B (normal below the diagonal, roots of χ² on it), G = C⁻ᵀ B gives
    /// Λ = G Gᵀ, and m + C B⁻ᵀ z / √β a mean of covariance (βΛ)⁻¹.
    ///
    /// - Throws: `failed` where W is no covariance.
    /// - Complexity: O(n³).
    package func draw(_ random: inout RandomStream) throws -> RowPrior {
        let size = mean.count
        let root = try inverseScale.cholesky()
        var bartlett = SquareMatrix(size: size)
        for row in 0..<size {
            for column in 0..<row { bartlett[row, column] = random.normal() }
            bartlett[row, row] = random.chiSquared(degrees: degrees - Double(row)).squareRoot()
        }
        var factor = SquareMatrix(size: size)
        for column in 0..<size {
            let solved = root.solveTransposedLower((0..<size).map { bartlett[$0, column] })
            for row in 0..<size { factor[row, column] = solved[row] }
        }
        let spread = root.lowerTimes(bartlett.solveTransposedLower((0..<size).map { _ in random.normal() }))
        let scale = 1 / strength.squareRoot()
        return RowPrior(mean: zip(mean, spread).map { $0 + scale * $1 }, precision: factor.timesTransposed())
    }
}
