import Basics
import Formats
import Kernels

/// The samples that make up a Bayesian model, while it is trained.
///
/// `@unchecked Sendable`: workers write disjoint rows.
final class KeptSamples: @unchecked Sendable {
    /// k.
    private let width: Int
    /// Samples so far, and in the end.
    private(set) var count = 0
    let capacity: Int
    /// `[rows × capacity·k]`: a row's vectors one behind the other.
    private let users: FactorTable, items: FactorTable
    /// `[users]`: sums of a user's biases; `[items × capacity]`: an item's biases by sample.
    private var userBiases: [Double]
    private let itemBiases: FactorTable
    /// Of each sample: α, and the distribution of users.
    private var precisions: [Double] = []
    private var priors: [RowPrior] = []

    init(users: Int, items: Int, options: BayesianMFOptions) {
        (width, capacity) = (options.factors, options.keepSamples)
        self.users = FactorTable(rows: users, width: width * capacity)
        self.items = FactorTable(rows: items, width: width * capacity)
        userBiases = [Double](repeating: 0, count: users)
        itemBiases = FactorTable(rows: items, width: capacity)
    }

    /// Keeps a sample: items as they are, and users as `meanOfUser` gives them (factors, then bias).
    ///
    /// - Parameter parts: the chunks of users that each rank asks for.
    func add(
        items side: BayesianSide, prior: RowPrior, precision: Double, parts: [Range<Int>], ranks: any Communicator,
        workers: Workers, meanOfUser: (_ user: Int, _ worker: Int) -> UnsafePointer<Float>
    ) throws {
        let (place, width) = (count * width, width)
        userBiases.withUnsafeMutableBufferPointer { biases in
            let biases = biases.baseAddress!
            let chunk = RowScratch.chunk
            let own = parts[ranks.rank]
            workers.forEach(own.count) { index, worker in
                let part = own.lowerBound + index
                for user in part * chunk..<min(users.rows, (part + 1) * chunk) {
                    let solution = meanOfUser(user, worker)
                    (users.base + user * users.stride + place).update(from: solution, count: width)
                    biases[user] += Double(solution[width])
                }
            }
        }
        try share(parts, ranks)
        for item in 0..<items.rows {
            (items.base + item * items.stride + place)
                .update(from: side.factors.base + item * side.factors.stride, count: width)
            itemBiases[item, count] = side.biases.base[item]
        }
        precisions.append(precision)
        priors.append(prior)
        count += 1
    }

    /// Gives every rank the others' users of the newest sample.
    private func share(_ parts: [Range<Int>], _ ranks: any Communicator) throws {
        guard ranks.size > 1 else { return }
        func rows(_ part: Range<Int>) -> Range<Int> {
            min(users.rows, part.lowerBound * RowScratch.chunk)..<min(users.rows, part.upperBound * RowScratch.chunk)
        }
        let place = count * width
        var vectors: [Float] = []
        for user in rows(parts[ranks.rank]) { vectors += self.users.row(user)[place..<place + width] }
        let allVectors = try vectors.withUnsafeBufferPointer { try ranks.gathered($0) }
        let allBiases = try userBiases[rows(parts[ranks.rank])].withUnsafeBufferPointer { try ranks.gathered($0) }
        for (rank, part) in parts.enumerated() where rank != ranks.rank {
            for (index, user) in rows(part).enumerated() {
                userBiases[user] = allBiases[rank][index]
                for column in 0..<width { self.users[user, place + column] = allVectors[rank][index * width + column] }
            }
        }
    }

    /// The model: `user_factors` and `item_factors [rows × count·k]`, the latter over the number of samples, so that p·q
    /// is the mean over samples; mean biases; and what predictive deviations are made from.
    func weights(mean: Float) -> [TensorSource] {
        let count = count
        return [
            rows("user_factors", of: users, width: count * width, scale: 1),
            rows("item_factors", of: items, width: count * width, scale: 1 / Float(count)),
            TensorSource(name: "user_biases", userBiases.map { Float($0 / Double(count)) }),
            TensorSource(
                name: "item_biases",
                (0..<items.rows).map { item in
                    Float((0..<count).reduce(0.0) { $0 + Double(itemBiases[item, $1]) } / Double(count))
                }),
            TensorSource(name: "global_mean", [mean], shape: []),
        ] + PosteriorSamples.tensors(priors: priors, precisions: precisions)
            + [rows("item_bias_samples", of: itemBiases, width: count, scale: 1)]
    }

    /// What ``weights(mean:)`` has rounded away.
    var state: [TensorSource] {
        [
            rows("kept.item_factors", of: items, width: count * width, scale: 1),
            TensorSource(name: "kept.user_biases", userBiases),
        ]
    }

    func restore(weights: SafeTensorsFile, state: SafeTensorsFile) throws {
        let items = try state.tensor("kept.item_factors")
        try items.expect(.float32, shape: [self.items.rows, items.shape.last ?? 0])
        count = items.shape[1] / width
        userBiases = try state.tensor("kept.user_biases").expect(.float64, shape: [users.rows]).doubles()
        guard count > 0 else { return }
        try take(items, into: self.items)
        try take(
            weights.tensor("user_factors").expect(.float32, shape: [users.rows, count * width]), into: users)
        try take(
            weights.tensor("item_bias_samples").expect(.float32, shape: [self.items.rows, count]), into: itemBiases)
        (priors, precisions) = try PosteriorSamples.read(weights)
    }

    private func take(_ tensor: TensorView, into table: borrowing FactorTable) throws {
        let (values, width) = (try tensor.floats(), tensor.shape[1])
        values.withUnsafeBufferPointer { values in
            for row in 0..<table.rows {
                (table.base + row * table.stride).update(from: values.baseAddress! + row * width, count: width)
            }
        }
    }

    /// The first `width` columns of a table, times `scale`.
    private func rows(
        _ name: String, of table: borrowing FactorTable, width: Int, scale: Float
    ) -> TensorSource {
        let (base, stride, rows) = (table.base, table.stride, table.rows)
        return TensorSource(name: name, elementType: .float32, shape: [rows, width]) { [self] sink in
            try withExtendedLifetime(self) {
                guard width > 0 else { return }
                for row in 0..<rows {
                    let scaled = (0..<width).map { base[row * stride + $0] * scale }
                    try scaled.withUnsafeBytes(sink)
                }
            }
        }
    }
}
