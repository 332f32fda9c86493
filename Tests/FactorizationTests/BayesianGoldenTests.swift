import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Testing

/// What the sampler draws from, against NumPy (`golden/bayes.py`).
@Suite struct BayesianGoldenTests {
    let golden: SafeTensorsFile

    init() throws { golden = try SafeTensorsFile(Files.parent(#filePath) + "/golden/bayes.safetensors") }

    func doubles(_ name: String) throws -> [Double] { try golden.tensor(name).doubles() }

    func matrix(_ name: String) throws -> SquareMatrix {
        SquareMatrix(size: try golden.tensor(name).shape[0], try doubles(name))
    }

    func posterior() throws -> NormalWishart {
        let (rows, strengths) = (try doubles("rows"), try doubles("strengths"))
        let prior = NormalWishart(
            mean: try doubles("prior.mean"), strength: strengths[0], degrees: strengths[1],
            inverseScale: try matrix("prior.inverse_scale"))
        let size = prior.mean.count
        var sum = [Double](repeating: 0, count: size)
        var scatter = SquareMatrix(size: size)
        for start in stride(from: 0, to: rows.count, by: size) {
            for i in 0..<size {
                sum[i] += rows[start + i]
                for j in 0...i { scatter[i, j] += rows[start + i] * rows[start + j] }
            }
        }
        return prior.after(count: rows.count / size, sum: sum, scatter: scatter)
    }

    @Test func theNormalWishartPosteriorIsThePapers() throws {
        let (found, strengths) = (try posterior(), try doubles("strengths"))
        #expect(found.strength == strengths[2] && found.degrees == strengths[3])
        for (one, other) in zip(found.mean, try doubles("posterior.mean")) { #expect(abs(one - other) < 1e-12) }
        for (one, other) in zip(found.inverseScale.elements, try doubles("posterior.inverse_scale")) {
            #expect(abs(one - other) < 1e-11)
        }
    }

    /// E[Λ] = νW, E[mean] = m, Cov[mean] = W⁻¹ / (β (ν − n − 1)).
    @Test func drawsHaveTheMomentsOfTheDistribution() throws {
        let from = try posterior()
        let size = from.mean.count
        var random = RandomStream(seed: 4, .test)
        let count = 40_000
        var (mean, precision) = ([Double](repeating: 0, count: size), SquareMatrix(size: size))
        var covariance = SquareMatrix(size: size)
        for _ in 0..<count {
            let draw = try from.draw(&random)
            for i in 0..<size {
                mean[i] += draw.mean[i] / Double(count)
                for j in 0..<size {
                    precision[i, j] += draw.precision[i, j] / Double(count)
                    covariance[i, j] +=
                        (draw.mean[i] - from.mean[i]) * (draw.mean[j] - from.mean[j]) / Double(count)
                }
            }
        }
        let freedom = from.strength * (from.degrees - Double(size) - 1)
        for i in 0..<size {
            let deviation = (from.inverseScale[i, i] / freedom).squareRoot()
            #expect(abs(mean[i] - from.mean[i]) < 0.03 * deviation)
            for j in 0..<size {
                let unit = (from.inverseScale[i, i] * from.inverseScale[j, j]).squareRoot() / freedom
                #expect(abs(covariance[i, j] - from.inverseScale[i, j] / freedom) < 0.05 * unit)
                // νW · W⁻¹ is ν times the identity.
                let product = (0..<size).reduce(0) { $0 + precision[i, $1] * from.inverseScale[$1, j] }
                let scale = (from.inverseScale[j, j] / from.inverseScale[i, i]).squareRoot()
                #expect(abs(product / from.degrees - (i == j ? 1 : 0)) < 0.1 * max(1, scale))
            }
        }
    }

    /// With the other side held fixed a row is Bayesian linear regression, whose posterior is known.
    @Test(arguments: InstructionSet.allCases.filter { $0 <= .best }) func aRowIsBayesianLinearRegression(
        isa: InstructionSet
    ) throws {
        let tensor = try golden.tensor("row.factors")
        let (items, width) = (tensor.shape[0], tensor.shape[1])
        let factors = FactorTable(rows: items, width: width)
        let biases = FloatColumn(count: items)
        for (place, value) in try tensor.floats().enumerated() { factors[place / width, place % width] = value }
        for (item, value) in try golden.tensor("row.biases").floats().enumerated() { biases.base[item] = value }
        let rated = try golden.tensor("row.rated").uint32s()
        let ratings = RatingRows(
            InteractionMatrix<UserRow, ItemRow>(
                offsets: [0, rated.count, rated.count], columns: rated,
                values: try golden.tensor("row.ratings").floats(),
                columnCount: items))
        let (known, priorMean) = (try doubles("row.known"), try doubles("row.prior_mean"))
        let conditional = RowConditional(
            factors: factors, biases: biases,
            prior: RowPrior(mean: priorMean, precision: try matrix("row.prior_precision")), precision: known[0],
            mean: Float(known[1]), isa: isa)
        let scratch = RowScratch(order: conditional.order, longest: rated.count)
        let (mean, covariance) = (try doubles("row.mean"), try matrix("row.covariance"))
        conditional.solve(0, of: ratings, noise: nil, scratch)
        for index in 0...width { #expect(abs(Double(scratch.solution[index]) - mean[index]) < 2e-5) }
        // A row without ratings has its prior's mean.
        conditional.solve(1, of: ratings, noise: nil, scratch)
        for index in 0...width { #expect(abs(Double(scratch.solution[index]) - priorMean[index]) < 2e-5) }

        let count = 40_000
        var sums = [Double](repeating: 0, count: width + 1)
        var products = SquareMatrix(size: width + 1)
        for draw in 0..<count {
            RandomStream(seed: 8, .test, counter: UInt64(draw * conditional.order / 4))
                .writeNormals(to: scratch.noise, count: conditional.order, isa: isa)
            conditional.solve(0, of: ratings, noise: scratch.noise, scratch)
            for i in 0...width {
                sums[i] += Double(scratch.solution[i]) - mean[i]
                for j in 0...width {
                    products[i, j] += (Double(scratch.solution[i]) - mean[i]) * (Double(scratch.solution[j]) - mean[j])
                }
            }
        }
        for i in 0...width {
            #expect(abs(sums[i]) / Double(count) < 0.03 * covariance[i, i].squareRoot())
            for j in 0...width {
                let unit = (covariance[i, i] * covariance[j, j]).squareRoot()
                #expect(abs(products[i, j] / Double(count) - covariance[i, j]) < 0.04 * unit)
            }
        }
    }
}
