import Basics
import CKernels
import Interactions
import Kernels

/// Solves rows against the other side's vectors, as they stand when it is made.
///
/// `@unchecked Sendable`: nothing changes after `init`; workers bring their own scratch.
struct ALSSolver: @unchecked Sendable {
    private let basis: ALSBasis
    private let work: sk_als_side
    private let options: ALSOptions
    private let isa: InstructionSet
    private let others: Int

    /// - Parameters:
    ///   - table: the other side's vectors, which must outlive the solver.
    ///   - biases: and biases, likewise; nil where there are none.
    ///   - rotates: whether histories are short enough for the basis of eigenvectors to pay.
    init(
        against table: borrowing FactorTable, biases: UnsafePointer<Float>?, mean: Float, options: ALSOptions,
        rotates: Bool, ranks: any Communicator = OneRank(), workers: Workers, isa: InstructionSet
    ) throws {
        self.options = options
        self.isa = isa
        others = table.rows
        let order = FactorTable.stride(options.factors + (biases == nil ? 0 : 1))
        let weight = options.weightOfAll
        let exact = options.solver == .cholesky && options.precision == .float32
        basis = try ALSBasis(
            of: table, order: order, weight: weight, rotates: rotates && exact,
            precise: options.precision == .float64, ranks: ranks, workers: workers, isa: isa)
        var work = sk_als_side()
        work.factors = basis.factors
        work.biases = biases
        work.stride = table.stride
        work.width = basis.rotation == nil ? options.factors : order
        work.order = order
        work.base = UnsafePointer(basis.base)
        work.base64 = basis.base64.map { UnsafePointer($0) }
        work.diagonal = exact && (weight == 0 || basis.rotation != nil) ? 1 : 0
        work.mean = mean
        let confidence = options.confidence
        (work.weight0, work.weight1) = (Float(confidence.weight.0), Float(confidence.weight.1))
        (work.target0, work.target1) = (Float(confidence.target.0), Float(confidence.target.1))
        self.work = work
    }

    /// The vectors of a chunk of rows, from which iterative solvers start.
    ///
    /// - Parameters:
    ///   - table: the first row's vector, and floats from one row to the next.
    ///   - biases: likewise; nil where there are none.
    func solve(
        _ side: ALSSide, chunk: Int, into table: (base: UnsafeMutablePointer<Float>, stride: Int),
        biases: (base: UnsafeMutablePointer<Float>, stride: Int)?, _ scratch: ALSScratch
    ) {
        let (rows, width, order) = (side.rows(chunk), options.factors, work.order)
        let solutions = scratch.solutions
        side.withInteractions { columns, values in
            for (place, row) in rows.enumerated() {
                let (row, x) = (Int(row), solutions + place * order)
                x.update(from: table.base + row * table.stride, count: width)
                (x + width).update(repeating: 0, count: order - width)
                if let biases { x[width] = biases.base[row * biases.stride] }
                var task = sk_als_row()
                task.columns = columns + side.first(row)
                task.values = values.map { $0 + side.first(row) }
                task.count = side.count(row)
                task.ridge = options.ridge(interactions: task.count, others: others)
                task.x = x
                (scratch.rows + place).initialize(to: task)
            }
            solve(scratch.rows, rows.count, scratch)
        }
        if let rotation = basis.rotation {
            sk_als_rotate(solutions, solutions, rows.count, order, rotation, scratch.floats, isa.rawValue)
        }
        for (place, row) in rows.enumerated() {
            let (row, x) = (Int(row), solutions + place * order)
            (table.base + row * table.stride).update(from: x, count: width)
            if let biases { biases.base[row * biases.stride] = x[width] }
        }
    }

    private func solve(_ rows: UnsafePointer<sk_als_row>, _ count: Int, _ scratch: ALSScratch) {
        withUnsafePointer(to: work) { work in
            switch options.solver {
            case .cholesky:
                for row in 0..<count {
                    if let doubles = scratch.doubles {
                        sk_als_solve64(work, rows + row, doubles)
                    } else {
                        sk_als_solve(work, rows + row, scratch.floats, isa.rawValue)
                    }
                }
            case .cg: sk_als_cg(work, rows, count, options.cgSteps, scratch.floats, isa.rawValue)
            case .subspace:
                let block = (options.blockSize + 15) / 16 * 16
                for row in 0..<count { sk_als_subspace(work, rows + row, block, scratch.floats, isa.rawValue) }
            }
        }
    }
}

/// What a worker needs to solve rows.
///
/// `@unchecked Sendable`: only its worker touches it.
final class ALSScratch: @unchecked Sendable {
    fileprivate let floats: UnsafeMutablePointer<Float>
    fileprivate let doubles: UnsafeMutablePointer<Double>?
    /// `[rows of a chunk × order]`.
    fileprivate let solutions: UnsafeMutablePointer<Float>
    fileprivate let rows: UnsafeMutablePointer<sk_als_row>

    /// One a worker, for the rows of these sides.
    static func forEach(of workers: Workers, _ sides: [ALSSide], _ options: ALSOptions) -> [ALSScratch] {
        let order = FactorTable.stride(options.factors + (options.biases ? 1 : 0))
        let (longest, widest) = (sides.map(\.longest).max() ?? 0, sides.map(\.widest).max() ?? 0)
        return (0..<workers.count).map { _ in
            ALSScratch(order: order, longest: longest, widest: widest, precise: options.precision == .float64)
        }
    }

    private init(order: Int, longest: Int, widest: Int, precise: Bool) {
        let size = sk_als_scratch(order, longest)
        floats = .aligned(size)
        doubles = precise ? .aligned(size) : nil
        solutions = .aligned(widest * order)
        rows = .allocate(capacity: max(1, widest))
    }

    deinit {
        floats.deallocate()
        doubles?.deallocate()
        solutions.deallocate()
        rows.deallocate()
    }
}
