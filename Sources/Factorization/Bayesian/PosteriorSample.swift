import Kernels

/// One sample of a Bayesian model: its items, and the distribution of a user's vector given ratings of them.
final class PosteriorSample {
    let items: FactorTable
    let itemBiases: FloatColumn
    let conditional: RowConditional

    /// - Complexity: O(items × k).
    init(_ number: Int, of model: FactorModel, _ posterior: PosteriorSamples, mean: Float, isa: InstructionSet) {
        let (rows, width, scale) = (model.itemFactors.rows, model.factors / posterior.count, Float(posterior.count))
        let items = FactorTable(rows: rows, width: width)
        let itemBiases = FloatColumn(count: rows)
        for item in 0..<rows {
            let row = items.row(item)
            for column in 0..<width { row[column] = scale * model.itemFactors[item, number * width + column] }
            itemBiases.base[item] = posterior.itemBiases[item * posterior.count + number]
        }
        conditional = RowConditional(
            factors: items, biases: itemBiases, prior: posterior.priors[number],
            precision: posterior.precisions[number], mean: mean, isa: isa)
        self.items = items
        self.itemBiases = itemBiases
    }
}
