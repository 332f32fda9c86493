import Basics

/// One call of ``TrainingLoop/train(_:in:cancellation:observers:)``.
final class TrainingSession {
    private let loop: TrainingLoop
    private let trainer: any EpochTrainer
    private let run: RunDirectory?
    private let store: CheckpointStore?
    private let ranks: any Communicator
    /// Whether there is a run, and a store, on rank 0.
    private let keeps: (run: Bool, checkpoints: Bool)
    private let cancellation: Cancellation
    private let observers: [any TrainingObserver]
    private var state = TrainingState()
    private var lastWritten: CheckpointName?

    private var watched: WatchedMetric? { loop.keepBest ?? loop.earlyStopping?.metric }

    init(
        loop: TrainingLoop, trainer: any EpochTrainer, run: RunDirectory?, store: CheckpointStore?,
        ranks: any Communicator,
        keeps: (run: Bool, checkpoints: Bool), cancellation: Cancellation, observers: [any TrainingObserver]
    ) {
        self.loop = loop
        self.trainer = trainer
        self.run = run
        self.store = store
        self.ranks = ranks
        self.keeps = keeps
        self.cancellation = cancellation
        self.observers = observers
    }

    func train() throws -> TrainingResult {
        try resume()
        tell(.started(epochs: loop.epochs, resumed: lastWritten))
        while state.finishedEpochs < loop.epochs && !state.isStopped {
            if try ranks.any(cancellation.isCancelled) { throw interruption() }
            try trainEpoch(state.finishedEpochs + 1)
        }
        let result = try conclude()
        tell(.finished(result))
        return result
    }

    private func tell(_ event: TrainingEvent) {
        for observer in observers { observer.receive(event) }
    }

    private func resume() throws {
        guard keeps.run else { return }
        let newest = try ranks.together {
            guard let run, let store else { return nil as Checkpoint? }
            if Files.exists(store.path) { try Files.removeLeftovers(in: store.path) }
            let newest = try store.newestGood(warn: { tell(.warning($0)) })
            if let newest {
                try check(newest, run.record)
            } else if try !store.names().isEmpty {
                tell(.warning("no checkpoint of the run can be used; training starts from the beginning"))
            }
            return newest
        }
        if let checkpoint = try Checkpoint.shared(newest, ranks) {
            try ranks.together {
                try trainer.restore(weights: checkpoint.weights, optimizer: checkpoint.optimizer)
            }
            state = checkpoint.state.training
            lastWritten = checkpoint.name
        }
        try ranks.together { try run?.replaceMetrics(by: state.epochs) }
    }

    private func check(_ checkpoint: Checkpoint, _ record: RunRecord) throws {
        let differences = RunRecord.differences(
            stored: checkpoint.state.configuration, asked: record.configuration)
        guard checkpoint.state.model == record.model, differences.isEmpty else {
            throw StarlingError(
                .usage,
                "the checkpoint belongs to another training: "
                    + (differences.isEmpty ? "model \(checkpoint.state.model)" : differences.joined(separator: "; ")),
                at: .init(file: checkpoint.path), remedy: "replace the run with --overwrite")
        }
        let (before, now) = (checkpoint.state.isa, record.versions.isa)
        if before != now {
            tell(
                .warning(
                    "the run was trained with \(before) and goes on with \(now): weights will differ in the last bits; "
                        + "STARLING_ISA=\(before) keeps them the same"))
        }
    }

    private func trainEpoch(_ epoch: Int) throws {
        let watch = Stopwatch()
        var loss: Double?
        let outcome = try trainer.train(epoch: epoch, cancellation: cancellation) { progress in
            if let notice = progress.notice { return tell(.warning(notice)) }
            loss = progress.loss
            tell(.progress(epoch: epoch, progress))
        }
        switch outcome {
        case .finished(let metrics, let seconds):
            let isBest = try state.finish(
                metrics: metrics, seconds: seconds, watching: watched, loop.earlyStopping)
            let isLast = epoch == loop.epochs || state.isStopped
            if isLast || isBest || epoch % loop.checkpointEvery == 0 { try checkpoint(epochIsComplete: true) }
            try ranks.together { try run?.append(state.epochs.last!) }
            tell(.epochFinished(state.epochs.last!, isBest: isBest))
        case .interrupted:
            // Weights that are no numbers must not become the newest checkpoint.
            if try ranks.any(loss?.isFinite == false) { throw TrainingState.diverged("the loss", loss ?? .nan, epoch) }
            state.partialSeconds += watch.seconds
            if keeps.run { try checkpoint(epochIsComplete: false) }
            throw interruption()
        }
    }

    private func checkpoint(epochIsComplete: Bool) throws {
        guard keeps.checkpoints else { return }
        let name = try trainer.onFirstRank(of: ranks) { weights, optimizer in
            let (store, record) = (store!, run?.record)
            let name = try store.write(
                CheckpointState(
                    model: record?.model ?? "", configuration: record?.configuration ?? [:],
                    isa: record?.versions.isa ?? "", training: state, epochIsComplete: epochIsComplete),
                weights: weights, optimizer: optimizer)
            tell(.checkpointWritten(name))
            try store.prune(after: name, keep: loop.keep, best: state.best?.epoch)
            return "\(name)"
        }
        lastWritten = CheckpointName(name)
    }

    /// The checkpoint may be older than the weights when `checkpointEvery` is above 1 and the flag went up
    /// between two epochs; then one is written.
    private func interruption() -> any Error {
        let epoch = state.finishedEpochs + 1
        do {
            if keeps.run, state.partialSeconds == 0, state.finishedEpochs > 0,
                lastWritten != CheckpointName(epochs: state.finishedEpochs)
            {
                try checkpoint(epochIsComplete: true)
            }
        } catch {
            return error
        }
        tell(.interrupted(epoch: epoch))
        return StarlingError(
            .interrupted, "stopped in epoch \(epoch) of \(loop.epochs)",
            remedy: keeps.run ? "--resume goes on from here" : nil)
    }

    private func conclude() throws -> TrainingResult {
        var shown = state.epochs.last
        if loop.earlyStopping != nil, let best = state.best, best.epoch != state.finishedEpochs {
            do {
                let own = try ranks.together { try store?.open(CheckpointName(epochs: best.epoch)) }
                let checkpoint = try Checkpoint.shared(own, ranks)!
                try ranks.together {
                    try trainer.restore(weights: checkpoint.weights, optimizer: checkpoint.optimizer)
                }
                shown = state.epochs[best.epoch - 1]
            } catch {
                tell(.warning("the weights of epoch \(best.epoch), the best, cannot be used; the last stay: \(error)"))
            }
        }
        return TrainingResult(
            epochs: state.epochs, metrics: shown?.metrics ?? [:], bestEpoch: state.best?.epoch,
            trainSeconds: state.epochs.reduce(0) { $0 + $1.seconds },
            weightsSHA256: try trainer.onFirstRank(of: ranks) { weights, _ in try WeightsDigest.sha256(weights) })
    }
}
