import Basics
public import Interactions
public import Kernels
public import Ranking

/// Vectors of people who were not in training, by least squares: the exact minimum of the loss of
/// ``AlternatingLeastSquares`` over the person's vector (and bias), from their whole history and the items' vectors as they
/// stand. For a user of the training data it is the step that the next iteration would take.
///
/// ```swift
/// let lists = try recommender.recommend(for: recommender.histories(parsing: ["50:5,181:4"]), count: 10)
/// ```
public final class FoldIn: HistoryEncoder {
    private let model: FactorModel
    private let options: ALSOptions
    private let workers: Workers
    private let isa: InstructionSet
    private lazy var solver = Result {
        try ALSSolver(
            against: model.itemFactors, biases: model.itemBiases, mean: model.biases?.mean ?? 0, options: options,
            rotates: false, workers: workers, isa: isa)
    }

    /// - Parameter options: those that the model was trained with.
    /// - Complexity: O(1); the first history takes O(items × factors²) besides.
    public init(_ model: FactorModel, options: ALSOptions, workers: Workers, isa: InstructionSet = .best) {
        self.model = model
        self.workers = workers
        var options = options
        options.solver = .cholesky
        self.options = options
        self.isa = isa.ofFloats
    }

    static func requireRatings(_ histories: InteractionMatrix<UserRow, ItemRow>) throws {
        guard histories.values != nil else {
            throw StarlingError(
                .badData, "the history has no ratings, and the model fits ratings",
                remedy: "give each item its rating, as in 10:4.5,25:3")
        }
    }

    public var dimensions: Int { model.dimensions }

    public func encode(_ users: [UserRow], into table: borrowing FactorTable) { model.encode(users, into: table) }

    /// - Throws: `badData` for what training refuses: negative confidences, and histories without ratings where the model
    ///   fits ratings.
    /// - Complexity: O(interactions × factors² + histories × factors³).
    public func encode(
        _ histories: InteractionMatrix<UserRow, ItemRow>, into table: borrowing FactorTable
    ) throws {
        if options.feedback == .explicit { try Self.requireRatings(histories) }
        if options.feedback == .implicit, let negative = histories.values?.first(where: { $0 < 0 }) {
            throw StarlingError(
                .badData, "the history has the value \(negative), and confidence cannot be negative",
                remedy: "leave such an item out")
        }
        precondition(histories.columnCount == model.itemFactors.rows, "the histories are of other items")
        precondition(table.rows >= histories.rowCount && table.width == dimensions)
        let (side, solver) = (ALSSide(histories), try solver.get())
        let scratch = ALSScratch.forEach(of: workers, [side], options)
        let (base, stride, factors, biases) = (table.base, table.stride, model.factors, model.biases)
        for row in 0..<histories.rowCount { table.row(row).update(repeating: 0) }
        workers.forEach(side.chunks) { chunk, worker in
            // A bias has the place behind the factors.
            solver.solve(
                side, chunk: chunk, into: (base, stride), biases: biases.map { _ in (base + factors, stride) },
                scratch[worker])
            guard let biases else { return }
            for row in side.rows(chunk) {
                let target = base + Int(row) * stride + factors
                (target[0], target[1]) = (biases.mean + target[0], 1)
            }
        }
    }
}
