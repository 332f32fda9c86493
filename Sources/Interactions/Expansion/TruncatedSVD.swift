package import Basics
package import Kernels

/// The leading singular triplets of a sparse matrix whose entries all count as 1: `A ≈ Σ σᵢ uᵢ vᵢᵀ`.
///
/// Lanczos' method on the Gram matrix of the shorter side, in 64-bit floats. Nothing depends on the number of threads.
/// Of singular values that are exactly equal some may be missed.
package struct TruncatedSVD: Sendable {
    /// Falling, `[count]`.
    package let values: [Double]
    /// The vectors on the side of the rows, `[count][rows]`, of length 1; zeros where the value is 0.
    package let left: [[Double]]
    /// Those on the side of the columns, `[count][columns]`.
    package let right: [[Double]]

    /// - Parameters:
    ///   - count: 1 to the shorter side's length.
    ///   - tolerance: of the squares of the values, in units of the greatest.
    ///   - progress: told of the steps done; how many there will be is not known.
    /// - Throws: `interrupted` when cancelled; `failed` if the eigenvalue solver gives up.
    /// - Complexity: O(steps · entries + steps² · shorter side + steps³), steps some three times `count`; memory of 8 · steps ·
    ///   shorter side, beside another copy of the matrix.
    package init<Row, Column>(
        of matrix: InteractionMatrix<Row, Column>, count: Int, tolerance: Double = 1e-13, workers: Workers,
        isa: InstructionSet, cancellation: Cancellation? = nil, progress: (_ steps: Int) -> Void = { _ in }
    ) throws {
        precondition(count >= 1 && count <= min(matrix.rowCount, matrix.columnCount))
        let transposed = matrix.transposed(workers: workers)
        let rows = PairRows(offsets: matrix.offsets, columns: matrix.columns)
        let columns = PairRows(offsets: transposed.offsets, columns: transposed.columns)
        let isTall = rows.rowCount >= columns.rowCount
        let (long, short) = isTall ? (rows, columns) : (columns, rows)
        var lanczos = Lanczos(order: short.rowCount)
        var between = [Double](repeating: 0, count: long.rowCount)
        var next = 2 * count + 32
        var found: (values: [Double], vectors: [[Double]])?
        while found == nil {
            lanczos.step(workers: workers) { vector in
                long.multiply(vector, into: &between, workers: workers)
                var product = [Double](repeating: 0, count: short.rowCount)
                short.multiply(between, into: &product, workers: workers)
                return product
            }
            if cancellation?.isCancelled == true {
                throw StarlingError(.interrupted, "stopped while decomposing the source")
            }
            progress(lanczos.steps)
            guard lanczos.steps >= next || lanczos.isComplete else { continue }
            found = try lanczos.leading(
                count, tolerance: lanczos.isComplete ? .infinity : tolerance, workers: workers, isa: isa)
            next += (next + 2) / 3
        }
        let values = found!.values.map { max(0, $0).squareRoot() }
        let vectors = found!.vectors
        var others = [[Double]](repeating: [], count: count)
        others.withUnsafeMutableBufferPointer { others in
            workers.forEach(count) { index, _ in
                let product = long.times(vectors[index])
                // Beyond the rank nothing but rounding is left.
                let isThere = values[index] > 1e-7 * values[0]
                others[index] = product.map { isThere ? $0 / values[index] : 0 }
            }
        }
        self.values = values
        (left, right) = isTall ? (others, vectors) : (vectors, others)
    }
}
