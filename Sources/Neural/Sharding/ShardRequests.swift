import Basics

/// Which rows this rank asks other ranks' shards for, and which the others ask its own for: all ranks make it at the same time.
struct ShardRequests<Own: TableShard> {
    /// What this rank asks of a shard.
    struct Asked {
        let table: Int
        let cut: EmbeddingShardingPlan.Shard
        /// Among the rows that this rank's part of a batch uses of the table.
        let places: Range<Int>
        /// Where their floats begin among those of all that is asked.
        let first: Int
    }

    /// What another rank asks of a shard here.
    struct Asking {
        let shard: Own
        let cut: EmbeddingShardingPlan.Shard
        /// Of the shard, rising.
        let rows: ArraySlice<UInt32>
        /// Where their floats begin among those of all that are asking.
        let first: Int
    }

    /// Of each rank, which has them in one order.
    private(set) var asked: [[Asked]] = []
    /// By each rank; shards are in one order for all.
    private(set) var asking: [[Asking]] = []
    /// To and from each rank.
    private(set) var askedFloats: [Int] = [], askingFloats: [Int] = []

    /// - Parameters:
    ///   - rows: that this rank's part of a batch uses of each table, rising.
    ///   - changes: whether all shards are asked, replicas and this rank's own as well; otherwise those that this rank lacks.
    /// - Complexity: sends 8 bytes a shard, and 4 a row.
    init(_ tables: [ShardedTable<Own>], _ rows: [[UInt32]], changes: Bool, _ ranks: any Communicator) throws {
        let shards = (0..<ranks.size).map { rank in
            tables.enumerated().flatMap { index, table in
                table.shards.filter { $0.cut.rank == rank && (changes || table.plan.kind != .dataParallel) }
                    .map { (table: index, shard: $0) }
            }
        }
        let takesPart = (0..<ranks.size).map { changes || $0 != ranks.rank }
        var end = 0
        for rank in 0..<ranks.size {
            let first = end
            asked.append(
                takesPart[rank]
                    ? shards[rank].map { table, shard in
                        let places = rows[table].places(in: shard.cut.rows)
                        defer { end += places.count * shard.cut.columns.count }
                        return Asked(table: table, cut: shard.cut, places: places, first: end)
                    } : [])
            askedFloats.append(end - first)
        }
        let own = shards[ranks.rank]
        let counts = try ranks.allToAll(
            asked.joined().map { Int($0.places.count) }, counts: asked.map(\.count),
            received: takesPart.map { $0 ? own.count : 0 })
        var next = counts[...]
        let countsOf = takesPart.map { takesPart in
            let count = takesPart ? own.count : 0
            defer { next = next.dropFirst(count) }
            return Array(next.prefix(count))
        }
        let found = try ranks.allToAll(
            asked.joined().flatMap { one in rows[one.table][one.places].map { $0 - UInt32(one.cut.rows.lowerBound) } },
            counts: asked.map { $0.reduce(0) { $0 + $1.places.count } },
            received: countsOf.map { $0.reduce(0, +) })
        var (row, float) = (0, 0)
        for counts in countsOf {
            let first = float
            asking.append(
                zip(own, counts).map { own, count in
                    defer { (row, float) = (row + count, float + count * own.shard.cut.columns.count) }
                    return Asking(
                        shard: own.shard.own!, cut: own.shard.cut, rows: found[row..<row + count], first: float)
                })
            askingFloats.append(float - first)
        }
    }
}
