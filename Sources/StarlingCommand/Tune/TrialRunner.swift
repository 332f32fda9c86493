import Starling

/// Trains trials on data that was read and split once, and measures them on the validation part.
struct TrialRunner {
    let model: String
    let data: TrainingData
    let validation: InteractionLog
    let metric: TrialMetric
    let isa: InstructionSet
    let cancellation: Cancellation
    /// Where trials that go on in a further rung leave their checkpoints; nil keeps none.
    let checkpoints: String?
    /// Keeps account of the search.
    let tracker: (any Tracker)?

    /// Trains a trial up to so many epochs, from where its checkpoint has it.
    ///
    /// - Returns: its result; a training that fails (its loss is no number) is a result too.
    /// - Throws: `interrupted`, and what concerns more than this trial.
    func run(_ trial: Trial, rung: Int, epochs: Int, workers: Workers) throws -> TrialResult {
        let child = tracker?.child("trial \(trial.number)", parameters: trial.plan.configuration)
        do {
            let result = try train(trial, rung: rung, epochs: epochs, workers: workers, child)
            child?.end(result.value == nil ? .failed : .finished, metrics: result.metrics, tags: [:])
            return result
        } catch {
            let isInterruption = (error as? StarlingError)?.code == .interrupted
            child?.end(isInterruption ? .interrupted : .failed, metrics: [:], tags: [:])
            throw error
        }
    }

    private func train(
        _ trial: Trial, rung: Int, epochs: Int, workers: Workers, _ observer: (any TrainingObserver)?
    ) throws -> TrialResult {
        let options = Dictionary(uniqueKeysWithValues: trial.options.map { ($0.name, $0.text) })
        func result(_ value: Double?, _ metrics: [String: Double], _ seconds: Double, _ error: String?) -> TrialResult {
            TrialResult(
                trial: trial.number, rung: rung, epochs: epochs, value: value, metrics: metrics, seconds: seconds,
                options: options, error: error)
        }
        // Ranking looks at the weights alone; errors are the trainer's to measure.
        let trainer = try trial.plan.trainer(data, metric.cutoff == nil ? validation : nil, workers, isa)
        var loop = TrainingLoop(epochs: epochs)
        (loop.checkpointEvery, loop.keep) = (epochs, 1)
        do {
            let run = try checkpoints.map { folder in
                try RunDirectory(
                    training: "\(folder)/\(trial.number)",
                    as: RunRecord(
                        model: model, configuration: trial.plan.configuration,
                        data: .init(source: "", fingerprint: data.fingerprint), isa: isa.name), ifPresent: .resume)
            }
            let trained = try loop.train(
                trainer, in: run, cancellation: cancellation, observers: observer.map { [$0] } ?? [])
            let metrics = try trained.metrics.merging(ranking(trainer, workers)) { $1 }
            guard let value = metrics[metric.watched.name] else {
                throw StarlingError(
                    .usage, "training measures no \(metric.watched.name)",
                    remedy: "it measures " + metrics.keys.sorted().joined(separator: ", ")
                        + "; ranking metrics such as ndcg@20 always are")
            }
            return result(value, metrics, trained.trainSeconds, nil)
        } catch let error as StarlingError where error.code == .failed && error.what.hasPrefix("training diverged") {
            return result(nil, [:], 0, error.what)
        }
    }

    /// Forgets a trial's checkpoint.
    func forget(_ trial: Trial) throws {
        if let checkpoints { try Files.remove("\(checkpoints)/\(trial.number)") }
    }

    private func ranking(_ trainer: any EpochTrainer, _ workers: Workers) throws -> [String: Double] {
        guard let cutoff = metric.cutoff else { return [:] }
        let isTrained = data.history.columnsWithEntries
        func measured(_ items: consuming FactorTable, _ encoder: some QueryEncoder) throws -> [String: Double] {
            let index = ItemIndex(vectors: items, isRecommendable: { isTrained[$0.index] })
            return try RankingEvaluation.evaluate(
                ranker: Ranker(index: index, workers: workers, isa: isa), encoder: encoder, train: data.history,
                heldOut: validation, cutoffs: [cutoff], cancellation: cancellation
            ).metrics
        }
        if let trainer = trainer as? any RankingTrainer {
            return try measured(trainer.itemVectors(), trainer.encoder)
        }
        let model = try FactorModel(trainer.weights)
        return try measured(model.foldedItems(), model)
    }
}
