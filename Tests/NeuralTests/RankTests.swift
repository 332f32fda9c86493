import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// Two towers on several ranks: the losses and weights of one, whoever holds the tables.
@Suite(torch, .serialized) struct RankTests {
    enum Way: String, CaseIterable, Sendable { case rows, columns, whole, replicated, planned }

    /// A plan for the test's ranks, or the same shards on one rank; nil is the planner's.
    static func plan(
        _ groups: Groups, _ options: TwoTowerOptions, _ way: Way, ranks: Int, onOne: Bool = false
    ) throws -> EmbeddingShardingPlan? {
        if way == .planned { return nil }
        let loads = try TwoTower.embeddingLoads(
            on: groups.history, users: groups.users, items: groups.items, features: groups.features, options: options)
        let all = (0..<ranks).map { onOne ? 0 : $0 }
        let tables = loads.enumerated().map { index, load in
            func table(_ kind: EmbeddingShardingPlan.Kind, _ ranks: [Int]) -> EmbeddingShardingPlan.Table {
                .init(load.name, rows: load.rows, width: load.width, kind, ranks: ranks)
            }
            return switch way {
            case .rows where load.rows >= ranks: table(.rowWise, all)
            case .columns: table(.columnWise, all)
            case .replicated: table(.dataParallel, all)
            default: table(.tableWise, [all[index % ranks]])
            }
        }
        return EmbeddingShardingPlan(tables, ranks: onOne ? 1 : ranks)
    }

    static func trainer(
        _ groups: Groups, _ options: TwoTowerOptions, _ ranks: any Communicator = OneRank(), validation: Bool = true
    ) throws -> any EpochTrainer {
        try TwoTower.trainer(
            on: groups.history, users: groups.users, items: groups.items, features: groups.features,
            validation: validation ? groups.heldOut : nil, options: options, ranks: ranks,
            workers: Workers(threads: 2))
    }

    struct Trained: Sendable {
        var curve: [[String: Double]] = []
        var start: [String: [Float]] = [:], weights: [String: [Float]] = [:], moments: [String: [Float]] = [:]

        init(_ trainer: any EpochTrainer, _ epochs: ClosedRange<Int>) throws {
            start = try trainer.tensors()
            curve = try trainer.curve(epochs)
            (weights, moments) = (try trainer.tensors(), try trainer.moments())
        }
    }

    /// Training by one rank and by several, with the same shards.
    static func trained(
        _ groups: Groups, _ options: TwoTowerOptions, _ way: Way, ranks: Int, epochs: ClosedRange<Int> = 1...3
    ) throws -> (one: Trained, several: [Trained]) {
        var alone = options
        alone.sharding = try plan(groups, options, way, ranks: ranks, onOne: true)
        let one = try Trained(trainer(groups, alone), epochs)
        let several = try GlooRanks.run(ranks) { group in
            var options = options
            options.sharding = try plan(groups, options, way, ranks: ranks)
            let trainer = try trainer(groups, options, group)
            #expect(trainer.isSharded)
            return try Trained(trainer, epochs)
        }
        return (one, several)
    }

    /// Every rank says the same. Losses are those of one rank within 2e-4 of their size, and weights within 3 % of the way that
    /// they have gone, or `share`, which is what another number of threads makes: sums are in another order, and where a gradient
    /// should be zero, Adam and Adagrad make steps of its rounding.
    static func check(
        _ one: Trained, _ several: [Trained], share: Double = 0.03, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for rank in several {
            #expect(rank.curve == several[0].curve, sourceLocation: sourceLocation)
        }
        for (epoch, (left, right)) in zip(one.curve, several[0].curve).enumerated() {
            #expect(left.keys == right.keys, sourceLocation: sourceLocation)
            for (name, value) in left {
                let difference = abs(value - (right[name] ?? .nan))
                // A list may end with another of two items of nearly one score.
                #expect(
                    difference <= (name == "train_loss" ? 2e-4 * value : 0.01), "epoch \(epoch + 1): \(name)",
                    sourceLocation: sourceLocation)
            }
        }
        #expect(difference(one.start, several[0].start) < 1e-6, sourceLocation: sourceLocation)
        let (apart, moved) = (distance(one.weights, several[0].weights), distance(one.weights, one.start))
        #expect(apart < share * moved, "\(apart) of \(moved)", sourceLocation: sourceLocation)
    }

    /// One step over all interactions: every row's gradient and every layer's is that of one rank to six digits.
    @Test(arguments: [Way.rows, .columns, .whole, .replicated], ["softmax", "bce"])
    func gradientsAreThoseOfOneRank(way: Way, loss: String) throws {
        let groups = Groups()
        var options = groups.options
        (options.batchSize, options.loss, options.embeddings.kind) = (4096, .init(rawValue: loss)!, .sgd)
        options.embeddings.learningRate = 1000
        let (one, several) = try Self.trained(groups, options, way, ranks: 3, epochs: 1...1)
        for (name, floats) in one.weights where name.contains(".") && !name.contains("layers") {
            let moved = zip(floats, one.start[name]!).map { abs($0 - $1) }.max()!
            let apart = zip(floats, several[0].weights[name]!).map { abs($0 - $1) }.max()!
            #expect(moved > 0.001 && apart < 1e-5 * moved + 1e-7, "\(name): \(apart) of \(moved)")
        }
        // Adam's first means are a tenth of the gradients.
        let gradients = one.moments.filter { $0.key.hasSuffix(".exp_avg") }
        let largest = gradients.values.joined().map { abs($0) }.max()!
        for (name, floats) in gradients {
            let apart = zip(floats, several[0].moments[name]!).map { abs($0 - $1) }.max()!
            #expect(apart < 1e-5 * largest, "\(name): \(apart) of \(largest)")
        }
    }

    /// 64 of some 1,000 interactions in a batch, the last one uneven.
    @Test(arguments: Way.allCases, [2, 3]) func learnsAsOneRank(way: Way, ranks: Int) throws {
        let groups = Groups()
        var options = groups.options
        (options.factors, options.negatives) = (18, 7)
        let (one, several) = try Self.trained(groups, options, way, ranks: ranks)
        Self.check(one, several)
        #expect(several[0].curve.last!["train_loss"]! < several[0].curve[0]["train_loss"]!)
    }

    @Test(arguments: [("bce", "adagrad"), ("bpr", "sgd"), ("cosine", "adam"), ("accumulated", "adagrad")])
    func everyLossAndOptimizer(loss: String, optimizer: String) throws {
        let groups = Groups()
        var options = groups.options
        options.embeddings.kind = try #require(.init(rawValue: optimizer))
        options.loss = .init(rawValue: loss) ?? .softmax
        options.cosine = loss == "cosine"
        if loss == "accumulated" { (options.gradientAccumulation, options.batchSize) = (3, 31) }
        options.embeddings.learningRate = 0.01
        let (one, several) = try Self.trained(groups, options, .rows, ranks: 2, epochs: 1...2)
        Self.check(one, several)
    }

    /// Of two interactions in a batch, and one in the last, four ranks have none or one each.
    @Test(arguments: [Way.rows, .columns, .whole, .replicated], ["softmax", "bpr"])
    func ranksWithoutSamplesTakePart(way: Way, loss: String) throws {
        let groups = Groups(users: 7, items: 8, cold: 8, groups: 2)
        #expect(groups.history.entryCount % 2 == 1, "\(groups.history.entryCount)")
        var options = groups.options
        (options.batchSize, options.loss, options.embeddings.kind) = (2, .init(rawValue: loss)!, .sgd)
        let (one, several) = try Self.trained(groups, options, way, ranks: 4, epochs: 1...2)
        Self.check(one, several, share: 0.1)
    }

    /// Weights of a checkpoint are the same on any number of ranks, and so is what comes of them.
    @Test(arguments: [Way.rows, .columns, .whole, .replicated], ["rowwise-adagrad", "adam"])
    func checkpointsGoFromRanksToRanks(way: Way, optimizer: String) throws {
        let groups = Groups()
        var options = groups.options
        options.embeddings.kind = try #require(.init(rawValue: optimizer))
        if optimizer == "adam" { options.embeddings.learningRate = 0.01 }
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let alone = try Self.trainer(groups, options)
        _ = try alone.curve(1...2)
        var expected = try alone.tensors()
        try Files.makeDirectory(folder + "/1")
        try alone.write(to: folder + "/1", OneRank())
        for (from, to) in [(1, 4), (4, 2), (2, 1), (1, 3), (3, 4)] {
            let made = options
            let wanted = expected
            if from > 1 || to > 1 { try Files.makeDirectory("\(folder)/\(to)") }
            let found = try GlooRanks.run(to) { group in
                var options = made
                options.sharding = try Self.plan(groups, options, way, ranks: to)
                let trainer = try Self.trainer(groups, options, group)
                try trainer.restore(from: "\(folder)/\(from)")
                try group.barrier()
                let taken = try trainer.tensors()
                if group.rank == 0 {
                    // Tables are as they were; what towers make of them may differ in the last bits.
                    for (name, floats) in wanted where !name.hasSuffix("_factors") {
                        #expect(taken[name] == floats, "\(name), \(from) to \(to)")
                    }
                    #expect(difference(taken, wanted) < 1e-5)
                }
                try trainer.write(to: "\(folder)/\(to)", group)
                let file = try SafeTensorsFile("\(folder)/\(to)/weights")
                #expect(try file.tensor("user.id").shape == [121, 16])
                return taken
            }
            expected = found[0]
        }
        // It goes on as one that was never stopped; sums of squares of cut columns were averaged, and are the nearest there is.
        let resumed = try Self.trainer(groups, options)
        try resumed.restore(from: folder + "/4")
        let (again, before) = (try resumed.curve(3...3)[0], try alone.curve(3...3)[0])
        #expect(abs(again["train_loss"]! - before["train_loss"]!) < (way == .columns ? 0.05 : 1e-4))
    }

    /// No rank has a whole table that is cut, and together they have it once.
    @Test(arguments: [2, 3, 4]) func noRankHasAWholeTable(ranks: Int) throws {
        let bags = FeatureBags(ids: [Bool](repeating: true, count: 10_000)) { "\($0)" }
        for kind in EmbeddingShardingPlan.Kind.allCases {
            let table = EmbeddingShardingPlan.Table(
                "id", rows: bags.tableRows, width: 64, kind, ranks: kind == .tableWise ? [1] : Array(0..<ranks))
            let held = try GlooRanks.run(ranks) { group in
                try ShardedEmbeddings(
                    [bags], EmbeddingShardingPlan([table], ranks: ranks), width: 64, EmbeddingOptimizer(), seed: 1,
                    stream: 0, ranks: group, isa: .best
                ).bytesHeld[0]
            }
            let whole = 4 * bags.tableRows * 65
            switch kind {
            case .dataParallel: #expect(held.allSatisfy { $0 == whole })
            case .tableWise: #expect(held.enumerated().allSatisfy { $1 == ($0 == 1 ? whole : 0) })
            case .rowWise: #expect(held.reduce(0, +) == whole && held.allSatisfy { $0 <= whole / ranks + 4 * 65 })
            // Rows are padded to whole vectors.
            case .columnWise:
                let widest = 4 * bags.tableRows * (1 + (64 / ranks + 16) / 16 * 16)
                #expect(held.allSatisfy { $0 > 0 && $0 <= widest && $0 < whole })
            }
        }
    }

    /// A signal that one rank alone has stops all at the same step, and what was stopped goes on as if it had not been.
    @Test func ranksStopTogether() throws {
        let groups = Groups()
        let options = groups.options
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let whole = try GlooRanks.run(3) { group in
            try Trained(Self.trainer(groups, options, group), 1...2)
        }
        let steps = try GlooRanks.run(3) { group in
            let trainer = try Self.trainer(groups, options, group)
            _ = try trainer.curve(1...1)
            let cancellation = Cancellation()
            var steps = 0
            let outcome = try trainer.train(epoch: 2, cancellation: cancellation) { _ in
                steps += 1
                if steps == 3, group.rank == 1 { cancellation.cancel() }
            }
            guard case .interrupted = outcome else { throw StarlingError(.failed, "rank \(group.rank) went on") }
            try trainer.write(to: folder, group)
            return steps
        }
        #expect(steps == [4, 4, 4])
        let resumed = try GlooRanks.run(3) { group in
            let trainer = try Self.trainer(groups, options, group)
            try trainer.restore(from: folder)
            return try Trained(trainer, 2...2)
        }
        #expect(resumed[0].weights == whole[0].weights && resumed[0].curve[0] == whole[0].curve[1])
    }

    /// The loop writes checkpoints on rank 0, of what all hold, and ends on every rank with the weights of the best epoch.
    @Test func theLoopKeepsWhatAllRanksHold() throws {
        let groups = Groups()
        var options = groups.options
        options.embeddings.learningRate = 0.2
        let made = options
        let results = try GlooRanks.run(3) { group in
            let trainer = try Self.trainer(groups, made, group)
            var loop = TrainingLoop(epochs: 12)
            loop.earlyStopping = EarlyStopping(metric: WatchedMetric("val_auc"), patience: 1)
            let result = try loop.train(trainer, ranks: group)
            #expect(result.epochs.count > result.bestEpoch ?? .max)
            return (sha256: result.weightsSHA256, best: result.bestEpoch, weights: try trainer.tensors())
        }
        #expect(results.allSatisfy { $0.sha256 == results[0].sha256 && $0.best == results[0].best })
        let best = try #require(results[0].best)
        let alone = try Trained(Self.trainer(groups, options), 1...best)
        #expect(distance(alone.weights, results[0].weights) < 0.03 * distance(alone.weights, alone.start))
    }

    @Test func otherPlansAreRefused() throws {
        let groups = Groups()
        var options = groups.options
        options.sharding = try Self.plan(groups, options, .rows, ranks: 2)
        #expect { try Self.trainer(groups, options) } throws: {
            ($0 as? StarlingError)?.what.contains("for 2 ranks, and there are 1") == true
        }
    }

    /// The scaling model's bytes are those that ranks send: a table that is cut, and one that all have.
    @Test(arguments: [2, 3, 4]) func theScalingModelKnowsTheBytes(ranks: Int) throws {
        let log = try SyntheticRatings(users: 20_000, items: 2000, interactions: 200_000, seed: 3).log()
        let history = log.pairMatrix(workers: Workers(threads: 1))
        var options = TwoTowerOptions()
        (options.factors, options.batchSize, options.epochs) = (16, 2048, 1)
        let trained = options
        let sent = try GlooRanks.run(ranks) { group in
            let trainer = try TwoTower.trainer(
                on: history, users: log.users, items: log.items, options: trained, ranks: group,
                workers: Workers(threads: 1))
            let before = group.sentBytes
            _ = try trainer.train(epoch: 1, cancellation: Cancellation(), progress: { _ in })
            return group.sentBytes - before
        }.reduce(0, +)
        let model = TwoTowerScaling(
            users: log.users.count, items: log.items.count, interactions: log.count, factors: 16, batchSize: 2048,
            histories: [HistoryLengths(history), HistoryLengths(history.transposed())])
        let planned = model.plan(on: Cluster(nodes: ranks, threads: 1, cores: 1), .builtIn).sentBytes
        #expect(abs(Double(sent) / Double(planned) - 1) < 0.03, "\(sent) and \(planned)")
    }
}
