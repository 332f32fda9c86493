import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// Two towers whose batches come from shards.
@Suite(torch, .serialized) struct StreamTests {
    /// The interactions of a history, in shards in memory.
    struct Shards: ShardSource {
        let name = "shards"
        let columns = [StreamColumn.Kind("user", .integers), .init("item", .texts), .init("rating", .numbers)]
        let counts: [Int]
        let users, items: [UInt32]

        init(_ history: InteractionMatrix<UserRow, ItemRow>, shards: Int) {
            var users: [UInt32] = []
            for user in 0..<history.rowCount {
                users += [UInt32](repeating: UInt32(user), count: history[UserRow(user)].count)
            }
            (self.users, items) = (users, history.columns)
            counts = (0..<shards).map { users.count * ($0 + 1) / shards - users.count * $0 / shards }
        }

        func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
            Shard(source: self, first: counts[..<shard].reduce(0, +))
        }

        struct Shard: OpenShard {
            let source: Shards
            let first: Int

            func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) -> StreamColumn {
                let places = rows.map { first + Int($0) }
                return switch column {
                case 0: .integers(places.map { Int64(source.users[$0]) })
                case 1: .texts(places.map { "\(source.items[$0])" })
                default: .numbers(places.map { Float(source.items[$0] % 5) })
                }
            }
        }
    }

    func trainer(_ groups: Groups, _ options: TwoTowerOptions, shards: Int = 3) throws -> any EpochTrainer {
        try TwoTower.trainer(
            on: groups.history, users: groups.users, items: groups.items,
            shards: InteractionShards(Shards(groups.history, shards: shards)), validation: groups.heldOut,
            options: options, workers: Workers(threads: 2))
    }

    @Test func learnsAsFromMemory() throws {
        let groups = Groups()
        var options = groups.options
        options.learningRate = 0.01
        let metrics = try TwoTowerTests.train(trainer(groups, options), epochs: 1...12)
        #expect(metrics["val_recall@20"]! > 0.8 && metrics["val_auc"]! > 0.8, "\(metrics)")
        (options.loss, options.labelThreshold) = (.bce, 2)
        let labelled = try trainer(groups, options)
        let first = try TwoTowerTests.train(labelled, epochs: 1...1)
        #expect(try TwoTowerTests.train(labelled, epochs: 2...30)["train_loss"]! < first["train_loss"]! / 2)
    }

    /// In batches that do not divide an epoch, with accumulation, over several epochs: a trainer that is stopped within an
    /// epoch, written and restored ends with the bits of one that was not.
    @Test func goesOnWithinAnEpoch() throws {
        let groups = Groups()
        var options = groups.options
        (options.batchSize, options.gradientAccumulation) = (50, 3)
        let whole = try trainer(groups, options)
        _ = try TwoTowerTests.train(whole, epochs: 1...4)
        for stop in [1, 2, 5] {
            let first = try trainer(groups, options)
            _ = try TwoTowerTests.train(first, epochs: 1...2)
            let cancellation = Cancellation()
            var steps = 0
            let outcome = try first.train(epoch: 3, cancellation: cancellation) { _ in
                steps += 1
                if steps == stop { cancellation.cancel() }
            }
            guard case .interrupted = outcome else {
                Issue.record("the epoch ended before step \(stop)")
                continue
            }
            let stopped = try Checkpoint(of: first)
            let second = try trainer(groups, options)
            try stopped.restore(second)
            _ = try TwoTowerTests.train(second, epochs: 3...4)
            for name in ["user_factors", "item_factors"] {
                #expect(try TwoTowerTests.floats(second, name) == TwoTowerTests.floats(whole, name), "step \(stop)")
            }
        }
    }

    @Test func otherShardsAreRefused() throws {
        let groups = Groups(), other = Groups(seed: 2)
        #expect {
            try TwoTower.trainer(
                on: groups.history, users: groups.users, items: groups.items,
                shards: InteractionShards(Shards(other.history, shards: 2)), options: groups.options,
                workers: Workers(threads: 1))
        } throws: { ($0 as? StarlingError)?.what.contains("interactions, and the histories") == true }
    }
}
