import Basics
package import Kernels

/// The small matrix of a fractal expansion: for each block of the result the share of the source that it keeps.
///
/// Algorithm 2 of Belletti et al. (2019, “Scalable Realistic Recommendation Datasets through Fractal Expansions”): the leading
/// singular vectors of the source are shrunk to as many elements as the factor has rows and columns, as an image is resized,
/// made orthonormal again (the nearest orthonormal columns, `X (XᵀX)^-½`), and multiplied out with the source's singular
/// values, so that the factor has those; magnitudes are then divided by the greatest. As in the program that made MLPerf's
/// ml-20mx16x32, resizing interpolates between two neighbours and does not smooth. Unlike there, each singular value goes with
/// its own vectors, as in the paper (the program pairs the greatest value with the vectors of the least), and rates are not
/// kept within 0.01…0.95.
package struct KroneckerFactor: Sendable {
    package let rows: Int
    package let columns: Int
    /// Within 0…1, `[rows × columns]`.
    package let rates: [Double]

    package init(rows: Int, columns: Int, rates: [Double]) {
        precondition(rates.count == rows * columns)
        (self.rows, self.columns, self.rates) = (rows, columns, rates)
    }

    /// - Parameter svd: of the source, with as many values as the shorter side of the factor is long.
    /// - Throws: `failed` if the eigenvalue solver gives up.
    /// - Complexity: O(k² · (rows + columns) + k · rows · columns), k the number of values.
    package init(reducing svd: TruncatedSVD, rows: Int, columns: Int, isa: InstructionSet) throws {
        let count = svd.values.count
        precondition(count == min(rows, columns))
        let left = try Self.orthonormal(svd.left.map { Self.resized($0, to: rows) }, isa)
        let right = try Self.orthonormal(svd.right.map { Self.resized($0, to: columns) }, isa)
        var product = [Double](repeating: 0, count: rows * columns)
        for index in 0..<count {
            for row in 0..<rows {
                let weight = svd.values[index] * left[index][row]
                for column in 0..<columns { product[row * columns + column] += weight * right[index][column] }
            }
        }
        let greatest = product.reduce(0) { max($0, abs($1)) }
        self.init(rows: rows, columns: columns, rates: product.map { abs($0) / greatest })
    }

    /// The part of `rows · columns` copies of the source that is kept.
    package var mean: Double { rates.reduce(0, +) / Double(rates.count) }

    /// Falling, `[min(rows, columns)]`.
    ///
    /// - Throws: `failed` if the eigenvalue solver gives up.
    package func singularValues(isa: InstructionSet) throws -> [Double] {
        let isWide = rows < columns
        let vectors = (0..<min(rows, columns)).map { short in
            (0..<max(rows, columns)).map { isWide ? rates[short * columns + $0] : rates[$0 * columns + short] }
        }
        return try DenseEigen(of: Self.gram(vectors), order: vectors.count, isa: isa).values.map {
            max(0, $0).squareRoot()
        }
    }

    /// Every rate times one number, and 1 where that is more, so that `copies` times the source are kept; nil where more is asked
    /// for than all rates above 0 can give.
    package func scaled(toKeep copies: Double) -> KroneckerFactor? {
        let falling = rates.filter { $0 > 0 }.sorted(by: >)
        guard copies <= Double(falling.count) else { return nil }
        var rest = falling.reduce(0, +)
        // With so many of the greatest at 1, the others share what is left.
        for (full, rate) in falling.enumerated() {
            let scale = (copies - Double(full)) / rest
            if rate * scale <= 1 {
                return KroneckerFactor(rows: rows, columns: columns, rates: rates.map { min(1, $0 * scale) })
            }
            rest -= rate
        }
        return KroneckerFactor(rows: rows, columns: columns, rates: rates.map { $0 > 0 ? 1 : 0 })
    }

    /// The factor of some rows and columns alone.
    package func selecting(rows chosenRows: [Int], columns chosenColumns: [Int]) -> KroneckerFactor {
        KroneckerFactor(
            rows: chosenRows.count, columns: chosenColumns.count,
            rates: chosenRows.flatMap { row in chosenColumns.map { rates[row * columns + $0] } })
    }

    /// Values at evenly spaced places, linear between neighbours: element i of n stands at (i + ½) / n.
    private static func resized(_ vector: [Double], to count: Int) -> [Double] {
        (0..<count).map { index in
            let place = (Double(index) + 0.5) * Double(vector.count) / Double(count) - 0.5
            let inside = min(max(place, 0), Double(vector.count - 1))
            let low = Int(inside)
            let share = inside - Double(low)
            return vector[low] * (1 - share) + vector[min(low + 1, vector.count - 1)] * share
        }
    }

    /// The orthonormal vectors that are nearest to `vectors`; those that depend on others vanish.
    private static func orthonormal(_ vectors: [[Double]], _ isa: InstructionSet) throws -> [[Double]] {
        let count = vectors.count
        let eigen = try DenseEigen(of: gram(vectors), order: count, isa: isa)
        var result = vectors.map { [Double](repeating: 0, count: $0.count) }
        for index in 0..<count where eigen.values[index] > 1e-14 * eigen.values[0] {
            let (axis, length) = (eigen.vector(index), eigen.values[index].squareRoot())
            var along = [Double](repeating: 0, count: vectors[0].count)
            for (weight, vector) in zip(axis, vectors) {
                for place in along.indices { along[place] += weight / length * vector[place] }
            }
            for (weight, row) in zip(axis, result.indices) {
                for place in along.indices { result[row][place] += weight * along[place] }
            }
        }
        return result
    }

    /// All inner products, `[vectors × vectors]`.
    private static func gram(_ vectors: [[Double]]) -> [Double] {
        vectors.flatMap { one in vectors.map { dot(one, $0) } }
    }
}
