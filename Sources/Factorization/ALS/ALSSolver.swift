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
        rotates: Bool, workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.isa = isa
        others = table.rows
        let order = FactorTable.stride(options.factors + (biases == nil ? 0 : 1))
        let weight = options.weightOfAll
        let exact = options.solver == .cholesky && options.precision == .float32
        basis = ALSBasis(
            of: table, order: order, weight: weight, rotates: rotates && exact,
            precise: options.precision == .float64, workers: workers, isa: isa)
        var work = sk_als_side()
        work.factors = basis.factors
        work.biases = biases
        work.stride = table.stride
        work.width = options.factors
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

    /// The vector of a row with these interactions, into `factors` and `bias`, from which iterative solvers start.
    func solve(
        _ columns: UnsafePointer<UInt32>, _ values: UnsafePointer<Float>?, _ count: Int,
        into factors: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?, _ scratch: ALSScratch
    ) {
        var row = sk_als_row()
        row.columns = columns
        row.values = values
        row.count = count
        row.ridge = options.ridge(interactions: count, others: others)
        row.x = scratch.solution
        let width = options.factors
        scratch.solution.update(repeating: 0, count: work.order)
        scratch.solution.update(from: factors, count: width)
        if let bias { scratch.solution[width] = bias.pointee }
        withUnsafePointer(to: work) { work in
            switch options.solver {
            case .cholesky:
                if let doubles = scratch.doubles {
                    sk_als_solve64(work, &row, doubles)
                } else {
                    sk_als_solve(work, &row, scratch.floats, isa.rawValue)
                }
            case .cg: sk_als_cg(work, &row, options.cgSteps, scratch.floats, isa.rawValue)
            case .subspace:
                sk_als_subspace(work, &row, (options.blockSize + 15) / 16 * 16, scratch.floats, isa.rawValue)
            }
        }
        var solution = scratch.solution
        if let rotation = basis.rotation {
            sk_als_rotate(solution, scratch.rotated, 1, work.order, rotation, scratch.floats, isa.rawValue)
            solution = scratch.rotated
        }
        factors.update(from: solution, count: width)
        bias?.pointee = solution[width]
    }
}
