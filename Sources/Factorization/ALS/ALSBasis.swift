import Basics
import CKernels
import Kernels

/// What all normal equations of a phase share: the other side's vectors and the matrix α₀ YᵀY, possibly in the basis of its
/// eigenvectors, where it is diagonal and a short history costs less (`sk_als_solve`).
///
/// `@unchecked Sendable`: nothing changes after `init`.
final class ALSBasis: @unchecked Sendable {
    /// `[rows × order]`: the other side's vectors, rotated where ``rotation`` is there.
    let factors: UnsafePointer<Float>
    let order: Int
    /// `[order × order]`.
    let base: UnsafeMutablePointer<Float>
    /// The same before rounding, for solutions in double precision.
    let base64: UnsafeMutablePointer<Double>?
    /// Rows are eigenvectors: a solution x' in this basis is x' · rotation in the usual one.
    let rotation: UnsafeMutablePointer<Float>?
    private let rotated: FactorTable?

    /// - Parameters:
    ///   - weight: α₀.
    ///   - rotates: whether to change to the basis of eigenvectors.
    init(
        of table: borrowing FactorTable, order: Int, weight: Double, rotates: Bool, precise: Bool,
        ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) throws {
        let gram =
            weight > 0 ? try Self.gram(of: table, order: order, ranks: ranks, workers: workers, isa: isa) : nil
        self.order = order
        base = .aligned(order * order)
        defer { gram?.deallocate() }
        if let gram { for place in 0..<order * order { gram[place] *= weight } }
        base64 = precise ? .aligned(order * order) : nil
        if let base64, let gram { base64.update(from: gram, count: order * order) }
        guard rotates, let gram, let vectors = Self.diagonalise(gram, order: order, into: base, isa: isa) else {
            if let gram { for place in 0..<order * order { base[place] = Float(gram[place]) } }
            factors = UnsafePointer(table.base)
            rotation = nil
            rotated = nil
            return
        }
        let (rotation, transposed) = (UnsafeMutablePointer<Float>.aligned(order * order), vectors.transposed)
        rotation.update(from: vectors.rows, count: order * order)
        vectors.rows.deallocate()
        let target = FactorTable(rows: table.rows, width: order)
        let (from, to, rows, chunk) = (table.base, target.base, table.rows, 1024)
        workers.forEach((rows + chunk - 1) / chunk) { part, _ in
            let range = part * chunk..<min(rows, (part + 1) * chunk)
            let scratch = UnsafeMutablePointer<Float>.aligned(32 * order)
            sk_als_rotate(
                from + range.lowerBound * order, to + range.lowerBound * order, range.count, order, transposed, scratch,
                isa.rawValue)
            scratch.deallocate()
        }
        transposed.deallocate()
        factors = UnsafePointer(target.base)
        self.rotation = rotation
        rotated = consume target
    }

    deinit {
        base.deallocate()
        base64?.deallocate()
        rotation?.deallocate()
    }

    /// YᵀY whole, in double precision: over stretches of rows, these in groups, all of which the table's size alone fixes.
    /// Each rank sums its groups; all are added in their order.
    static func gram(
        of table: borrowing FactorTable, order: Int, ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) throws -> UnsafeMutablePointer<Double> {
        let (base, stride, rows, chunk) = (table.base, table.stride, table.rows, max(4096, 16 * order))
        precondition(stride == order, "the other side has no bias to be weighed")
        let (parts, size) = ((rows + chunk - 1) / chunk, order * order)
        let groups = min(64, parts)
        let sums = UnsafeMutablePointer<Double>.aligned(groups * size)
        defer { sums.deallocate() }
        let own = ranks.part(of: groups)
        workers.forEach(own.count) { index, _ in
            let (group, sum) = (own.lowerBound + index, UnsafeMutablePointer<Float>.aligned(size))
            defer { sum.deallocate() }
            for part in groups.part(group, of: parts) {
                let range = part * chunk..<min(rows, (part + 1) * chunk)
                sum.update(repeating: 0, count: size)
                sk_als_gram(base + range.lowerBound * order, order, range.count, sum, isa.rawValue)
                for place in 0..<size { sums[group * size + place] += Double(sum[place]) }
            }
        }
        let bytes = UnsafeMutableRawBufferPointer(start: sums, count: groups * size * 8)
        try ranks.allGather(in: bytes, parts: ranks.parts(of: groups).scaled(by: size * 8))
        let gram = UnsafeMutablePointer<Double>.aligned(size)
        for row in 0..<order {
            for column in 0...row {
                let sum = (0..<groups).reduce(0.0) { $0 + sums[$1 * size + row * order + column] }
                gram[row * order + column] = sum
                gram[column * order + row] = sum
            }
        }
        return gram
    }

    /// Eigenvectors, as rows and as columns, and eigenvalues on the diagonal of `base`; nil where they cannot be found.
    private static func diagonalise(
        _ gram: UnsafePointer<Double>, order: Int, into base: UnsafeMutablePointer<Float>, isa: InstructionSet
    ) -> (rows: UnsafeMutablePointer<Float>, transposed: UnsafeMutablePointer<Float>)? {
        let size = order * order
        let (matrix, vectors) = (UnsafeMutablePointer<Double>.aligned(size), UnsafeMutablePointer<Double>.aligned(size))
        let (values, scratch) = (
            UnsafeMutablePointer<Double>.aligned(order), UnsafeMutablePointer<Double>.aligned(3 * order)
        )
        defer {
            for part in [matrix, vectors, values, scratch] { part.deallocate() }
        }
        matrix.update(from: gram, count: size)
        guard sk_eigen(matrix, order, values, vectors, scratch, isa.rawValue) == 0 else { return nil }
        let (rows, transposed) = (UnsafeMutablePointer<Float>.aligned(size), UnsafeMutablePointer<Float>.aligned(size))
        for row in 0..<order {
            // Rounding may leave a little less than 0.
            base[row * order + row] = Float(max(0, values[row]))
            for column in 0..<order {
                rows[row * order + column] = Float(vectors[row * order + column])
                transposed[column * order + row] = Float(vectors[row * order + column])
            }
        }
        return (rows, transposed)
    }
}

extension UnsafeMutablePointer where Pointee: BinaryFloatingPoint {
    /// Zeros at an address that whole vectors may be loaded from.
    static func aligned(_ count: Int) -> Self {
        let bytes = max(64, count * MemoryLayout<Pointee>.stride)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return memory.bindMemory(to: Pointee.self, capacity: count)
    }
}
