import Basics
import Factorization
import Formats
import Interactions
import Kernels
import LocalRanks
import Testing
import Training

/// That the scaling model's bytes are those that ranks send.
@Suite struct ScalingBytesTests {
    /// Every user and item has interactions.
    static let log = try! SyntheticRatings(users: 700, items: 300, interactions: 20_000, seed: 5).log()

    /// Bytes that all ranks together send in epochs 2 to `epochs`, for each of these.
    static func sent(
        _ ranks: Int, epochs: Int,
        _ trainer: @escaping @Sendable (any Communicator) throws -> any EpochTrainer
    ) throws -> Double {
        let bytes = try LocalRanks.run(ranks) { communicator in
            let trainer = try trainer(communicator)
            var first = 0
            for epoch in 1...epochs {
                _ = try trainer.train(epoch: epoch, cancellation: Cancellation(), progress: { _ in })
                if trainer.isSharded { try trainer.weights[0].emit { _ in } }
                if epoch == 1 { first = communicator.sentBytes }
            }
            return communicator.sentBytes - first
        }
        return Double(bytes.reduce(0, +)) / Double(epochs - 1)
    }

    static func cluster(_ ranks: Int) -> Cluster { Cluster(nodes: ranks, threads: 1, cores: 1) }

    @Test(arguments: [2, 3, 4]) func leastSquares(ranks: Int) throws {
        // Without values, so that there is no objective to exchange.
        let history = Self.log.pairMatrix(workers: Workers(threads: 1))
        var options = ALSOptions()
        options.factors = 20
        let trained = options
        let sent = try Self.sent(ranks, epochs: 3) {
            try AlternatingLeastSquares.trainer(
                on: history, options: trained, ranks: $0, workers: Workers(threads: 1))
        }
        let model = ALSScaling(users: 700, items: 300, interactions: history.entryCount, factors: 20)
        #expect(Int(sent) == model.plan(on: Self.cluster(ranks), .builtIn).sentBytes)
    }

    /// Item blocks are of about one size. Rows are gathered when they are wanted, as for a checkpoint.
    @Test(arguments: [2, 3, 4]) func blockGrid(ranks: Int) throws {
        let history = Self.log.userMatrix(workers: Workers(threads: 1))
        var options = MatrixFactorizationOptions()
        (options.factors, options.epochs) = (20, 6)
        let trained = options
        let sent = try Self.sent(ranks, epochs: 6) {
            try MatrixFactorization.trainer(on: history, options: trained, ranks: $0, workers: Workers(threads: 1))
        }
        let model = MFScaling(users: 700, items: 300, interactions: history.entryCount, factors: 20, gridSide: 16)
        let plan = model.plan(on: Self.cluster(ranks), .builtIn)
        let expected = Double(plan.sentBytes + plan.gathering.sentBytes)
        #expect(abs(sent / expected - 1) < 0.05, "\(sent) and \(expected)")
    }
}
