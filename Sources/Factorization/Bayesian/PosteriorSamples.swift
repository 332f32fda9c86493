import Basics
import Formats
import Kernels

/// What a Bayesian model has beside its vectors: of each sample, α, the distribution that users come from, and items'
/// biases. With a user's history they give the distribution of the user's vector.
public final class PosteriorSamples: Sendable {
    /// Samples in the model.
    public let count: Int
    /// α of each sample.
    public let precisions: [Double]
    /// The distribution of users in each sample.
    package let priors: [RowPrior]
    /// `[items × count]`.
    package let itemBiases: [Float]

    private init(priors: [RowPrior], precisions: [Double], itemBiases: [Float]) {
        (self.priors, self.precisions, self.itemBiases) = (priors, precisions, itemBiases)
        count = priors.count
    }

    static let marker = "noise_precisions"

    /// Reads `noise_precisions [samples]`, `prior_means [samples × k + 1]`, `prior_precisions [samples × k + 1 × k + 1]`
    /// and `item_bias_samples [items × samples]`.
    convenience init(_ file: SafeTensorsFile, items: Int) throws {
        let (priors, precisions) = try Self.read(file)
        guard precisions.count == priors.count else {
            throw StarlingError(.failed, "there are not as many precisions as samples", at: .init(file: file.path))
        }
        let biases = try file.tensor("item_bias_samples").expect(.float32, shape: [items, priors.count]).floats()
        self.init(priors: priors, precisions: precisions, itemBiases: biases)
    }

    static func tensors(priors: [RowPrior], precisions: [Double]) -> [TensorSource] {
        let size = priors[0].mean.count
        return [
            TensorSource(name: marker, precisions),
            TensorSource(name: "prior_means", priors.flatMap(\.mean), shape: [priors.count, size]),
            TensorSource(
                name: "prior_precisions", priors.flatMap(\.precision.elements), shape: [priors.count, size, size]),
        ]
    }

    static func read(_ file: SafeTensorsFile) throws -> (priors: [RowPrior], precisions: [Double]) {
        let means = try file.tensor("prior_means")
        guard means.shape.count == 2 else {
            throw StarlingError(.failed, "prior_means \(means.shape) is no matrix", at: .init(file: file.path))
        }
        let (count, size) = (means.shape[0], means.shape[1])
        let mean = try means.expect(.float64, shape: means.shape).doubles()
        let precision = try file.tensor("prior_precisions").expect(.float64, shape: [count, size, size]).doubles()
        let priors = (0..<count).map { sample in
            RowPrior(
                mean: Array(mean[sample * size..<(sample + 1) * size]),
                precision: SquareMatrix(
                    size: size, Array(precision[sample * size * size..<(sample + 1) * size * size])))
        }
        let noise = try file.tensor(marker)
        return (priors, try noise.expect(.float64, shape: noise.shape).doubles())
    }
}
