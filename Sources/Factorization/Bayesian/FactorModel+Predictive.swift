public import Basics
public import Interactions
public import Kernels

extension FactorModel {
    /// The predictive distribution of a rating after a Bayesian model: normal.
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
    /// - Parameter history: what the model was trained on.
    /// - Throws: `interrupted` when cancelled.
    /// - Complexity: for every kept sample, building and solving the normal equations of each of the log's users.
    public func predictions(
        of log: InteractionLog, history: InteractionMatrix<UserRow, ItemRow>, workers: Workers,
        isa: InstructionSet = .best, cancellation: Cancellation? = nil
    ) throws -> [Prediction]? {
        guard let posterior, let biases else { return nil }
        let width = factors / posterior.count
        let spread = PredictiveDraws(log, history: history, factors: width, workers: workers, isa: isa)
        let scores = (0..<log.count).map { score(Int(log.userRows[$0]), Int(log.itemRows[$0])) }
        for number in 0..<posterior.count {
            if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "evaluation was stopped") }
            let sample = PosteriorSample(number, of: self, posterior, mean: biases.mean, isa: isa)
            spread.add(sample, number, mean: biases.mean, scores)
        }
        let noise = posterior.precisions.reduce(0) { $0 + 1 / $1 } / Double(posterior.count)
        return scores.indices.map { index in
            Prediction(mean: scores[index], deviation: (noise + spread.variance(index)).squareRoot())
        }
    }

    /// r̂.
    private func score(_ user: Int, _ item: Int) -> Double {
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
