import Basics

/// Floats of a shard in memory: those of its row r are at `base` + r · `stride`.
struct ShardRows {
    let base: UnsafeMutablePointer<Float>
    let stride: Int
}

/// A shard in this rank's memory.
protocol TableShard: AnyObject {
    /// Its vectors; valid while it lives.
    var vectors: ShardRows { get }
}

/// A table as a plan cuts it, with the shards that this rank has.
struct ShardedTable<Own: TableShard> {
    struct Shard {
        let cut: EmbeddingShardingPlan.Shard
        /// nil if it is another rank's.
        let own: Own?
    }

    let plan: EmbeddingShardingPlan.Table
    let shards: [Shard]

    /// - Parameter make: makes a shard of this rank.
    init(
        _ plan: EmbeddingShardingPlan.Table, _ ranks: any Communicator,
        _ make: (EmbeddingShardingPlan.Shard) throws -> Own
    ) rethrows {
        self.plan = plan
        // A replica is enough for a rank.
        let cuts =
            plan.kind == .dataParallel
            ? (0..<ranks.size).map { rank in plan.shards.first { $0.rank == rank }! } : plan.shards
        shards = try cuts.map { Shard(cut: $0, own: $0.rank == ranks.rank ? try make($0) : nil) }
    }

    /// Calls `body` for every shard of this rank that has some of the rising `rows`, with where those are among them.
    func forEachShard(
        _ rows: [UInt32], _ body: (Own, EmbeddingShardingPlan.Shard, _ places: Range<Int>) throws -> Void
    ) rethrows {
        for shard in shards {
            guard let own = shard.own else { continue }
            let places = rows.places(in: shard.cut.rows)
            if !places.isEmpty { try body(own, shard.cut, places) }
        }
    }
}
