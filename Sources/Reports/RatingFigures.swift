import Basics
import Interactions
import Ranking
import Training

/// How far predicted ratings are off, for all of a held-out part and in groups, by ``PredictionError``.
struct RatingFigures {
    let all: PredictionError
    /// Of the interactions of users, and of those with items, in each bin.
    let byActivity, byPopularity: [PredictionError]

    /// - Complexity: that of measuring the part three times, and of making vectors of its users once a bin.
    /// - Throws: `interrupted` when cancelled; what the encoder throws.
    init(
        _ part: EvaluationPart, ranker: Ranker, encoder: any QueryEncoder, _ bins: RunBins, _ counts: RunCounts,
        _ cancellation: Cancellation?
    ) throws {
        func measure(_ log: InteractionLog) throws -> PredictionError {
            try PredictionError.measure(log, ranker: ranker, encoder: encoder, cancellation: cancellation)
        }
        func measure(_ count: Int, _ bin: (Int) -> Int) throws -> [PredictionError] {
            var interactions = [[Int]](repeating: [], count: count)
            for interaction in 0..<part.log.count { interactions[bin(interaction)].append(interaction) }
            return try interactions.map { try measure(part.log.selecting($0)) }
        }
        all = try measure(part.log)
        byActivity = try measure(bins.users.count) {
            bins.users.bin(of: counts.activity[Int(part.log.userRows[$0])])
        }
        byPopularity = try measure(bins.items.count) {
            bins.items.bin(of: counts.popularity[Int(part.log.itemRows[$0])])
        }
    }

    var metrics: [String: Double] { ["rmse": all.rmse, "mae": all.mae] }
}

extension PredictionError {
    /// Nil for no interactions, and where a prediction is no number.
    var shown: Double? { count > 0 && rmse.isFinite ? rmse : nil }
}
