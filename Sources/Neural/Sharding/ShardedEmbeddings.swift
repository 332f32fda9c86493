package import Basics
import CKernels
package import Kernels
package import Torch

/// Tables that a plan cuts into shards, each in the memory of one rank. A step fetches each row that a rank's part of the batch
/// uses once, works on those, and gives the sums of their gradients back to the shards, which add them up in the order of
/// ranks and change each row once. Whole tables that every rank has get all ranks' gradients.
package final class ShardedEmbeddings: EmbeddingCollection {
    let tables: [ShardedTable<EmbeddingTable>]
    let width: Int
    let optimizer: EmbeddingOptimizer
    let ranks: any Communicator
    let library: TorchLibrary
    private let isa: InstructionSet

    /// - Parameters:
    ///   - plan: of these features' tables, in their order, for as many ranks.
    ///   - ranks: all make the same calls, each with its part of a batch.
    package init(
        _ features: [FeatureBags], _ plan: EmbeddingShardingPlan, width: Int, _ optimizer: EmbeddingOptimizer,
        seed: UInt64, stream: UInt64, ranks: any Communicator = OneRank(), isa: InstructionSet
    ) throws {
        precondition(
            plan.ranks == ranks.size && plan.tables.map(\.name) == features.map(\.name), "a plan of other tables")
        (self.width, self.optimizer, self.ranks, self.isa) = (width, optimizer, ranks, isa)
        library = try TorchLibrary.opened()
        tables = zip(features, plan.tables).enumerated().map { index, feature in
            let (bags, plan) = feature
            precondition(plan.rows == bags.tableRows && plan.width == width, "a plan of another size of \(bags.name)")
            return ShardedTable(plan, ranks) { cut in
                EmbeddingTable(
                    bags.name, rows: cut.rows, columns: cut.columns, width: width, optimizer, seed: seed,
                    index: stream << 32 | UInt64(index), isa: isa)
            }
        }
    }

    /// Bytes of embeddings and optimiser state that this rank has of each table.
    package var bytesHeld: [Int] {
        tables.map { table in table.shards.reduce(0) { $0 + ($1.own?.bytes ?? 0) } }
    }

    package func pooled(_ inputs: [EmbeddingInput]) throws -> Tensor {
        let count = inputs[0].entities.count
        let pooled = try Tensor.empty([count, inputs.count * width])
        let touched = inputs.map { TouchedRows($0.bags, $0.entities) }
        let fetched = try FetchedRows(touched.map(\.rows), of: tables, ranks)
        try pooled.withMemory(as: Float.self) { memory in
            let places = (0..<count).map { UInt32($0) }
            for (index, input) in inputs.enumerated() {
                let touched = touched[index]
                let rows = FactorTable(rows: touched.rows.count, width: width)
                fetched.copy(table: index, to: ShardRows(base: rows.base, stride: rows.stride))
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
        let touched = inputs.map { TouchedRows($0.bags, $0.entities) }
        try gradient.contiguous().withMemory(as: Float.self) { gradients in
            var changes = ranks.size > 1 ? try RowGradients(of: touched.map(\.rows), tables, ranks) : nil
            for (index, touched) in touched.enumerated() {
                let sums = try summed(touched, gradients.baseAddress! + index * width, inputs.count * width)
                if changes != nil {
                    changes!.add(table: index, ShardRows(base: sums.base, stride: sums.stride))
                    continue
                }
                try tables[index].forEachShard(touched.rows) { shard, cut, own in
                    let rows = touched.rows[own].map { $0 - UInt32(cut.rows.lowerBound) }
                    try shard.update(
                        TouchedRows(each: rows), sums.base + own.lowerBound * sums.stride + cut.columns.lowerBound,
                        sums.stride, on: library)
                }
            }
            try changes?.send { shard, rows, gradients in
                try shard.update(
                    TouchedRows(
                        FeatureBags("", tableRows: shard.table.rows, rows: rows), rows.indices.map { UInt32($0) }),
                    gradients, shard.table.width, on: library)
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
}
