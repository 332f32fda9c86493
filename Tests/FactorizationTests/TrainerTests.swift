import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Testing
import Training

/// What every optimiser promises: it learns, to the same bits at any thread count and after any interruption.
@Suite struct TrainerTests {
    static let log = randomRatings(users: 230, items: 110, density: 0.15, seed: 1)

    static func options(_ optimizer: Optimizer, dropout: Double = 0, clip: Double? = nil, biases: Bool = true)
        -> MatrixFactorizationOptions
    {
        var options = MatrixFactorizationOptions(optimizer: optimizer)
        options.factors = 12
        options.epochs = 6
        options.batchSize = 300
        options.dropout = dropout
        options.clipNorm = clip
        options.biases = biases
        if optimizer == .adam { options.learningRate = 0.02 }
        return options
    }

    static func train(_ options: MatrixFactorizationOptions, threads: Int) throws -> (String, [[String: Double]]) {
        let parts = try log.split(.random(validation: 0.1, test: 0), seed: 1)
        let trainer = try MatrixFactorization.trainer(
            on: parts.train, validation: parts.validation, options: options, workers: Workers(threads: threads))
        let result = try TrainingLoop(epochs: options.epochs).train(trainer)
        return (result.weightsSHA256, result.epochs.map(\.metrics))
    }

    @Test(arguments: Optimizer.allCases) func learns(optimizer: Optimizer) throws {
        var options = Self.options(optimizer)
        options.epochs = 30
        let (_, epochs) = try Self.train(options, threads: 2)
        // The values' deviation is above 1; the planted structure has rank 1 and noise 0.3.
        #expect(epochs.last!["train_loss"]! < 0.5 * epochs.first!["train_loss"]!)
        #expect(epochs.last!["val_rmse"]! < 0.8)
    }

    @Test(
        arguments: Optimizer.allCases, [(0.0, Double?.none, true), (0.2, nil, true), (0, 0.5, true), (0, nil, false)])
    func sameBitsAtAnyThreadCount(optimizer: Optimizer, variant: (Double, Double?, Bool)) throws {
        let options = Self.options(optimizer, dropout: variant.0, clip: variant.1, biases: variant.2)
        let one = try Self.train(options, threads: 1)
        for threads in [2, 3, 7] {
            let other = try Self.train(options, threads: threads)
            #expect(other.0 == one.0)
            #expect(other.1 == one.1)
        }
    }

    @Test(arguments: Optimizer.allCases) func anotherSeedGivesOtherWeights(optimizer: Optimizer) throws {
        var options = Self.options(optimizer)
        let first = try Self.train(options, threads: 2).0
        options.seed = 43
        #expect(try Self.train(options, threads: 2).0 != first)
    }

    /// Stops at a block end somewhere in an epoch, saves, restores into a fresh trainer, goes on: nothing may differ.
    @Test(arguments: Optimizer.allCases, [1, 5, 40]) func goesOnInTheMiddleOfAnEpoch(optimizer: Optimizer, polls: Int)
        throws
    {
        let options = Self.options(optimizer)
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let undisturbed = try Self.trainer(options)
        let stopped = try Self.trainer(options)
        _ = try undisturbed.train(epoch: 1, cancellation: Cancellation()) { _ in }
        _ = try stopped.train(epoch: 1, cancellation: Cancellation()) { _ in }
        guard
            case .finished(let expected, _) = try undisturbed.train(
                epoch: 2, cancellation: Cancellation(), progress: { _ in })
        else { throw StarlingError(.failed, "not finished") }

        // Cancel from a progress call; where none comes early enough, before the epoch starts.
        let cancellation = Cancellation()
        var calls = 0
        let outcome = try stopped.train(epoch: 2, cancellation: cancellation) { _ in
            calls += 1
            if calls == polls { cancellation.cancel() }
        }
        if polls == 1 {
            guard case .interrupted = outcome else { throw StarlingError(.failed, "not interrupted") }
        }
        try SafeTensors.write(stopped.weights, to: folder + "/weights.safetensors")
        try SafeTensors.write(stopped.optimizerState, to: folder + "/optimizer.safetensors")
        let resumed = try Self.trainer(options)
        try resumed.restore(
            weights: SafeTensorsFile(folder + "/weights.safetensors"),
            optimizer: SafeTensorsFile(folder + "/optimizer.safetensors"))
        if case .interrupted = outcome {
            guard
                case .finished(let metrics, _) = try resumed.train(
                    epoch: 2, cancellation: Cancellation(), progress: { _ in })
            else { throw StarlingError(.failed, "not finished") }
            #expect(metrics == expected)
        }
        #expect(try WeightsDigest.sha256(resumed.weights) == WeightsDigest.sha256(undisturbed.weights))
        #expect(try WeightsDigest.sha256(resumed.optimizerState) == WeightsDigest.sha256(undisturbed.optimizerState))
    }

    static func trainer(_ options: MatrixFactorizationOptions) throws -> any EpochTrainer {
        try MatrixFactorization.trainer(on: log, options: options, workers: Workers(threads: 2))
    }

    @Test func withoutRatingsItRefuses() {
        let log = InteractionLog(
            users: Vocabulary(["a"]), items: Vocabulary(["x"]), userRows: [0], itemRows: [0], values: nil, times: nil)
        #expect { try MatrixFactorization.trainer(on: log, workers: Workers(threads: 1)) } throws: {
            ($0 as? StarlingError)?.code == .badData
        }
    }

    @Test func optionsOutOfRangeAreUsageErrors() {
        for change: (inout MatrixFactorizationOptions) -> Void in [
            { $0.factors = 0 }, { $0.epochs = 0 }, { $0.learningRate = 0 }, { $0.learningRate = .nan },
            { $0.dropout = 1 }, { $0.regularization = -1 }, { $0.clipNorm = 0 }, { $0.batchSize = 0 },
        ] {
            var options = MatrixFactorizationOptions()
            change(&options)
            #expect { try options.validate() } throws: { ($0 as? StarlingError)?.code == .usage }
        }
    }
}
