import Basics
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// Plans for embedding tables, and training by them.
@Suite struct PlannerTests {
    let optimizer = EmbeddingOptimizer()

    /// Shards of a table lie beside one another and cover it.
    func check(_ table: EmbeddingShardingPlan.Table) {
        guard table.kind != .dataParallel else {
            #expect(table.shards.allSatisfy { $0.rows == 0..<table.rows && $0.columns == 0..<table.width })
            return
        }
        let cells = table.shards.reduce(0) { $0 + $1.rows.count * $1.columns.count }
        #expect(cells == table.rows * table.width)
        for (left, right) in zip(table.shards, table.shards.dropFirst()) {
            #expect(
                left.rows.upperBound == right.rows.lowerBound || left.columns.upperBound == right.columns.lowerBound)
        }
    }

    @Test func everythingIsWholeOnOneRank() throws {
        let loads = [
            EmbeddingLoad("a", rows: 1000, width: 64, lookups: 1), .init("b", rows: 20, width: 64, lookups: 3),
        ]
        let plan = try EmbeddingShardingPlan.planned(loads, ranks: 1, memory: 1 << 30, optimizer: optimizer)
        #expect(plan.tables.map(\.kind) == [.tableWise, .tableWise] && plan.tables.map(\.name) == ["a", "b"])
        #expect(plan.bytes(optimizer) == [4 * 1020 * 65])
    }

    /// A table too large for a rank is cut, small ones are everywhere, middling ones are spread.
    @Test func tablesGoWhereTheyFit() throws {
        let loads =
            [
                EmbeddingLoad("huge", rows: 10_000_000, width: 64, lookups: 1),
                .init("small", rows: 30, width: 64, lookups: 2),
                .init("wide", rows: 3, width: 4_000_000, lookups: 0.1),
            ] + (0..<6).map { EmbeddingLoad("middle \($0)", rows: 100_000, width: 64, lookups: 1) }
        let memory = 1_200_000_000
        let plan = try EmbeddingShardingPlan.planned(loads, ranks: 4, memory: memory, optimizer: optimizer)
        let kinds = Dictionary(uniqueKeysWithValues: plan.tables.map { ($0.name, $0.kind) })
        #expect(kinds["huge"] == .rowWise && kinds["small"] == .dataParallel && kinds["wide"] == .columnWise)
        #expect((0..<6).allSatisfy { kinds["middle \($0)"] == .tableWise })
        // Six tables on four ranks: none has more than two.
        let ranks = plan.tables.filter { $0.kind == .tableWise }.map { $0.shards[0].rank }
        #expect((0..<4).allSatisfy { rank in ranks.count { $0 == rank } <= 2 })
        #expect(plan.bytes(optimizer).allSatisfy { $0 <= memory })
        for table in plan.tables { check(table) }
        #expect(plan.tables.map(\.name) == loads.map(\.name))
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let loads = [EmbeddingLoad("huge", rows: 10_000_000, width: 64, lookups: 1)]
        for ranks in [1, 2] {
            #expect {
                try EmbeddingShardingPlan.planned(loads, ranks: ranks, memory: 1_000_000_000, optimizer: optimizer)
            } throws: { ($0 as? StarlingError)?.code == .outOfMemory }
        }
    }

    /// Any number of tables, ranks and sizes: a plan covers its tables and stays within memory, or says that it cannot.
    @Test func plansHoldForRandomTables() throws {
        var random = RandomStream(seed: 5, .test)
        var planned = 0
        for _ in 0..<500 {
            let loads = (0..<1 + random.below(8)).map { number in
                EmbeddingLoad(
                    "t\(number)", rows: 1 + random.below(200_000), width: 1 + random.below(200),
                    lookups: random.uniform() * 4)
            }
            let (ranks, memory) = (1 + random.below(9), 1 << (18 + random.below(10)))
            guard
                let plan = try? EmbeddingShardingPlan.planned(
                    loads, ranks: ranks, memory: memory, optimizer: optimizer)
            else { continue }
            planned += 1
            for (table, load) in zip(plan.tables, loads) {
                check(table)
                #expect(table.name == load.name && table.shards.allSatisfy { $0.rank < ranks })
            }
            #expect(plan.bytes(optimizer).allSatisfy { $0 <= memory })
        }
        #expect(planned > 100)
    }
}

/// Training by plans on one rank.
@Suite(torch, .serialized) struct ShardingTests {
    static let ways: [(String, @Sendable (EmbeddingLoad) -> EmbeddingShardingPlan.Table)] = [
        ("whole", { .init($0.name, rows: $0.rows, width: $0.width, .tableWise, ranks: [0]) }),
        ("replicated", { .init($0.name, rows: $0.rows, width: $0.width, .dataParallel, ranks: [0]) }),
        ("rows", { .init($0.name, rows: $0.rows, width: $0.width, .rowWise, ranks: [0, 0, 0]) }),
        ("columns", { .init($0.name, rows: $0.rows, width: $0.width, .columnWise, ranks: [0, 0, 0]) }),
    ]

    func plan(_ groups: Groups, _ options: TwoTowerOptions, _ way: String) throws -> EmbeddingShardingPlan {
        let loads = try TwoTower.embeddingLoads(
            on: groups.history, users: groups.users, items: groups.items, features: groups.features, options: options)
        #expect(loads.map(\.name) == ["user.id", "user.taste", "user.nothing", "item.id", "item.genres"])
        #expect(loads.last?.lookups == 2)
        // A table of few rows is cut by columns.
        let cut = try #require(Self.ways.first { $0.0 == way }).1
        let whole = Self.ways[0].1
        return EmbeddingShardingPlan(loads.map { $0.rows < 3 && way == "rows" ? whole($0) : cut($0) }, ranks: 1)
    }

    /// The same weights as without a plan, to the bit where the arithmetic is the same; row-wise Adagrad over column shards has
    /// one sum for each, as TorchRec's.
    @Test(arguments: ["rowwise-adagrad", "adagrad", "sgd", "adam"], ways.map(\.0))
    func trainsAsWithoutOne(optimizer: String, way: String) throws {
        let groups = Groups()
        var options = groups.options
        (options.factors, options.embeddings.kind) = (18, try #require(.init(rawValue: optimizer)))
        let plain = try groups.trainer(options)
        options.sharding = try plan(groups, options, way)
        let sharded = try groups.trainer(options)
        let one = try TwoTowerTests.train(plain, epochs: 1...3), other = try TwoTowerTests.train(sharded, epochs: 1...3)
        let same = way != "columns" || optimizer != "rowwise-adagrad"
        #expect(abs(one["train_loss"]! - other["train_loss"]!) < (same ? 1e-5 : 0.05))
        for tensor in plain.weights where same {
            let left = try TwoTowerTests.floats(plain, tensor.name),
                right = try TwoTowerTests.floats(sharded, tensor.name)
            #expect(left == right, "\(tensor.name)")
        }

        // A checkpoint goes on under another plan, and without one.
        let checkpoint = try Checkpoint(of: sharded)
        let again = try TwoTowerTests.train(sharded, epochs: 4...4)
        for next in [way, "rows", "columns", nil] {
            options.sharding = try next.map { try plan(groups, options, $0) }
            let resumed = try groups.trainer(options)
            try checkpoint.restore(resumed)
            let metrics = try TwoTowerTests.train(resumed, epochs: 4...4)
            if next == way {
                #expect(metrics == again)
            } else {
                #expect(abs(metrics["train_loss"]! - again["train_loss"]!) < 0.05, "\(next ?? "none")")
            }
        }
    }

    @Test func otherTablesAreRefused() throws {
        let groups = Groups()
        var options = groups.options
        options.sharding = EmbeddingShardingPlan(
            [.init("user.id", rows: 3, width: 16, .tableWise, ranks: [0])], ranks: 1)
        #expect { try groups.trainer(options) } throws: {
            ($0 as? StarlingError)?.what.contains("no table user.id of 121 rows") == true
        }
    }
}
