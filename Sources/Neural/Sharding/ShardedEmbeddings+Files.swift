import Basics
package import Formats
import Kernels

/// Weights and state as the tensors of tables that are not cut, so that a checkpoint can be taken up under another plan, and
/// by another number of ranks. All ranks emit a tensor at the same time; rank 0 alone gets it, a few megabytes at a time.
extension ShardedEmbeddings {
    package func weights(_ prefix: String) -> [TensorSource] {
        tables.map { table in
            table.source(prefix + table.plan.name, blocks: [0], of: width, ranks) { shard, _ in shard.vectors }
        }
    }

    package func optimizerState(_ prefix: String) -> [TensorSource] {
        tables.flatMap { table -> [TensorSource] in
            let name = prefix + table.plan.name
            return (optimizer.hasRowState ? [rowStates(name + ".rows", table)] : [])
                + (blocks.isEmpty
                    ? []
                    : [table.source(name + optimizer.stateName, blocks: blocks, of: stride, ranks, Self.state)])
        }
    }

    /// Takes what this rank has, from files that hold all of it.
    package func restore(_ prefix: String, weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        for table in tables {
            let name = prefix + table.plan.name
            try table.fill(blocks: [0], of: width, from: weights.tensor(name)) { shard, _ in shard.vectors }
            if optimizer.hasRowState { try fillRowStates(table, from: file.tensor(name + ".rows")) }
            if !blocks.isEmpty {
                try table.fill(
                    blocks: blocks, of: stride, from: file.tensor(name + optimizer.stateName), Self.state)
            }
        }
    }

    private var stride: Int { FactorTable.stride(width) }

    /// The numbers of a row's blocks of state: sums, or two moments.
    private var blocks: [Int] { Array(0..<optimizer.stateWidth(stride: stride) / stride) }

    private static func state(_ shard: EmbeddingTable, _ block: Int) -> ShardRows {
        ShardRows(base: shard.state.base + block * shard.table.stride, stride: shard.state.stride)
    }

    /// `[rows]`; of a table that is cut by columns `[shards × rows]`, since each shard sums the squares of its own.
    private func rowStates(_ name: String, _ table: ShardedTable<EmbeddingTable>) -> TensorSource {
        let (rows, shards) = (table.plan.rows, table.whole)
        let shape = shards.count > 1 && table.plan.kind == .columnWise ? [shards.count, rows] : [rows]
        return TensorSource(name: name, elementType: .float32, shape: shape) { [self] sink in
            let piece = ShardedTable<EmbeddingTable>.piece
            let part = FactorTable(rows: 1, width: min(piece, rows))
            for shard in shards {
                for first in Swift.stride(from: 0, to: shard.cut.rows.count, by: piece) {
                    let count = min(piece, shard.cut.rows.count - first)
                    try table.handOver(part, count, of: shard, ranks) { source, target in
                        target.update(from: source.rowState.base + first, count: count)
                    }
                    if ranks.rank == 0 { try sink(UnsafeRawBufferPointer(start: part.base, count: 4 * count)) }
                }
            }
        }
    }

    /// From another number of shards of columns each takes their mean.
    private func fillRowStates(_ table: ShardedTable<EmbeddingTable>, from tensor: TensorView) throws {
        let stored = try StoredRowStates(tensor, rows: table.plan.rows)
        let isSame = table.plan.kind == .columnWise && stored.shards == table.shards.count
        for (number, shard) in table.shards.enumerated() {
            guard let own = shard.own else { continue }
            for (place, row) in shard.cut.rows.enumerated() {
                own.rowState.base[place] = isSame ? stored[number, row] : stored.mean(row)
            }
        }
    }
}
