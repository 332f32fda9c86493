import Basics
import Factorization
import Formats
import Foundation
import Interactions
import Kernels
import Testing
import Training

/// `train bpmf`: it learns, knows how sure it is, and comes to the same bits at any thread count and after any stop.
@Suite struct BayesianTrainerTests {
    static let log = randomRatings(users: 230, items: 110, density: 0.15, seed: 1)

    static func options(burnIn: Int = 3, samples: Int = 6, keep: Int = 3) -> BayesianMFOptions {
        var options = BayesianMFOptions()
        options.factors = 5
        (options.burnIn, options.samples, options.keepSamples) = (burnIn, samples, keep)
        return options
    }

    static func parts() throws -> (train: InteractionLog, validation: InteractionLog) {
        let parts = try log.split(.random(validation: 0.1, test: 0), seed: 1)
        return (parts.train, try #require(parts.validation))
    }

    static func trainer(_ options: BayesianMFOptions, threads: Int = 2) throws -> any EpochTrainer {
        let parts = try parts()
        return try BayesianMF.trainer(
            on: parts.train, validation: parts.validation, options: options, workers: Workers(threads: threads))
    }

    static func train(_ options: BayesianMFOptions, threads: Int) throws -> (String, [[String: Double]]) {
        let result = try TrainingLoop(epochs: options.epochs).train(trainer(options, threads: threads))
        return (result.weightsSHA256, result.epochs.map(\.metrics))
    }

    /// The planted structure has rank 1 and noise of deviation 0.3.
    @Test func learnsAndKnowsHowSureItIs() throws {
        let options = Self.options(burnIn: 40, samples: 200, keep: 50)
        let (parts, folder) = (try Self.parts(), try Files.makeTemporaryFolder())
        defer { try? Files.remove(folder) }
        let trainer = try Self.trainer(options)
        let metrics = try TrainingLoop(epochs: options.epochs).train(trainer).metrics
        #expect(metrics["val_rmse"]! < 0.37 && metrics["val_rmse"]! < metrics["val_sample_rmse"]!)
        // 11.1 without the four factors that are not there, whose draws take up some of the noise.
        #expect((8..<16).contains(metrics["precision"]!))

        try SafeTensors.write(trainer.weights, to: folder + "/weights.safetensors")
        let model = try FactorModel(SafeTensorsFile(folder + "/weights.safetensors"))
        #expect(model.factors == 250 && model.posterior?.count == 50)
        let predictions = try #require(
            try model.predictions(
                of: parts.validation, history: parts.train.userMatrix(), workers: Workers(threads: 2)))
        let squares = predictions.indices.reduce(0.0) { sum, index in
            let error = predictions[index].mean - Double(parts.validation.value(index))
            return sum + error * error
        }
        #expect(abs((squares / Double(predictions.count)).squareRoot() - metrics["val_rmse"]!) < 0.01)
        let spread = PredictiveSpread(predictions, of: parts.validation)
        #expect(spread.withinOne > 0.6 && spread.withinOne < 0.76)
        #expect(spread.withinTwo > 0.92 && spread.withinTwo < 0.98)
        // Sums are by user; nothing depends on who takes which.
        let one = try model.predictions(
            of: parts.validation, history: parts.train.userMatrix(), workers: Workers(threads: 1))
        #expect(one == predictions)
        // A score is a dot product here too.
        let users = model.foldedUsers()
        let items = model.foldedItems()
        for index in 0..<20 {
            let (user, item) = (Int(parts.validation.userRows[index]), Int(parts.validation.itemRows[index]))
            let score = zip(users.row(user), items.row(item)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            #expect(abs(Double(score) - predictions[index].mean) < 1e-4)
        }
    }

    /// What the model has of its own users is what their histories give; one alone is the same bits as among others.
    @Test func historiesOfTrainingAreItsUsers() throws {
        let (options, folder) = (Self.options(), try Files.makeTemporaryFolder())
        defer { try? Files.remove(folder) }
        let trainer = try Self.trainer(options)
        _ = try TrainingLoop(epochs: options.epochs).train(trainer)
        try SafeTensors.write(trainer.weights, to: folder + "/weights.safetensors")
        let model = try FactorModel(SafeTensorsFile(folder + "/weights.safetensors"))
        let history = try Self.parts().train.userMatrix()
        let foldIn = try #require(BayesianFoldIn(model, workers: Workers(threads: 2)))
        let folded = FactorTable(rows: history.rowCount, width: foldIn.dimensions)
        let users = model.foldedUsers()
        try foldIn.encode(history, into: folded)
        for user in 0..<history.rowCount {
            for column in 0..<foldIn.dimensions { #expect(abs(folded[user, column] - users[user, column]) < 1e-4) }
        }
        let alone = FactorTable(rows: 1, width: foldIn.dimensions)
        try foldIn.encode(history.selecting([UserRow(7)]), into: alone)
        #expect((0..<foldIn.dimensions).allSatisfy { alone[0, $0] == folded[7, $0] })
        let unrated = InteractionMatrix<UserRow, ItemRow>(
            offsets: [0, 1], columns: [3], values: nil, columnCount: history.columnCount)
        #expect { try foldIn.encode(unrated, into: alone) } throws: { ($0 as? StarlingError)?.code == .badData }
    }

    @Test(arguments: [nil, 4.0]) func sameBitsAtAnyThreadCount(precision: Double?) throws {
        var options = Self.options()
        options.precision = precision
        let one = try Self.train(options, threads: 1)
        for threads in [2, 3, 7] {
            let other = try Self.train(options, threads: threads)
            #expect(other.0 == one.0)
            #expect(other.1 == one.1)
        }
        if let precision { #expect(one.1.allSatisfy { $0["precision"] == precision }) }
        options.seed = 43
        #expect(try Self.train(options, threads: 2).0 != one.0)
    }

    enum Stop: CaseIterable { case before, betweenSides, sometime }

    /// In burn-in, after it, after a kept sample.
    @Test(arguments: [1, 2, 4, 5, 6, 9], Stop.allCases) func goesOnInTheMiddleOfASweep(epoch: Int, stop: Stop) throws {
        let options = Self.options()
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let undisturbed = try Self.trainer(options)
        let stopped = try Self.trainer(options)
        for earlier in 1..<epoch {
            _ = try undisturbed.train(epoch: earlier, cancellation: Cancellation()) { _ in }
            _ = try stopped.train(epoch: earlier, cancellation: Cancellation()) { _ in }
        }
        let expected = try Self.finish(undisturbed, epoch)
        let cancellation = Cancellation()
        switch stop {
        case .before: cancellation.cancel()
        case .betweenSides: break
        // Wherever that is, within a side as a rule.
        case .sometime:
            Thread.detachNewThread {
                Thread.sleep(forTimeInterval: 0.0002)
                cancellation.cancel()
            }
        }
        let outcome = try stopped.train(epoch: epoch, cancellation: cancellation) { _ in
            if stop == .betweenSides { cancellation.cancel() }
        }
        try SafeTensors.write(stopped.weights, to: folder + "/weights.safetensors")
        try SafeTensors.write(stopped.optimizerState, to: folder + "/optimizer.safetensors")
        let resumed = try Self.trainer(options, threads: 3)
        try resumed.restore(
            weights: SafeTensorsFile(folder + "/weights.safetensors"),
            optimizer: SafeTensorsFile(folder + "/optimizer.safetensors"))
        switch outcome {
        case .interrupted: #expect(try Self.finish(resumed, epoch) == expected)
        case .finished(let metrics, _): #expect(metrics == expected && stop == .sometime)
        }
        for later in epoch + 1..<options.epochs + 1 {
            #expect(try Self.finish(resumed, later) == Self.finish(undisturbed, later))
        }
        #expect(try WeightsDigest.sha256(resumed.weights) == WeightsDigest.sha256(undisturbed.weights))
        #expect(try WeightsDigest.sha256(resumed.optimizerState) == WeightsDigest.sha256(undisturbed.optimizerState))
    }

    static func finish(_ trainer: any EpochTrainer, _ epoch: Int) throws -> [String: Double] {
        guard
            case .finished(let metrics, _) = try trainer.train(
                epoch: epoch, cancellation: Cancellation(), progress: { _ in })
        else { throw StarlingError(.failed, "not finished") }
        return metrics
    }

    @Test func withoutRatingsItRefuses() {
        let log = InteractionLog(
            users: Vocabulary(["a"]), items: Vocabulary(["x"]), userRows: [0], itemRows: [0], values: nil, times: nil)
        #expect { try BayesianMF.trainer(on: log, workers: Workers(threads: 1)) } throws: {
            ($0 as? StarlingError)?.code == .badData
        }
    }

    /// One rating, equal ratings, and ratings beyond what floats can square.
    @Test(arguments: [([Float(4)], true), ([3, 3, 3, 3], true), ([1e30, -1e30, 1e30, 2], false)])
    func strangeRatings(values: [Float], works: Bool) throws {
        let rows = values.indices.map { UInt32($0) }
        let log = InteractionLog(
            users: Vocabulary(values.indices.map { "\($0 % 2)" }.prefix(2).map { $0 }),
            items: Vocabulary(values.indices.map { "i\($0)" }), userRows: rows.map { $0 % 2 }, itemRows: rows,
            values: values, times: nil)
        func train() throws -> [String: Double] {
            let trainer = try BayesianMF.trainer(on: log, options: Self.options(), workers: Workers(threads: 2))
            return try TrainingLoop(epochs: Self.options().epochs).train(trainer).metrics
        }
        if works {
            #expect(try train()["train_loss"]!.isFinite)
        } else {
            #expect { try train() } throws: { ($0 as? StarlingError)?.code == .failed }
        }
    }

    @Test func optionsOutOfRangeAreUsageErrors() {
        for change: (inout BayesianMFOptions) -> Void in [
            { $0.factors = 0 }, { $0.factors = 2000 }, { $0.burnIn = -1 }, { $0.samples = 0 }, { $0.keepSamples = 0 },
            { $0.keepSamples = $0.samples + 1 }, { $0.precision = 0 }, { $0.precision = .nan },
            { ($0.factors, $0.keepSamples) = (1024, 100) },
        ] {
            var options = BayesianMFOptions()
            change(&options)
            #expect { try options.validate() } throws: { ($0 as? StarlingError)?.code == .usage }
        }
    }
}
