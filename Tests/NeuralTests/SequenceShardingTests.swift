import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// Transformers whose vectors of users and items are cut among ranks.
@Suite(torch, .serialized) struct SequenceShardingTests {
    typealias Case = SequenceRankTests.Case
    typealias Kind = EmbeddingShardingPlan.Kind
    static let kinds: [Kind] = [.rowWise, .tableWise, .columnWise]

    static let cases = [
        Case(loss: .bce), Case(loss: .gbce, attendsToPadding: true), Case(loss: .sampledSoftmax, accumulation: 3),
        Case(loss: .softmax), Case(loss: .softmax, architecture: .encoder),
        Case(loss: .gbce, batchSize: 2, negatives: 1),
    ]

    static func trainer(
        _ one: Case, _ kind: Kind, _ ranks: any Communicator, change: (inout SSEPTOptions) -> Void = { _ in }
    ) throws -> any EpochTrainer {
        let trainer = try SequenceRankTests.trainer(one, ranks) {
            $0.shardingKind = kind
            change(&$0)
        }
        #expect(trainer.isSharded == (ranks.size > 1 && kind != .dataParallel))
        return trainer
    }

    /// Of two histories in a batch three ranks have none or one each.
    @Test(arguments: cases, [2, 3]) func learnsAsOneRank(_ one: Case, ranks: Int) throws {
        let alone = try RankTests.Trained(SequenceRankTests.trainer(one), 1...3)
        let several = try GlooRanks.run(ranks) { try RankTests.Trained(Self.trainer(one, .rowWise, $0), 1...3) }
        RankTests.check(alone, several)
        let first = (alone.curve[0]["train_loss"]!, several[0].curve[0]["train_loss"]!)
        #expect(abs(first.0 - first.1) < 2e-6 * first.0)
    }

    /// One step over all histories: every row's first mean of Adam, which is a tenth of its gradient, is that of one rank to five
    /// digits of the largest, and so are means of rows that no history named, which L2 alone moves.
    @Test(arguments: kinds, cases[..<5]) func gradientsAreThoseOfOneRank(kind: Kind, _ one: Case) throws {
        @Sendable func change(_ options: inout SSEPTOptions) {
            (options.batchSize, options.weightDecay, options.itemReplacement) = (64, 0.1, 0)
        }
        let alone = try RankTests.Trained(SequenceRankTests.trainer(one, change: change), 1...1)
        let several = try GlooRanks.run(3) {
            try RankTests.Trained(Self.trainer(one, kind, $0, change: change), 1...1)
        }
        #expect(alone.moments.keys == several[0].moments.keys)
        for (name, floats) in alone.moments {
            let largest = floats.map { abs($0) }.max()!
            let apart = zip(floats, several[0].moments[name]!).map { abs($0 - $1) }.max()!
            #expect(floats.count == several[0].moments[name]!.count)
            #expect(apart <= 1e-5 * largest + 1e-9, "\(name): \(apart) of \(largest)")
        }
    }

    /// A step whose gradients overflow is left out by all ranks.
    @Test(arguments: [Precision.fp16, .bf16]) func lowerPrecisionAgrees(_ precision: Precision) throws {
        @Sendable func change(_ options: inout SSEPTOptions) { options.precision = precision }
        let alone = try RankTests.Trained(SequenceRankTests.trainer(Self.cases[0], change: change), 1...2)
        let several = try GlooRanks.run(3) {
            try RankTests.Trained(Self.trainer(Self.cases[0], .rowWise, $0, change: change), 1...2)
        }
        for (one, other) in zip(alone.curve, several[0].curve) {
            #expect(abs(one["train_loss"]! - other["train_loss"]!) < 0.02 * one["train_loss"]!)
        }
        for name in ["items.weight.step", "users.weight.step", "final_norm.weight.step", "scaler.scale"] {
            #expect(alone.moments[name] == several[0].moments[name], "\(name)")
        }
    }

    /// Tables and moments of a checkpoint have the same bits on any number of ranks, whole, and training goes on as one that was
    /// never stopped.
    @Test(arguments: kinds) func checkpointsGoFromRanksToRanks(kind: Kind) throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let one = Self.cases[0]
        let alone = try SequenceRankTests.trainer(one)
        _ = try alone.curve(1...1)
        try Files.makeDirectory(folder + "/1")
        try alone.write(to: folder + "/1", OneRank())
        let written = try ["weights", "state"].map { try Files.read("\(folder)/1/\($0)") }
        for (from, to) in [(1, 2), (2, 3), (3, 1)] {
            if to > 1 { try Files.makeDirectory("\(folder)/\(to)") }
            _ = try GlooRanks.run(to) { group in
                let trainer = try Self.trainer(one, kind, group)
                try trainer.restore(from: "\(folder)/\(from)")
                try group.barrier()
                try trainer.write(to: "\(folder)/\(to)", group)
            }
            #expect(try ["weights", "state"].map { try Files.read("\(folder)/\(to)/\($0)") } == written)
        }
        let expected = try alone.curve(2...3)
        for ranks in [1, 2, 3] {
            let curve = try GlooRanks.run(ranks) { group in
                let trainer = try Self.trainer(one, kind, group)
                try trainer.restore(from: folder + "/3")
                return try trainer.curve(2...3)
            }[0]
            for (one, other) in zip(expected, curve) {
                #expect(abs(one["train_loss"]! - other["train_loss"]!) <= 2e-5 * one["train_loss"]!)
            }
        }
    }

    /// No rank has a whole table that is cut, nor its moments, and together they have them once.
    @Test(arguments: kinds, [2, 3, 4]) func noRankHasAWholeTable(kind: Kind, ranks: Int) throws {
        var options = SSEPTOptions()
        (options.factors, options.userDim) = (24, 8)
        let tables = [("items", 5_000, 24), ("users", 3_001, 8)]
        let loads = tables.map { EmbeddingLoad($0.0, rows: $0.1, width: $0.2, lookups: 1) }
        options.sharding = EmbeddingShardingPlan(loads, all: kind, ranks: ranks)
        let made = options
        let held = try GlooRanks.run(ranks) { group in
            let network = try SequenceNetwork(users: 3_001, items: 5_000, made, ranks: group)
            let parts = network.parameters + (try Adam(network.parameters).state)
            return Dictionary(uniqueKeysWithValues: parts.map { ($0.name, $0.tensor.count) })
        }
        for (index, (table, rows, width)) in tables.enumerated() {
            for name in ["", ".exp_avg", ".exp_avg_sq"].map({ "\(table).weight\($0)" }) {
                let counts = held.map { $0[name]! }
                switch kind {
                case .tableWise: #expect(counts.enumerated().allSatisfy { $1 == ($0 == index ? rows * width : 0) })
                case .columnWise: #expect(counts.max()! <= (width / ranks + 1) * rows && counts.min()! > 0)
                default: #expect(counts.max()! <= (rows / ranks + 1) * width && counts.min()! > 0)
                }
                #expect(counts.reduce(0, +) == rows * width, "\(name): \(counts)")
            }
        }
    }

    /// The loop ends on every rank with the best epoch's weights, and what rank 0 writes of them is what one rank can use.
    @Test func theLoopKeepsWhatAllRanksHold() throws {
        let results = try GlooRanks.run(3) { group in
            let trainer = try Self.trainer(Self.cases[0], .rowWise, group) { $0.learningRate = 0.05 }
            var loop = TrainingLoop(epochs: 12)
            loop.earlyStopping = EarlyStopping(metric: WatchedMetric("val_ndcg@10"), patience: 1)
            let result = try loop.train(trainer, ranks: group)
            #expect(result.epochs.count > result.bestEpoch ?? .max)
            var written: [String: [Float]] = [:]
            try trainer.handWeights(to: group) { weights in
                let folder = try Files.makeTemporaryFolder()
                defer { try? Files.remove(folder) }
                try SafeTensors.write(weights, to: folder + "/model")
                let file = try SafeTensorsFile(folder + "/model")
                for name in file.names { written[name] = try file.tensor(name).floats() }
            }
            return (result: result, written: written)
        }
        let digest = results[0].result.weightsSHA256
        #expect(
            results.allSatisfy {
                $0.result.weightsSHA256 == digest && $0.result.bestEpoch == results[0].result.bestEpoch
            })
        let best = try #require(results[0].result.bestEpoch)
        let alone = try RankTests.Trained(SequenceRankTests.trainer(Self.cases[0]) { $0.learningRate = 0.05 }, 1...best)
        #expect(distance(alone.weights, results[0].written) < 0.03 * distance(alone.weights, alone.start))
    }

    /// Rows of a file go to the ranks that have them.
    @Test(arguments: kinds) func beginsWithWeightsOfAFile(kind: Kind) throws {
        let path = Files.parent(#filePath) + "/golden/encoder_separate.pth"
        // Rows of the file that the model has in another order, and one that the file lacks.
        let users = Vocabulary<UserRow>((0..<7).map { "\(6 - $0)" })
        let items = Vocabulary<ItemRow>((0..<12).map { "\(($0 * 5 + 1) % 13)" })
        @Sendable func begun(_ ranks: any Communicator) throws -> (weights: [String: [Float]], fates: [Retraining.Fate])
        {
            let retraining = try Retraining(path)
            var options = SSEPTOptions()
            (options.architecture, options.loss, options.heads) = (.encoder, .softmax, 2)
            options.shape = retraining.shape
            (options.heads, options.shardingKind) = (2, kind)
            let histories = InteractionSequences((0..<7).map { user in (0..<4).map { UInt32(user + $0) } })
            var fates: [Retraining.Fate] = []
            let trainer = try SSEPT.trainer(
                on: histories, users: users, items: items, startingFrom: retraining, fates: { fates = $0 },
                options: options, ranks: ranks, workers: Workers(threads: 1))
            return (try trainer.tensors(), fates)
        }
        let alone = try begun(OneRank())
        #expect(alone.fates.contains { $0.detail == "7 of 7 users by their ids" })
        for rank in try GlooRanks.run(3, begun) { #expect(rank.fates == alone.fates) }
        #expect(try GlooRanks.run(3, begun)[0].weights == alone.weights)
    }

    @Test func smallTablesStayWhole() throws {
        let sharded = try GlooRanks.run(2) { try SequenceRankTests.trainer(Self.cases[0], $0).isSharded }
        #expect(sharded == [false, false])
    }

    @Test func otherPlansAreRefused() throws {
        let loads = [
            EmbeddingLoad("items", rows: 40, width: 10, lookups: 1),
            EmbeddingLoad("users", rows: 61, width: 6, lookups: 1),
        ]
        var twice = EmbeddingShardingPlan(loads, all: .rowWise, ranks: 2)
        twice.tables[0] = .init("items", rows: 40, width: 10, .rowWise, ranks: [0, 0])
        let plans = [
            ("for 3 ranks, and there are 2", EmbeddingShardingPlan(loads, all: .rowWise, ranks: 3)),
            ("no table users of 61 rows", EmbeddingShardingPlan([loads[0]], all: .rowWise, ranks: 2)),
            ("two shards of items", twice),
        ]
        for (message, plan) in plans {
            let errors = try GlooRanks.run(2) { group -> String in
                do {
                    _ = try SequenceRankTests.trainer(Self.cases[0], group) { $0.sharding = plan }
                    return ""
                } catch let error as StarlingError where error.code == .usage {
                    return error.what
                }
            }
            #expect(errors.allSatisfy { $0.contains(message) }, "\(errors)")
        }
    }
}
