/// The eigenvalues and eigenvectors of a real symmetric matrix, by Jacobi's method with rotations in a fixed order (Golub and
/// Van Loan, Matrix Computations, 4th ed., §8.5).
package struct SymmetricEigen {
    /// Falling, `[n]`.
    package let values: [Double]
    /// Row i belongs to `values[i]` and has length 1; `[n × n]`. Its element of greatest magnitude is positive, the first of
    /// equals.
    package let vectors: [[Double]]

    /// - Parameter matrix: `[n × n]`, symmetric, finite.
    /// - Complexity: O(n³) a sweep; sweeps are about ten.
    package init(of matrix: [[Double]]) {
        let n = matrix.count
        precondition(matrix.allSatisfy { $0.count == n })
        var (a, v) = (Square(n), Square(n))
        for row in 0..<n {
            for column in 0..<n { a.elements[a.place(row, column)] = matrix[row][column] }
            v.elements[v.place(row, row)] = 1
        }
        // Convergence is quadratic at the end: far fewer sweeps are needed than are allowed.
        for _ in 0..<60 where !a.isDiagonal { Self.sweep(&a, &v) }
        let diagonal = (0..<n).map { a.elements[a.place($0, $0)] }
        let order = (0..<n).sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
        values = order.map { diagonal[$0] }
        vectors = order.map { row in
            let vector = Array(v.elements[v.place(row, 0)..<v.place(row, n)])
            var greatest = 0.0
            for element in vector where abs(element) > abs(greatest) { greatest = element }
            return greatest < 0 ? vector.map { -$0 } : vector
        }
    }

    /// Makes each element of `a` beside the diagonal zero once. Rows of `v` are the vectors.
    private static func sweep(_ a: inout Square, _ v: inout Square) {
        let n = a.n
        for p in 0..<n {
            for q in p + 1..<max(n, p + 1) where a.elements[a.place(p, q)] != 0 {
                let (app, aqq) = (a.elements[a.place(p, p)], a.elements[a.place(q, q)])
                let apq = a.elements[a.place(p, q)]
                let theta = (aqq - app) / (2 * apq)
                let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                let c = 1 / (t * t + 1).squareRoot()
                a.rotate(p, q, c, t * c)
                v.rotate(p, q, c, t * c)
                a.mirror(p, q)
                a.elements[a.place(p, p)] = app - t * apq
                a.elements[a.place(q, q)] = aqq + t * apq
                a.elements[a.place(p, q)] = 0
                a.elements[a.place(q, p)] = 0
            }
        }
    }
}

/// A matrix whose rows lie so far apart that a column of it does not fall into few lines of the cache.
private struct Square {
    let n: Int
    let stride: Int
    var elements: [Double]

    init(_ n: Int) {
        self.n = n
        stride = n + 8
        elements = [Double](repeating: 0, count: n * stride)
    }

    func place(_ row: Int, _ column: Int) -> Int { row * stride + column }

    /// Whether what stands beside the diagonal is lost in the rounding of the whole.
    var isDiagonal: Bool {
        var (all, off) = (0.0, 0.0)
        for row in 0..<n {
            for column in 0..<n {
                let square = elements[place(row, column)] * elements[place(row, column)]
                all += square
                if row != column { off += square }
            }
        }
        return off <= 1e-30 * all
    }

    /// Turns rows p and q by the angle of cosine `c` and sine `s`.
    mutating func rotate(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
        elements.withUnsafeMutableBufferPointer { elements in
            let (p, q) = (elements.baseAddress! + p * stride, elements.baseAddress! + q * stride)
            for column in 0..<n {
                let (x, y) = (p[column], q[column])
                p[column] = c * x - s * y
                q[column] = s * x + c * y
            }
        }
    }

    /// Makes columns p and q what the rows are, but for their own four elements.
    mutating func mirror(_ p: Int, _ q: Int) {
        elements.withUnsafeMutableBufferPointer { elements in
            for row in 0..<n where row != p && row != q {
                elements[row * stride + p] = elements[p * stride + row]
                elements[row * stride + q] = elements[q * stride + row]
            }
        }
    }
}
