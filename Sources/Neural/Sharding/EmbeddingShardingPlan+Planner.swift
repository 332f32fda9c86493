import Basics

extension EmbeddingShardingPlan {
    /// All tables in one way: whole ones to ranks in turn, as are those that have less than a row or column for each rank.
    public init(_ loads: [EmbeddingLoad], all kind: Kind, ranks: Int) {
        let tables = loads.enumerated().map { index, load in
            let parts = kind == .columnWise ? load.width : load.rows
            let isWhole = kind == .tableWise || kind != .dataParallel && parts < ranks
            return Table(
                load.name, rows: load.rows, width: load.width, isWhole ? .tableWise : kind,
                ranks: isWhole ? [index % ranks] : Array(0..<ranks))
        }
        self.init(tables, ranks: ranks)
    }

    /// A plan that fits into memory and evens out what ranks look up.
    ///
    /// By these rules, largest table first:
    /// 1. on one rank everything is table-wise;
    /// 2. a table of at most `replicated` bytes is data-parallel, if that fits: sending its gradients costs less than a round
    ///    of requests;
    /// 3. a table of more than its share of the memory, or that looks up more than a rank's share of all, is cut: by rows if
    ///    it has at least as many as ranks, otherwise by columns;
    /// 4. others go whole to the rank that has the least to look up among those with room.
    ///
    /// - Parameter memory: bytes for tables and optimiser state on each rank.
    /// - Throws: `outOfMemory` saying how much is missing, if tables do not fit however they are cut.
    /// - Complexity: O(tables · (ranks + log tables))
    public static func planned(
        _ loads: [EmbeddingLoad], ranks: Int, memory: Int, optimizer: EmbeddingOptimizer, replicated: Int = 1 << 20
    ) throws -> EmbeddingShardingPlan {
        precondition(ranks >= 1, "at least one rank")
        var room = [Int](repeating: memory, count: ranks)
        var work = [Double](repeating: 0, count: ranks)
        let share = loads.reduce(0) { $0 + $1.lookups * Double($1.width) } / Double(ranks)
        var tables = [Table?](repeating: nil, count: loads.count)
        for index in loads.indices.sorted(by: { loads[$0].bytes(optimizer) > loads[$1].bytes(optimizer) }) {
            let load = loads[index]
            let (bytes, lookups) = (load.bytes(optimizer), load.lookups * Double(load.width))
            func table(_ kind: Kind, _ ranks: [Int]) -> Table {
                Table(load.name, rows: load.rows, width: load.width, kind, ranks: ranks)
            }
            let all = Array(0..<ranks)
            let chosen: Table
            if ranks > 1, bytes <= replicated, room.allSatisfy({ $0 >= bytes }) {
                chosen = table(.dataParallel, all)
            } else if ranks > 1, bytes > memory / ranks || lookups > share, max(load.rows, load.width) >= ranks {
                chosen = table(load.rows >= ranks ? .rowWise : .columnWise, all)
            } else {
                let fitting = all.filter { room[$0] >= bytes }
                let pick = (fitting.isEmpty ? all : fitting).min { (work[$0], $0) < (work[$1], $1) }!
                chosen = table(.tableWise, [pick])
            }
            tables[index] = chosen
            for shard in chosen.shards {
                room[shard.rank] -= EmbeddingLoad.bytes(
                    rows: shard.rows.count, width: shard.columns.count, optimizer)
                work[shard.rank] += chosen.kind == .dataParallel ? 0 : lookups / Double(chosen.shards.count)
            }
        }
        if let worst = room.min(), worst < 0 {
            throw StarlingError(
                .outOfMemory,
                "embeddings do not fit: a rank of \(ranks) has \(Numerals.bytes(memory)) and lacks "
                    + Numerals.bytes(-worst),
                remedy:
                    "use more ranks or fewer --factors; with two towers also --user-buckets and --item-buckets, or row-wise Adagrad"
            )
        }
        return EmbeddingShardingPlan(tables.map { $0! }, ranks: ranks)
    }

    /// The same for ranks that share the memory of the machines they run on; one plan for all of them.
    ///
    /// - Throws: as ``planned(_:ranks:memory:optimizer:replicated:)`` does.
    static func planned(
        _ loads: [EmbeddingLoad], for ranks: any Communicator, optimizer: EmbeddingOptimizer
    ) throws -> EmbeddingShardingPlan {
        // Where it cannot be told, tables are taken to fit.
        let own = Host.memoryInUse()?.total ?? 1 << 48
        let (hosts, totals) = (try ranks.allGather(Array(Host.name.utf8)), try ranks.allGather(own))
        let memory = zip(hosts, totals).map { host, total in total / hosts.count { $0 == host } }.min()!
        return try planned(loads, ranks: ranks.size, memory: memory, optimizer: optimizer)
    }
}
