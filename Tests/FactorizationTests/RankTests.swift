import Basics
import Foundation
import Interactions
import Kernels
import LocalRanks
import Starling
import Testing
import Training

/// Trainings on several ranks: the bits of one.
@Suite struct RankTests {
    /// Values above 0, which implicit feedback can take too.
    private static let log = {
        let log = randomRatings(users: 300, items: 170, density: 0.1, seed: 7)
        return InteractionLog(
            users: log.users, items: log.items, userRows: log.userRows, itemRows: log.itemRows,
            values: log.values!.map { max(0.5, $0) }, times: nil)
    }()

    private typealias Trainer = @Sendable (any Communicator, Workers) throws -> any EpochTrainer

    private static func trainer(_ model: String) -> Trainer {
        let parts = try! Self.log.split(.random(validation: 0.1, test: 0), seed: 3)
        let (train, validation) = (parts.train, parts.validation)
        let history = train.userMatrix()
        return { ranks, workers in
            switch model {
            case "als", "als cg", "als subspace", "als explicit":
                var options = ALSOptions(feedback: model == "als explicit" ? .explicit : .implicit)
                options.factors = 20
                options.loss = true
                options.solver = model == "als cg" ? .cg : model == "als subspace" ? .subspace : .cholesky
                return try AlternatingLeastSquares.trainer(
                    on: history, validation: validation, options: options, ranks: ranks, workers: workers)
            case "bpmf":
                var options = BayesianMFOptions()
                (options.factors, options.samples, options.burnIn, options.keepSamples) = (5, 2, 1, 2)
                return try BayesianMF.trainer(
                    on: history, validation: validation, options: options, ranks: ranks, workers: workers)
            default:
                var options = MatrixFactorizationOptions()
                options.factors = 7
                options.epochs = 4
                options.optimizer = model == "adam" ? .adam : model == "adagrad" ? .adagrad : .sgd
                options.biases = model != "sgd without biases"
                return try MatrixFactorization.trainer(
                    on: history, validation: validation, options: options, ranks: ranks, workers: workers)
            }
        }
    }

    private static let models = [
        "als", "als cg", "als subspace", "als explicit", "sgd", "sgd without biases", "adagrad", "adam", "bpmf",
    ]

    @Test(arguments: models) func weightsAndMetricsAreThoseOfOneRank(model: String) throws {
        let make = Self.trainer(model)
        let loop = TrainingLoop(epochs: 3)
        let alone = try loop.train(make(OneRank(), Workers(threads: 2)))
        for (ranks, threads) in [(2, 1), (3, 2), (4, 1), (7, 1)] {
            let results = try LocalRanks.run(ranks) { communicator in
                try loop.train(make(communicator, Workers(threads: threads)), ranks: communicator)
            }
            for result in results {
                #expect(result.weightsSHA256 == alone.weightsSHA256, "\(ranks) ranks")
                #expect(result.epochs.map(\.metrics) == alone.epochs.map(\.metrics), "\(ranks) ranks")
            }
        }
    }

    /// Stopped at any place by a signal to one rank, and gone on with by another number of them.
    @Test(arguments: models, [(3, 2), (2, 1), (1, 4)]) func anotherNumberOfRanksGoesOn(
        model: String, ranks: (before: Int, after: Int)
    ) throws {
        let make = Self.trainer(model)
        let whole = try TrainingLoop(epochs: 3).train(make(OneRank(), Workers(threads: 1)))
        for told in [1, 2, 5] {
            let folder = try Files.makeTemporaryFolder()
            defer { try? Files.remove(folder) }
            func train(_ size: Int, stopAt: Int?) -> [Result<TrainingResult, any Error>] {
                LocalRanks.outcomes(size) { communicator in
                    let cancellation = Cancellation()
                    let stopper = Stopper(cancellation, after: communicator.rank == size - 1 ? stopAt : nil)
                    let record = RunRecord(
                        model: "m", configuration: [:], data: .init(source: "s", fingerprint: "f"), isa: "i")
                    let run =
                        communicator.rank == 0
                        ? try RunDirectory(training: folder + "/run", as: record, ifPresent: .resume) : nil
                    return try TrainingLoop(epochs: 3).train(
                        make(communicator, Workers(threads: 1)), in: run, ranks: communicator,
                        cancellation: cancellation, observers: [stopper])
                }
            }
            for outcome in train(ranks.before, stopAt: told) {
                if case .failure(let error) = outcome { #expect((error as? StarlingError)?.code == .interrupted) }
            }
            for outcome in train(ranks.after, stopAt: nil) {
                let result = try outcome.get()
                #expect(result.weightsSHA256 == whole.weightsSHA256)
                #expect(result.epochs.map(\.metrics) == whole.epochs.map(\.metrics))
            }
        }
    }

    /// What goes over the wire is what docs/scaling.md says.
    @Test func rowsAreSentOnceToEachOther() throws {
        let make = Self.trainer("als cg")
        let (users, items) = (Set(Self.log.userRows).count, Set(Self.log.itemRows).count)
        let row = 4 * FactorTable.stride(20)
        for ranks in [2, 3] {
            let sent = try LocalRanks.run(ranks) { communicator in
                let trainer = try make(communicator, Workers(threads: 1))
                let before = communicator.sentBytes
                guard case .finished = try trainer.train(epoch: 1, cancellation: Cancellation(), progress: { _ in })
                else { return 0 }
                return communicator.sentBytes - before
            }
            let rows = (ranks - 1) * (users + items) * row
            let all = sent.reduce(0, +)
            // Gramians, sums of the objective and flags are small beside the rows.
            #expect(all > rows * 9 / 10 && all < rows + (ranks - 1) * 200_000)
        }
    }

    @Test func aRankThatFailsEndsAll() throws {
        let outcomes = LocalRanks.outcomes(3) { communicator in
            try communicator.together {
                guard communicator.rank != 1 else { throw StarlingError(.badData, "no", remedy: "yes") }
            }
        }
        for (rank, outcome) in outcomes.enumerated() {
            guard case .failure(let error as StarlingError) = outcome else {
                Issue.record("rank \(rank) did not fail")
                continue
            }
            #expect(error.code == .badData && error.remedy == "yes")
            #expect(error.what == "rank 1: no" && error.isTold == (rank > 0))
        }
        let lost = LocalRanks.outcomes(2) { communicator in
            if communicator.rank == 1 { throw StarlingError(.failed, "gone") }
            try communicator.barrier()
        }
        #expect {
            try lost[0].get()
        } throws: {
            ($0 as? StarlingError)?.what == "rank 0 lost rank 1"
        }
    }
}

/// Asks to stop at the n-th progress.
private final class Stopper: TrainingObserver {
    private let cancellation: Cancellation
    private var left: Int?

    init(_ cancellation: Cancellation, after count: Int?) { (self.cancellation, left) = (cancellation, count) }

    func receive(_ event: TrainingEvent) {
        guard case .progress = event, let count = left else { return }
        left = count - 1
        if count == 1 { cancellation.cancel() }
    }
}
