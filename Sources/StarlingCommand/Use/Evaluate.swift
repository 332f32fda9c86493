import ArgumentParser
import Starling

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a trained model on interactions that it has not seen.",
        discussion: """
            Without --data it scores the run's own held-out part: test if there is one, else validation. Ranking is \
            full: every trained item is a candidate, less what the user has in training. Examples:

              starling evaluate runs/first --k 10,20
              starling evaluate runs/first --data test.csv --json
            """)

    @OptionGroup var use: UseFlags

    @Option(help: ArgumentHelp("Measure lists of these lengths, separated by commas.", valueName: "n,n"))
    var k: String = "10"

    @OptionGroup(title: "Data, in place of the run's own held-out part") var reading: ReadingFlags

    @Option(
        help: ArgumentHelp("Count held-out items as relevant from this value on. Default: all.", valueName: "value"))
    var relevantFrom: Float?

    @Flag(help: "Keep items that the user has in training among the candidates.")
    var includeSeen = false

    func run() throws {
        let cutoffs = try k.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let cutoff = Int(part), cutoff >= 1 else {
                throw StarlingError(.usage, "--k \(k) is not a list of lengths", remedy: "use --k 10,20")
            }
            return cutoff
        }
        let cancellation = Signals.cancelOnInterrupt()
        let recommender = try use.recommender()
        let part = try EvaluationPart(run: use.run, reading, recommender: recommender, cancellation)
        var metrics: [String: Double] = [:]
        if part.log.values != nil {
            let error = try PredictionError.measure(
                part.log, ranker: recommender.ranker, encoder: recommender.encoder, cancellation: cancellation)
            metrics = ["rmse": error.rmse, "mae": error.mae]
            if let spread = try spread(part.log, recommender, cancellation) {
                metrics["predictive_sd"] = spread.deviation
                metrics["within_1sd"] = spread.withinOne
                metrics["within_2sd"] = spread.withinTwo
            }
        }
        let ranking = try RankingEvaluation.evaluate(
            ranker: recommender.ranker, encoder: recommender.encoder, train: part.seen, heldOut: part.log,
            relevantFrom: relevantFrom, cutoffs: cutoffs, filterSeen: !includeSeen, cancellation: cancellation)
        metrics.merge(ranking.metrics) { $1 }
        let how = EvaluationProtocol(split: part.name, candidates: .all, filterSeen: !includeSeen)
        if use.json {
            struct Answer: Encodable {
                let `protocol`: EvaluationProtocol
                let users_evaluated: Int
                let interactions: Int
                let unknown_interactions: Int
                let metrics: [String: Double]
            }
            let answer = Answer(
                protocol: how, users_evaluated: ranking.usersEvaluated, interactions: part.log.count,
                unknown_interactions: part.unknown, metrics: metrics)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        FileHandles.standardOutput(table(metrics, cutoffs).render())
        FileHandles.standardOutput("\n" + describe(part, ranking.usersEvaluated, recommender) + "\n")
    }

    /// Of a Bayesian model: how its predictive deviations go with the ratings.
    private func spread(
        _ log: InteractionLog, _ recommender: Recommender, _ cancellation: Cancellation
    ) throws -> PredictiveSpread? {
        guard let model = recommender.encoder as? FactorModel else { return nil }
        return try model.predictions(
            of: log, history: recommender.history, workers: recommender.ranker.workers, cancellation: cancellation
        ).map { PredictiveSpread($0, of: log) }
    }

    /// Errors first, then a row a ranking metric and a column a length.
    private func table(_ metrics: [String: Double], _ cutoffs: [Int]) -> Table {
        var rows = ["rmse", "mae", "predictive_sd", "within_1sd", "within_2sd"].compactMap { name in
            metrics[name].map { [name, Numerals.fixed($0, 4)] }
        }
        let lengths = Set(cutoffs).sorted()
        for name in ["recall", "ndcg", "hit_rate", "mrr", "map", "coverage"] {
            for length in lengths {
                if let value = metrics["\(name)@\(length)"] {
                    rows.append(["\(name)@\(length)", Numerals.fixed(value, 4)])
                }
            }
        }
        return Table(header: ["metric", "value"], rows: rows)
    }

    private func describe(_ part: EvaluationPart, _ users: Int, _ recommender: Recommender) -> String {
        var text = "On \(part.name): \(Numerals.grouped(part.log.count)) interactions, "
        text += "\(Numerals.grouped(users)) users ranked among all "
        text += "\(Numerals.grouped(recommender.ranker.index.recommendableCount)) trained items"
        text += includeSeen ? ", seen ones included." : ", less those they have in training."
        if part.log.values != nil { text += " Errors are of unclipped predictions." }
        if part.unknown > 0 {
            text +=
                "\nLeft out: \(Numerals.grouped(part.unknown)) interactions of users or items that the model does not know."
        }
        return text
    }
}

/// The interactions to score, under the model's vocabularies, and what users are known to have seen.
struct EvaluationPart {
    /// As the protocol names it.
    let name: String
    let log: InteractionLog
    let seen: InteractionMatrix<UserRow, ItemRow>
    /// Interactions of users or items that the model does not have.
    var unknown = 0

    init(run: String, _ reading: ReadingFlags, recommender: Recommender, _ cancellation: Cancellation) throws {
        let folder = try ModelFolder(RunDirectory(reading: run).modelPath)
        if let data = reading.data {
            let given = try reading.read(workers: recommender.ranker.workers, cancellation: cancellation).log
            let users = given.users.rawIDs.map { recommender.users.row(of: $0) }
            let items = given.items.rawIDs.map { recommender.items.row(of: $0) }
            let known = (0..<given.count).filter {
                users[Int(given.userRows[$0])] != nil && items[Int(given.itemRows[$0])] != nil
            }
            unknown = given.count - known.count
            guard !known.isEmpty else {
                throw StarlingError(
                    .badData, "none of its \(given.count) interactions is of a user and an item that the model knows",
                    at: .init(file: data), remedy: "score data that has the ids of the training data")
            }
            name = data
            log = InteractionLog(
                users: recommender.users, items: recommender.items,
                userRows: known.map { UInt32(users[Int(given.userRows[$0])]!.index) },
                itemRows: known.map { UInt32(items[Int(given.itemRows[$0])]!.index) },
                values: given.values.map { values in known.map { values[$0] } },
                times: given.times.map { times in known.map { times[$0] } })
            seen = recommender.history
            return
        }
        let rule = folder.manifest.facts["split"]?.string ?? "none"
        let validation = try folder.heldOut(.validation)
        if let test = try folder.heldOut(.test) {
            (name, log) = (rule + " (test part)", test)
            // At test time the validation part is behind the user too.
            seen = validation.map { recommender.history.adding($0) } ?? recommender.history
        } else if let validation {
            (name, log, seen) = (rule, validation, recommender.history)
        } else {
            throw StarlingError(
                .usage, "the run has no held-out part", at: .init(file: run),
                remedy: "name interactions with --data, or train with --val-size 0.1")
        }
    }
}

extension InteractionMatrix<UserRow, ItemRow> {
    /// This history and the interactions of a log, without values.
    func adding(_ log: InteractionLog) -> Self {
        var (users, items) = (log.userRows, log.itemRows)
        for user in 0..<rowCount {
            for item in self[UserRow(user)] {
                users.append(UInt32(user))
                items.append(item)
            }
        }
        return InteractionLog(
            users: log.users, items: log.items, userRows: users, itemRows: items, values: nil, times: nil
        ).userMatrix()
    }
}
