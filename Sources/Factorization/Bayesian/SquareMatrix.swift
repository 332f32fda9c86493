import Basics

/// A small dense matrix in double precision, row-major, for the hyperparameters of ``BayesianMF``.
package struct SquareMatrix: Sendable, Equatable {
    package let size: Int
    /// `[size × size]`.
    package var elements: [Double]

    package init(size: Int) {
        self.size = size
        elements = [Double](repeating: 0, count: size * size)
    }

    package init(size: Int, _ elements: [Double]) {
        precondition(elements.count == size * size)
        self.size = size
        self.elements = elements
    }

    package static func identity(_ size: Int) -> SquareMatrix {
        var matrix = SquareMatrix(size: size)
        for index in 0..<size { matrix[index, index] = 1 }
        return matrix
    }

    package subscript(row: Int, column: Int) -> Double {
        get { elements[row * size + column] }
        set { elements[row * size + column] = newValue }
    }

    /// The lower triangular L of A = L Lᵀ; reads the lower triangle alone.
    ///
    /// - Throws: `failed` where the matrix is not positive definite, which numbers beyond 32-bit floats lead to.
    /// - Complexity: size³ / 3.
    package func cholesky() throws -> SquareMatrix {
        var factor = SquareMatrix(size: size)
        for row in 0..<size {
            for column in 0...row {
                var sum = self[row, column]
                for inner in 0..<column { sum -= factor[row, inner] * factor[column, inner] }
                if row == column {
                    guard sum > 0, sum.isFinite else {
                        throw StarlingError(
                            .failed, "sampling broke down: a covariance is no longer positive definite",
                            remedy: "bring the ratings to a range such as 1 to 5")
                    }
                    factor[row, row] = sum.squareRoot()
                } else {
                    factor[row, column] = sum / factor[column, column]
                }
            }
        }
        return factor
    }

    /// x of Tᵀ x = b, where T is this lower triangle.
    package func solveTransposedLower(_ b: [Double]) -> [Double] {
        var x = b
        for row in stride(from: size - 1, through: 0, by: -1) {
            x[row] /= self[row, row]
            let value = x[row]
            for above in 0..<row { x[above] -= self[row, above] * value }
        }
        return x
    }

    /// This lower triangle times a vector.
    package func lowerTimes(_ vector: [Double]) -> [Double] {
        (0..<size).map { row in (0...row).reduce(0) { $0 + self[row, $1] * vector[$1] } }
    }

    package func times(_ vector: [Double]) -> [Double] {
        (0..<size).map { row in (0..<size).reduce(0) { $0 + self[row, $1] * vector[$1] } }
    }

    /// A Aᵀ.
    package func timesTransposed() -> SquareMatrix {
        var product = SquareMatrix(size: size)
        for row in 0..<size {
            for column in 0...row {
                var sum = 0.0
                for inner in 0..<size { sum += self[row, inner] * self[column, inner] }
                product[row, column] = sum
                product[column, row] = sum
            }
        }
        return product
    }
}
