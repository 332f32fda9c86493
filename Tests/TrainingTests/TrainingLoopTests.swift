import Basics
import Formats
import Testing
import Training

@Suite struct TrainingLoopTests {
    private func undisturbed(epochs: Int = 4) throws -> TrainingResult {
        try TrainingLoop(epochs: epochs).train(FakeTrainer())
    }

    @Test func trainsAllEpochs() throws {
        let folder = try Folder()
        let run = try RunDirectory(training: folder.path + "/run", as: record())
        let listener = Listener()
        let result = try TrainingLoop(epochs: 4).train(FakeTrainer(), in: run, observers: [listener])
        #expect(result == (try undisturbed()))
        #expect(result.epochs.map(\.epoch) == [1, 2, 3, 4])
        #expect(result.trainSeconds == 1)
        #expect(result.bestEpoch == nil)
        #expect(listener.epochs == [1, 2, 3, 4])
        #expect(try run.metrics() == result.epochs)
        #expect(try CheckpointStore(run.checkpointsPath).names().map(\.description) == ["000003", "000004"])
        #expect(run.record.status == .running)
        let line = try Files.readText(run.metricsPath).split(separator: "\n")[1]
        #expect(line == #"{"epoch":2,"seconds":0.25,"train_loss":0.98,"val_rmse":1.48}"#)
    }

    /// Cancelled after every number of blocks, with a new trainer each time, weights end the same.
    @Test(arguments: 1...20) func resumesToTheSameBits(blocks: Int) throws {
        let folder = try Folder()
        let path = folder.path + "/run"
        do {
            let run = try RunDirectory(training: path, as: record(), ifPresent: .resume)
            let trainer = FakeTrainer()
            trainer.cancelAfter = blocks
            let error = failure { _ = try TrainingLoop(epochs: 4).train(trainer, in: run) }
            #expect(error?.code == (blocks < 20 ? .interrupted : nil))
            #expect(run.record.status == (blocks < 20 ? .interrupted : .running))
        }
        let run = try RunDirectory(training: path, as: record(), ifPresent: .resume)
        let listener = Listener()
        let result = try TrainingLoop(epochs: 4).train(FakeTrainer(), in: run, observers: [listener])
        #expect(listener.resumed.first??.epochs == blocks / 5)
        #expect(result.weightsSHA256 == (try undisturbed().weightsSHA256))
        #expect(result.epochs.map(\.epoch) == [1, 2, 3, 4])
        #expect(try run.metrics() == result.epochs)
        // What was spent on the interrupted epoch counts.
        #expect(result.trainSeconds >= 1)
    }

    /// Interrupted again and again, one block a time.
    @Test func resumesManyTimes() throws {
        let folder = try Folder()
        let path = folder.path + "/run"
        var result: TrainingResult?
        var attempts = 0
        while result == nil {
            let run = try RunDirectory(training: path, as: record(), ifPresent: .resume)
            let trainer = FakeTrainer()
            trainer.cancelAfter = 1
            var loop = TrainingLoop(epochs: 4)
            loop.keep = 1
            result = try? loop.train(trainer, in: run)
            attempts += 1
            try #require(attempts < 30)
        }
        #expect(attempts == 20)
        #expect(result?.weightsSHA256 == (try undisturbed().weightsSHA256))
    }

    @Test func checkpointsSeldom() throws {
        let folder = try Folder()
        let run = try RunDirectory(training: folder.path + "/run", as: record(epochs: 7))
        var loop = TrainingLoop(epochs: 7)
        loop.checkpointEvery = 3
        let listener = Listener()
        _ = try loop.train(FakeTrainer(), in: run, observers: [listener])
        #expect(listener.checkpoints.map(\.epochs) == [3, 6, 7])
        // A flag raised between two epochs loses nothing either.
        let other = try RunDirectory(training: folder.path + "/other", as: record(epochs: 7))
        let trainer = FakeTrainer()
        trainer.cancelAfter = 20
        #expect(failure { _ = try loop.train(trainer, in: other) }?.code == .interrupted)
        #expect(try CheckpointStore(other.checkpointsPath).names().map(\.epochs) == [3, 4])
    }

    @Test func stopsEarlyWithTheBestWeights() throws {
        let folder = try Folder()
        var loop = TrainingLoop(epochs: 20)
        loop.earlyStopping = EarlyStopping(metric: WatchedMetric("val_rmse"), patience: 3)
        func trainer() -> FakeTrainer {
            let trainer = FakeTrainer()
            trainer.turningPoint = 4
            return trainer
        }
        let run = try RunDirectory(training: folder.path + "/run", as: record(epochs: 20))
        let result = try loop.train(trainer(), in: run)
        #expect(result.epochs.count == 7)
        #expect(result.bestEpoch == 4)
        #expect(result.metrics["val_rmse"] == 0.5)
        #expect(result.weightsSHA256 == (try undisturbed(epochs: 4).weightsSHA256))
        #expect(
            try CheckpointStore(run.checkpointsPath).names().map(\.description) == ["000004", "000006", "000007"])
        // Without a run the same comes out, and nothing is left behind.
        #expect(try loop.train(trainer()) == result)
        // Taken up again before it was marked as finished: nothing is trained, the result is the same.
        let listener = Listener()
        #expect(try loop.train(trainer(), in: run, observers: [listener]) == result)
        #expect(listener.epochs.isEmpty)
    }

    @Test func divergenceKeepsTheLastGoodCheckpoint() throws {
        let folder = try Folder()
        let run = try RunDirectory(training: folder.path + "/run", as: record())
        let trainer = FakeTrainer()
        trainer.lossOf = { $0 == 3 ? .nan : 1 }
        let error = failure { _ = try TrainingLoop(epochs: 4).train(trainer, in: run) }
        #expect(error?.code == .failed)
        #expect(error?.what == "training diverged: train_loss of epoch 3 is not a number")
        #expect(run.record.status == .failed)
        #expect(try CheckpointStore(run.checkpointsPath).names().last?.epochs == 2)
        #expect(try run.metrics().count == 2)
        // Interrupted while the loss is no number: such weights are not kept.
        let other = try RunDirectory(training: folder.path + "/other", as: record())
        trainer.cancelAfter = 0
        trainer.lossOf = { _ in .infinity }
        #expect(failure { _ = try TrainingLoop(epochs: 4).train(trainer, in: other) }?.code == .failed)
        #expect(try CheckpointStore(other.checkpointsPath).names().isEmpty)
    }

    @Test func unknownMetricIsRefused() throws {
        var loop = TrainingLoop(epochs: 4)
        loop.keepBest = WatchedMetric("val_ndcg@10")
        let error = failure { _ = try loop.train(FakeTrainer()) }
        #expect(error?.code == .usage)
        #expect(error?.remedy == "use one of train_loss, val_rmse")
    }

    @Test func aFailingTrainerMarksTheRun() throws {
        let folder = try Folder()
        let run = try RunDirectory(training: folder.path + "/run", as: record())
        let trainer = FakeTrainer()
        trainer.failAfter = 7
        #expect(failure { _ = try TrainingLoop(epochs: 4).train(trainer, in: run) }?.what == "the machine melted")
        #expect(run.record.status == .failed)
        let resumed = try TrainingLoop(epochs: 4).train(FakeTrainer(), in: run)
        #expect(resumed.weightsSHA256 == (try undisturbed().weightsSHA256))
    }

    @Test func anotherInstructionSetIsWarnedOf() throws {
        let folder = try Folder()
        var other = record()
        other.versions.isa = "baseline"
        do {
            let run = try RunDirectory(training: folder.path + "/run", as: other)
            let trainer = FakeTrainer()
            trainer.cancelAfter = 7
            _ = try? TrainingLoop(epochs: 4).train(trainer, in: run)
        }
        let run = try RunDirectory(training: folder.path + "/run", as: record(), ifPresent: .resume)
        let listener = Listener()
        _ = try TrainingLoop(epochs: 4).train(FakeTrainer(), in: run, observers: [listener])
        #expect(listener.warnings.count == 1 && listener.warnings[0].contains("STARLING_ISA=baseline"))
    }
}
