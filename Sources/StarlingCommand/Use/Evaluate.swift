import ArgumentParser
import Starling

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a trained model on interactions that it has not seen.",
        discussion: """
            Without --data it scores the run's own held-out part: test if there is one, else validation; users who were \
            held out whole (--split held-out-users:N) by folding in 80 % of their history. Ranking is full: every trained \
            item is a candidate, less what the user has in training. --negatives adds ranking among that many random \
            items beside it. Examples:

              starling evaluate runs/first --k 10,20
              starling evaluate runs/first --data test.csv --json
              starling evaluate runs/first --negatives 100
            """)

    @OptionGroup var use: UseFlags

    @Option(help: ArgumentHelp("Measure lists of these lengths, separated by commas.", valueName: "n,n"))
    var k: String = "10"

    @OptionGroup(title: "Data, in place of the run's own held-out part") var reading: ReadingFlags

    @Option(
        help: ArgumentHelp("Count held-out items as relevant from this value on. Default: all.", valueName: "value"))
    var relevantFrom: Float?

    @Flag(help: "Keep items that the user has in training among the candidates of full ranking.")
    var includeSeen = false

    @Option(
        help: ArgumentHelp(
            "Also rank each held-out item among this many random items that the user never had.", valueName: "n"))
    var negatives: Int?

    @Option(help: ArgumentHelp("Choose the random items of --negatives.", valueName: "n"))
    var seed: UInt64 = 42

    func run() throws {
        let cutoffs = try k.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let cutoff = Int(part), cutoff >= 1 else {
                throw StarlingError(.usage, "--k \(k) is not a list of lengths", remedy: "use --k 10,20")
            }
            return cutoff
        }
        if let negatives { try requirePositive(negatives, "--negatives") }
        let cancellation = Signals.cancelOnInterrupt()
        let (folder, recommender) = try use.opened()
        let part = try part(folder, recommender, cancellation)
        var metrics: [String: Double] = [:]
        if recommender.predictsRatings, part.log.values != nil {
            let error = try PredictionError.measure(
                part.log, ranker: recommender.ranker, encoder: part.encoder, cancellation: cancellation)
            metrics = ["rmse": error.rmse, "mae": error.mae]
            if let spread = try spread(part, recommender, cancellation) {
                metrics["predictive_sd"] = spread.deviation
                metrics["within_1sd"] = spread.withinOne
                metrics["within_2sd"] = spread.withinTwo
            }
        }
        let ranking = try RankingEvaluation.evaluate(
            ranker: recommender.ranker, encoder: part.encoder, train: part.seen, heldOut: part.log,
            relevantFrom: relevantFrom, cutoffs: cutoffs, filterSeen: !includeSeen, cancellation: cancellation)
        metrics.merge(ranking.metrics) { $1 }
        let sampled = try negatives.map { negatives in
            let sampled = try SampledRanking.evaluate(
                ranker: recommender.ranker, encoder: part.encoder, train: part.seen, heldOut: part.log,
                relevantFrom: relevantFrom, cutoffs: cutoffs, negatives: negatives, seed: seed,
                cancellation: cancellation)
            return EvaluationReport.Sampled(
                protocol: EvaluationProtocol(split: part.name, candidates: .negatives(negatives)), seed: seed,
                interactions: sampled.interactions, metrics: sampled.metrics)
        }
        let report = EvaluationReport(
            protocol: EvaluationProtocol(split: part.name, candidates: .all, filterSeen: !includeSeen),
            users_evaluated: ranking.usersEvaluated, interactions: part.log.count - part.unknownItemInteractions,
            unknown_interactions: part.unknownUserInteractions + part.unknownItemInteractions,
            unknown_item_interactions: part.unknownItemInteractions, metrics: metrics, sampled: sampled)
        FileHandles.standardOutput(
            try use.json
                ? JSON.text(report) + "\n"
                : report.text(cutoffs, trained: recommender.ranker.index.recommendableCount))
    }

    /// Of a Bayesian model: how its predictive deviations go with the ratings.
    private func spread(
        _ part: EvaluationPart, _ recommender: Recommender, _ cancellation: Cancellation
    ) throws -> PredictiveSpread? {
        guard let model = part.encoder as? FactorModel else { return nil }
        // Other data may have items that the model does not know.
        let known = part.log.itemRows.indices.filter { part.log.itemRows[$0] < model.itemFactors.rows }
        let log = part.log.selecting(known)
        return try model.predictions(
            of: log, history: try recommender.history, workers: recommender.ranker.workers, cancellation: cancellation
        ).map { PredictiveSpread($0, of: log) }
    }

    private func part(
        _ folder: ModelFolder, _ recommender: Recommender, _ cancellation: Cancellation
    ) throws -> EvaluationPart {
        guard let shown = reading.shownSource else { return try EvaluationPart(heldOutOf: folder, recommender) }
        let given = try reading.read(workers: recommender.ranker.workers, cancellation: cancellation).log
        return try EvaluationPart(given, named: shown, heldOutOf: folder, recommender)
    }
}
