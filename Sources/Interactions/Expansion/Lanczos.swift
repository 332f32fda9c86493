import Basics
import CKernels
import Kernels

/// Lanczos' process on a symmetric matrix of which only products with vectors are known: an orthonormal basis of the space
/// that the matrix spans from a random vector, in which it is tridiagonal (Golub and Van Loan, Matrix Computations, 4th ed.,
/// §10.1–10.3). Every vector is made orthogonal to all before it, so the basis stays one for as many steps as there are rows.
struct Lanczos {
    private let order: Int
    private var basis: [[Double]] = []
    private var diagonal: [Double] = []
    /// Element i stands beside `diagonal[i]` and `diagonal[i + 1]`.
    private var beside: [Double] = []
    private var random = RandomStream(seed: 0, .expansion, index: 1 << 55)

    /// - Parameter order: rows of the matrix, at least 1.
    init(order: Int) {
        self.order = order
        basis = [direction()]
    }

    var steps: Int { diagonal.count }

    /// Whether the basis spans the whole space, so that nothing is left to find.
    var isComplete: Bool { steps == order }

    /// Adds a vector to the basis.
    ///
    /// - Parameter multiply: the matrix times its argument.
    /// - Complexity: a product, and O(steps · order).
    mutating func step(workers: Workers, _ multiply: ([Double]) -> [Double]) {
        precondition(!isComplete)
        let last = basis[steps]
        var next = multiply(last)
        diagonal.append(dot(last, next))
        add(&next, -diagonal.last!, last)
        if steps > 1 { add(&next, -beside.last!, basis[steps - 2]) }
        guard !isComplete else { return }
        orthogonalise(&next, workers)
        let norm = dot(next, next).squareRoot()
        if norm > 1e-14 * diagonal.max()! {
            beside.append(norm)
            basis.append(next.map { $0 / norm })
        } else {
            // The space is closed: go on from outside of it.
            beside.append(0)
            basis.append(direction(workers))
        }
    }

    /// The greatest eigenvalues, falling, and their eigenvectors; nil if some have not settled to `tolerance` of the greatest.
    ///
    /// - Throws: `failed` if the tridiagonal matrix withstands the eigenvalue solver.
    /// - Complexity: O(steps³ + count · steps · order).
    func leading(
        _ count: Int, tolerance: Double, workers: Workers, isa: InstructionSet
    ) throws -> (values: [Double], vectors: [[Double]])? {
        var matrix = [Double](repeating: 0, count: steps * steps)
        for step in 0..<steps {
            matrix[step * (steps + 1)] = diagonal[step]
            guard step + 1 < steps else { continue }
            matrix[step * (steps + 1) + 1] = beside[step]
            matrix[(step + 1) * (steps + 1) - 1] = beside[step]
        }
        let eigen = try DenseEigen(of: matrix, order: steps, isa: isa)
        let rest = isComplete ? 0 : beside[steps - 1]
        let settled = (0..<count).allSatisfy {
            rest * abs(eigen.vector($0)[steps - 1]) <= tolerance * abs(eigen.values[0])
        }
        guard settled else { return nil }
        var vectors = [[Double]](repeating: [], count: count)
        vectors.withUnsafeMutableBufferPointer { vectors in
            workers.forEach(count) { index, _ in
                var sum = [Double](repeating: 0, count: order)
                for (weight, vector) in zip(eigen.vector(index), basis) { add(&sum, weight, vector) }
                vectors[index] = sum
            }
        }
        return (Array(eigen.values[..<count]), vectors)
    }

    /// A random vector of length 1, orthogonal to the basis.
    private mutating func direction(_ workers: Workers = Workers(threads: 1)) -> [Double] {
        var vector = (0..<order).map { _ in random.normal() }
        for _ in 0..<2 { orthogonalise(&vector, workers) }
        let norm = dot(vector, vector).squareRoot()
        return vector.map { $0 / norm }
    }

    /// Takes from a vector what it has of the basis.
    private func orthogonalise(_ vector: inout [Double], _ workers: Workers) {
        let size = 1 << 10
        var shares = [Double](repeating: 0, count: basis.count)
        shares.withUnsafeMutableBufferPointer { shares in
            let blocks = (basis.count + 15) / 16
            workers.forEach(blocks) { block, _ in
                for row in block * 16..<min(basis.count, block * 16 + 16) { shares[row] = dot(basis[row], vector) }
            }
        }
        vector.withUnsafeMutableBufferPointer { vector in
            workers.forEach((order + size - 1) / size) { block, _ in
                let range = block * size..<min(order, (block + 1) * size)
                for (share, row) in zip(shares, basis) {
                    row.withUnsafeBufferPointer { row in
                        for place in range { vector[place] -= share * row[place] }
                    }
                }
            }
        }
    }
}

/// The eigenvalues and eigenvectors of a dense symmetric matrix (`sk_eigen`).
struct DenseEigen {
    /// Falling.
    let values: [Double]
    private let order: [Int]
    private let vectors: [Double]

    /// - Throws: `failed` if the method does not converge, as where an element is not finite.
    init(of matrix: [Double], order n: Int, isa: InstructionSet) throws {
        precondition(matrix.count == n * n && n > 0)
        var (spoiled, scratch) = (matrix, [Double](repeating: 0, count: 3 * n))
        var (values, vectors) = (scratch, matrix)
        guard sk_eigen(&spoiled, n, &values, &vectors, &scratch, isa.rawValue) == 0 else {
            throw StarlingError(.failed, "the eigenvalues of a matrix of \(n) rows do not converge")
        }
        order = (0..<n).sorted { values[$0] > values[$1] }
        self.values = order.map { values[$0] }
        self.vectors = vectors
    }

    /// The eigenvector of `values[index]`, of length 1.
    func vector(_ index: Int) -> [Double] {
        let (n, row) = (order.count, order[index])
        return Array(vectors[row * n..<(row + 1) * n])
    }
}

/// The inner product.
func dot(_ a: [Double], _ b: [Double]) -> Double {
    a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in
            let (size, lanes) = (a.count, MemoryLayout<SIMD8<Double>>.size)
            var (sum, other) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
            var place = 0
            while place + 2 * lanes <= size {
                sum +=
                    a.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
                    * b.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
                other +=
                    a.loadUnaligned(fromByteOffset: place + lanes, as: SIMD8<Double>.self)
                    * b.loadUnaligned(fromByteOffset: place + lanes, as: SIMD8<Double>.self)
                place += 2 * lanes
            }
            var rest = 0.0
            while place < size {
                rest +=
                    a.loadUnaligned(fromByteOffset: place, as: Double.self)
                    * b.loadUnaligned(fromByteOffset: place, as: Double.self)
                place += 8
            }
            return (sum + other).sum() + rest
        }
    }
}

/// `y += a x`.
private func add(_ y: inout [Double], _ a: Double, _ x: [Double]) {
    x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { y in
            for place in y.indices { y[place] += a * x[place] }
        }
    }
}
