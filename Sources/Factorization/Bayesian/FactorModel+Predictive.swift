public import Basics
public import Interactions
public import Kernels

extension FactorModel {
    /// The predictive distribution of a rating: normal, after a Bayesian model.
    public struct Prediction: Sendable, Equatable {
        /// The score.
        public let mean: Double
        /// √(the ratings' own variance + the variance of r̂ over samples).
        public let deviation: Double
    }

    /// Predictions of a log's interactions with their standard deviations, in the log's order; nil for a model without
    /// samples.
    ///
    /// The model has each user's mean in each sample; here each user of the log is drawn from its distribution again, given
    /// `history`, so that the deviation has all of the posterior's spread. Draws are a function of user row and sample.
    /// An item that nobody rated in training stands at its distribution's mean: its own spread is left out.
    ///
    /// - Parameters:
    ///   - history: what the model was trained on.
    /// - Throws: `interrupted` when cancelled.
    /// - Complexity: for every kept sample, building and solving the normal equations of each of the log's users.
    public func predictions(
        of log: InteractionLog, history: InteractionMatrix<UserRow, ItemRow>, workers: Workers,
        isa: InstructionSet = .best, cancellation: Cancellation? = nil
    ) throws -> [Prediction]? {
        guard let posterior, let biases, posterior.count > 0 else { return nil }
        let ratings = RatingRows(history)
        let wanted = RatingRows(log.userMatrix())
        let people = (0..<wanted.count).filter { wanted.offsets[$0] < wanted.offsets[$0 + 1] }
        let width = factors / posterior.count
        // By place in `wanted`: sums of r̂ and of its square.
        let sums = FloatColumn(count: 2 * log.count)
        let sample = FactorTable(rows: itemFactors.rows, width: width)
        let itemBiases = FloatColumn(count: itemFactors.rows)
        let order = RowConditional.order(factors: width)
        let scratch = (0..<workers.count).map { _ in RowScratch(order: order, longest: ratings.longest) }
        let scale = Float(posterior.count)
        for number in 0..<posterior.count {
            if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "evaluation was stopped") }
            for item in 0..<itemFactors.rows {
                let row = sample.row(item)
                for column in 0..<width { row[column] = scale * itemFactors[item, number * width + column] }
                itemBiases.base[item] = posterior.itemBiases[item * posterior.count + number]
            }
            let conditional = RowConditional(
                factors: sample, biases: itemBiases, prior: posterior.priors[number],
                precision: posterior.precisions[number], mean: biases.mean, isa: isa)
            let (base, stride) = (sample.base, sample.stride)
            workers.forEach((people.count + 31) / 32) { part, worker in
                let scratch = scratch[worker]
                for user in people[part * 32..<min(people.count, (part + 1) * 32)] {
                    RandomStream(seed: 0, .noise, index: UInt64(number), counter: UInt64(user * order / 4))
                        .writeNormals(to: scratch.noise, count: order, isa: isa)
                    conditional.solve(user, of: ratings, noise: scratch.noise, scratch)
                    for entry in wanted.offsets[user]..<wanted.offsets[user + 1] {
                        let item = Int(wanted.columns[entry])
                        var score = biases.mean + scratch.solution[width] + itemBiases.base[item]
                        for column in 0..<width { score += scratch.solution[column] * base[item * stride + column] }
                        // Around the score, where squares are small.
                        score -= Float(self.score(user, item))
                        sums.base[2 * entry] += score
                        sums.base[2 * entry + 1] += score * score
                    }
                }
            }
        }
        let count = Double(posterior.count)
        let noise = posterior.precisions.reduce(0) { $0 + 1 / $1 } / count
        // The matrix's order of the log's interactions: by user, then item, ties as in the log.
        let places = (0..<log.count).sorted {
            (log.userRows[$0], log.itemRows[$0], $0) < (log.userRows[$1], log.itemRows[$1], $1)
        }
        var found = [Prediction](repeating: Prediction(mean: 0, deviation: 0), count: log.count)
        for (entry, index) in places.enumerated() {
            let mean = Double(sums.base[2 * entry]) / count
            let spread = (Double(sums.base[2 * entry + 1]) / count - mean * mean) * count / max(1, count - 1)
            found[index] = Prediction(
                mean: score(Int(log.userRows[index]), Int(log.itemRows[index])),
                deviation: (noise + max(0, spread)).squareRoot())
        }
        return found
    }

    /// r̂.
    func score(_ user: Int, _ item: Int) -> Double {
        let (p, q) = (userFactors.row(user), itemFactors.row(item))
        var sum = biases.map { Double($0.mean) + Double($0.users[user]) + Double($0.items[item]) } ?? 0
        for column in 0..<factors { sum += Double(p[column]) * Double(q[column]) }
        return sum
    }
}

/// How well predictive deviations go with ratings that were held out.
public struct PredictiveSpread: Sendable, Equatable {
    /// The mean predictive standard deviation.
    public let deviation: Double
    /// The shares of ratings within one and two deviations of their predictions: 0.683 and 0.954 where errors are normal
    /// and deviations right.
    public let withinOne: Double, withinTwo: Double

    /// - Parameter predictions: of the log's interactions, in its order.
    public init(_ predictions: [FactorModel.Prediction], of log: InteractionLog) {
        precondition(predictions.count == log.count)
        let count = Double(max(1, log.count))
        let errors = predictions.indices.map { abs(predictions[$0].mean - Double(log.value($0))) }
        deviation = predictions.reduce(0) { $0 + $1.deviation } / count
        withinOne = Double(predictions.indices.count { errors[$0] <= predictions[$0].deviation }) / count
        withinTwo = Double(predictions.indices.count { errors[$0] <= 2 * predictions[$0].deviation }) / count
    }
}
