import Basics
import Formats
import Interactions
import Kernels
import Neural
import Synchronization
import Testing
import Torch
import Training

/// Transformers, and batches from shards, on several ranks.
@Suite(torch, .serialized) struct SequenceRankTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let loss: SSEPTOptions.LossKind
        var architecture = SSEPTOptions.Architecture.ssept
        var attendsToPadding = false, accumulation = 1, batchSize = 16
        var negatives: Int?
        var testDescription: String {
            "\(architecture) \(loss)\(attendsToPadding ? " padded" : "") \(accumulation) × \(batchSize)"
        }
    }

    static let cases = [
        Case(loss: .bce), Case(loss: .gbce, attendsToPadding: true), Case(loss: .sampledSoftmax, accumulation: 3),
        Case(loss: .softmax, architecture: .encoder), Case(loss: .bce, batchSize: 2),
    ]

    static func trainer(
        _ one: Case, _ ranks: any Communicator = OneRank(), change: (inout SSEPTOptions) -> Void = { _ in }
    ) throws -> any EpochTrainer {
        var options = SSEPTOptions()
        (options.architecture, options.loss, options.attendsToPadding) = (
            one.architecture, one.loss, one.attendsToPadding
        )
        (options.factors, options.userDim, options.maxLength, options.feedForward) = (10, 6, 12, 24)
        (options.batchSize, options.gradientAccumulation, options.heads) = (one.batchSize, one.accumulation, 2)
        options.negatives = one.negatives
        change(&options)
        func item(_ user: Int, _ place: Int) -> UInt32 { UInt32((place * (1 + user % 3) + user) % 40) }
        let histories = InteractionSequences(
            (0..<61).map { user in (0..<(user * 7) % 31).map { item(user, $0) } })
        let heldOut = InteractionLog(
            users: Vocabulary((0..<61).map { "\($0)" }), items: Vocabulary((0..<40).map { "\($0)" }),
            userRows: (0..<61).map { UInt32($0) }, itemRows: (0..<61).map { UInt32(($0 * 5) % 40) }, values: nil,
            times: nil)
        return try SSEPT.trainer(
            on: histories, users: heldOut.users, items: heldOut.items, validation: heldOut, options: options,
            ranks: ranks, workers: Workers(threads: 2))
    }

    /// Losses and weights are those of one rank, dropout included; every rank has the same bits.
    @Test(arguments: cases, [2, 3]) func learnsAsOneRank(_ one: Case, ranks: Int) throws {
        let alone = try RankTests.Trained(Self.trainer(one), 1...3)
        let several = try GlooRanks.run(ranks) { try RankTests.Trained(Self.trainer(one, $0), 1...3) }
        RankTests.check(alone, several)
        #expect(several.allSatisfy { $0.weights == several[0].weights && $0.moments == several[0].moments })
        // The first steps say it more sharply: before rounding has grown.
        let first = (alone.curve[0]["train_loss"]!, several[0].curve[0]["train_loss"]!)
        #expect(abs(first.0 - first.1) < 2e-6 * first.0)
    }

    /// A checkpoint is that of any number of ranks.
    @Test func checkpointsGoFromRanksToRanks() throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let whole = try RankTests.Trained(Self.trainer(Self.cases[0]), 1...2)
        _ = try GlooRanks.run(2) { group in
            let trainer = try Self.trainer(Self.cases[0], group)
            _ = try trainer.curve(1...1)
            if group.rank == 0 { try trainer.write(to: folder, OneRank()) }
        }
        for ranks in [1, 3] {
            let resumed = try GlooRanks.run(ranks) { group in
                let trainer = try Self.trainer(Self.cases[0], group)
                try trainer.restore(from: folder)
                return try trainer.curve(2...2)[0]["train_loss"]!
            }
            #expect(abs(resumed[0] - whole.curve[1]["train_loss"]!) < 1e-4)
        }
    }

    /// Of every batch each rank reads its part of the samples, and training goes as on one.
    @Test(arguments: [2, 3]) func ranksReadTheirPartsOfShards(ranks: Int) throws {
        let groups = Groups()
        var options = groups.options
        (options.batchSize, options.loss) = (50, .bpr)
        let made = options
        @Sendable func trainer(_ ranks: any Communicator, _ read: Counter) throws -> any EpochTrainer {
            try TwoTower.trainer(
                on: groups.history, users: groups.users, items: groups.items,
                shards: InteractionShards(Counted(StreamTests.Shards(groups.history, shards: 3), read)),
                validation: groups.heldOut, options: made, ranks: ranks, workers: Workers(threads: 2))
        }
        let alone = try RankTests.Trained(trainer(OneRank(), Counter()), 1...2)
        let read = (0..<ranks).map { _ in Counter() }
        let several = try GlooRanks.run(ranks) { try RankTests.Trained(trainer($0, read[$0.rank]), 1...2) }
        RankTests.check(alone, several)
        let counts = read.map(\.count)
        #expect(counts.reduce(0, +) == 2 * groups.history.entryCount)
        #expect(counts.max()! - counts.min()! <= 2 * (groups.history.entryCount / 50 + 1), "\(counts)")
    }

    /// What one rank cannot read, all are told.
    @Test func aBadShardEndsAllRanks() throws {
        let groups = Groups(), shards = StreamTests.Shards(groups.history, shards: 3)
        let errors = try GlooRanks.run(3) { group -> String in
            let source = Counted(shards, Counter(), fails: group.rank == 1)
            let trainer = try TwoTower.trainer(
                on: groups.history, users: groups.users, items: groups.items, shards: InteractionShards(source),
                options: groups.options, ranks: group, workers: Workers(threads: 2))
            do {
                _ = try trainer.curve(1...1)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(errors.allSatisfy { $0.contains("a shard is damaged") }, "\(errors)")
        #expect(errors.allSatisfy { $0.contains("rank 1: ") })
    }

    final class Counter: Sendable {
        private let total = Mutex(0)
        var count: Int { total.withLock { $0 } }
        func add(_ count: Int) { total.withLock { $0 += count } }
    }

    /// Shards that count the samples whose users are read.
    struct Counted: ShardSource {
        let shards: StreamTests.Shards
        let counter: Counter
        let fails: Bool

        init(_ shards: StreamTests.Shards, _ counter: Counter, fails: Bool = false) {
            (self.shards, self.counter, self.fails) = (shards, counter, fails)
        }

        var name: String { shards.name }
        var columns: [StreamColumn.Kind] { shards.columns }
        var counts: [Int] { shards.counts }

        func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
            if fails { throw StarlingError(.badData, "a shard is damaged") }
            return Shard(own: try shards.open(shard, cancellation: cancellation), counter: counter)
        }

        struct Shard: OpenShard {
            let own: any OpenShard
            let counter: Counter

            func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn {
                if column == 0 { counter.add(rows.count) }
                return try own.values(ofColumn: column, rows)
            }
        }
    }
}
