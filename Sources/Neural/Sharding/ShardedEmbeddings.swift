import CKernels
package import Kernels
package import Torch

/// Tables that a plan cuts into shards. A step fetches each row that its batch uses once, works on those, and gives the sums
/// of their gradients back to the shards, which change their rows: what the ranks of a group do for one another, here for
/// the shards of one rank.
package final class ShardedEmbeddings: EmbeddingCollection {
    struct Table {
        let plan: EmbeddingShardingPlan.Table
        /// Beside the plan's.
        let shards: [EmbeddingTable]
    }

    let tables: [Table]
    let width: Int
    let optimizer: EmbeddingOptimizer
    private let library: TorchLibrary
    private let isa: InstructionSet

    /// - Parameter plan: of these features' tables, in their order; all shards are on rank 0.
    package init(
        _ features: [FeatureBags], _ plan: EmbeddingShardingPlan, width: Int, _ optimizer: EmbeddingOptimizer,
        seed: UInt64, stream: UInt64, isa: InstructionSet
    ) throws {
        precondition(plan.ranks == 1 && plan.tables.map(\.name) == features.map(\.name), "a plan of other tables")
        (self.width, self.optimizer, self.isa) = (width, optimizer, isa)
        library = try TorchLibrary.opened()
        tables = zip(features, plan.tables).enumerated().map { index, feature in
            let (bags, plan) = feature
            precondition(plan.rows == bags.tableRows && plan.width == width, "a plan of another size of \(bags.name)")
            // A replica is enough for the one rank there is.
            let cuts = plan.kind == .dataParallel ? plan.shards.prefix(1) : plan.shards[...]
            let shards = cuts.map { shard in
                EmbeddingTable(
                    bags.name, rows: shard.rows, columns: shard.columns, width: width, optimizer, seed: seed,
                    index: stream << 32 | UInt64(index), isa: isa)
            }
            return Table(plan: plan, shards: shards)
        }
    }

    package func pooled(_ inputs: [EmbeddingInput]) throws -> Tensor {
        let count = inputs[0].entities.count
        let pooled = try Tensor.empty([count, inputs.count * width])
        try pooled.withMemory(as: Float.self) { memory in
            let places = (0..<count).map { UInt32($0) }
            for (index, input) in inputs.enumerated() {
                let touched = TouchedRows(input.bags, input.entities)
                let rows = FactorTable(rows: touched.rows.count, width: width)
                forEachShard(of: tables[index], touched.rows) { shard, cut, own in
                    for place in own {
                        let row = Int(touched.rows[place]) - cut.rows.lowerBound
                        (rows.base + place * rows.stride + cut.columns.lowerBound)
                            .update(from: shard.table.base + row * shard.table.stride, count: cut.columns.count)
                    }
                }
                let bags = input.bags(among: touched.rows)
                places.withUnsafeBufferPointer {
                    EmbeddingTable.pool(
                        rows, bags, $0, into: memory.baseAddress! + index * width, inputs.count * width, isa)
                }
            }
        }
        return pooled
    }

    package func update(_ inputs: [EmbeddingInput], _ gradient: Tensor) throws {
        try gradient.contiguous().withMemory(as: Float.self) { gradients in
            for (index, input) in inputs.enumerated() {
                let touched = TouchedRows(input.bags, input.entities)
                let sums = try summed(touched, gradients.baseAddress! + index * width, inputs.count * width)
                try forEachShard(of: tables[index], touched.rows) { shard, cut, own in
                    let rows = touched.rows[own].map { $0 - UInt32(cut.rows.lowerBound) }
                    try shard.update(
                        TouchedRows(each: rows), sums.base + own.lowerBound * sums.stride + cut.columns.lowerBound,
                        sums.stride, on: library)
                }
            }
        }
    }

    /// The sums of the rows' gradients, `[touched rows × width]`.
    private func summed(
        _ touched: TouchedRows, _ gradients: UnsafePointer<Float>, _ gradientStride: Int
    ) throws -> FactorTable {
        let sums = FactorTable(rows: touched.rows.count, width: width)
        // A step of gradient ascent from zero.
        var embed = sk_embed(
            kind: Int32(SK_EMBED_SGD), rate: -1, epsilon: 0, beta1: 0, beta2: 0, width: width, stride: sums.stride,
            table: sums.base, rows: nil, state: nil)
        let rows = touched.rows.indices.map { UInt32($0) }
        let (stride, isa) = (sums.stride, isa.rawValue)
        try withUnsafePointer(to: &embed) { embed in
            nonisolated(unsafe) let (embed, gradients) = (embed, gradients)
            try library.parallel(rows.count) { part in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: stride) { sum in
                    sk_embed_update(
                        embed, rows, touched.starts, part.lowerBound, part.upperBound, touched.samples, touched.weights,
                        gradients, gradientStride, sum.baseAddress!, isa)
                }
            }
        }
        return sums
    }

    /// Calls `body` for every shard that has some of the rising `rows`, with where those are among them.
    private func forEachShard(
        of table: Table, _ rows: [UInt32],
        _ body: (EmbeddingTable, EmbeddingShardingPlan.Shard, _ places: Range<Int>) throws -> Void
    ) rethrows {
        for (shard, cut) in zip(table.shards, table.plan.shards) {
            let places = rows.place(ofFirst: cut.rows.lowerBound)..<rows.place(ofFirst: cut.rows.upperBound)
            if !places.isEmpty { try body(shard, cut, places) }
        }
    }

}
