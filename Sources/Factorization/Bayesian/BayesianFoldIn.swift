import Basics
public import Interactions
public import Kernels
public import Ranking

/// Vectors of people who were not in training, after a Bayesian model: in each kept sample the mean of the person's
/// distribution given their ratings, which is what the model has of its own users.
public final class BayesianFoldIn: HistoryEncoder {
    private let model: FactorModel
    private let posterior: PosteriorSamples
    private let mean: Float
    private let workers: Workers
    private let isa: InstructionSet
    private lazy var samples = (0..<posterior.count).map {
        PosteriorSample($0, of: model, posterior, mean: mean, isa: isa)
    }

    /// Nil for a model without samples.
    ///
    /// - Complexity: O(1); the first history takes O(items × factors) besides.
    public init?(_ model: FactorModel, workers: Workers, isa: InstructionSet = .best) {
        guard let posterior = model.posterior, let biases = model.biases else { return nil }
        (self.model, self.posterior, mean) = (model, posterior, biases.mean)
        (self.workers, self.isa) = (workers, isa.ofFloats)
    }

    public var dimensions: Int { model.dimensions }

    public func encode(_ users: [UserRow], into table: borrowing FactorTable) { model.encode(users, into: table) }

    /// - Throws: `badData` for histories without ratings.
    /// - Complexity: O(samples × (ratings × k² + histories × k³)), k being the factors of a sample.
    public func encode(
        _ histories: InteractionMatrix<UserRow, ItemRow>, into table: borrowing FactorTable
    ) throws {
        try FoldIn.requireRatings(histories)
        precondition(histories.columnCount == model.itemFactors.rows, "the histories are of other items")
        precondition(table.rows >= histories.rowCount && table.width == dimensions)
        let ratings = RatingRows(histories)
        let (samples, mean) = (samples, mean)
        let (factors, width) = (model.factors, model.factors / samples.count)
        let scratch = (0..<workers.count).map { _ in
            RowScratch(order: RowConditional.order(factors: width), longest: ratings.longest)
        }
        let (base, stride, chunk) = (table.base, table.stride, RowScratch.chunk)
        workers.forEach((ratings.count + chunk - 1) / chunk) { part, worker in
            for row in part * chunk..<min(ratings.count, (part + 1) * chunk) {
                let (target, solution) = (base + row * stride, scratch[worker].solution)
                var bias = 0.0
                for (number, sample) in samples.enumerated() {
                    sample.conditional.solve(row, of: ratings, noise: nil, scratch[worker])
                    (target + number * width).update(from: solution, count: width)
                    bias += Double(solution[width])
                }
                (target[factors], target[factors + 1]) = (mean + Float(bias / Double(samples.count)), 1)
            }
        }
    }
}
