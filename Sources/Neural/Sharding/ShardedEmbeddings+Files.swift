import Basics
package import Formats
import Kernels

/// Weights and state as the tensors of tables that are not cut, so that a checkpoint can be taken up under another plan.
extension ShardedEmbeddings {
    /// Where a shard keeps rows of floats: `row(r)` is at `base` + r · `stride`.
    private typealias Rows = (base: UnsafeMutablePointer<Float>, stride: Int)

    package func weights(_ prefix: String) -> [TensorSource] {
        tables.map { table in joined(prefix + table.plan.name, table, blocks: [0], of: width, Self.vectors) }
    }

    package func optimizerState(_ prefix: String) -> [TensorSource] {
        tables.flatMap { table -> [TensorSource] in
            let name = prefix + table.plan.name
            return (optimizer.hasRowState ? [rowStates(name + ".rows", table)] : [])
                + (blocks.isEmpty
                    ? [] : [joined(name + optimizer.stateName, table, blocks: blocks, of: stride, Self.state)])
        }
    }

    package func restore(_ prefix: String, weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        for table in tables {
            let name = prefix + table.plan.name
            try fill(table, blocks: [0], of: width, from: weights.tensor(name), Self.vectors)
            if optimizer.hasRowState { try fillRowStates(table, from: file.tensor(name + ".rows")) }
            if !blocks.isEmpty {
                try fill(table, blocks: blocks, of: stride, from: file.tensor(name + optimizer.stateName), Self.state)
            }
        }
    }

    private var stride: Int { FactorTable.stride(width) }

    /// The numbers of a row's blocks of state: sums, or two moments.
    private var blocks: [Int] { Array(0..<optimizer.stateWidth(stride: stride) / stride) }

    private static func vectors(_ shard: EmbeddingTable, _ block: Int) -> Rows {
        (shard.table.base, shard.table.stride)
    }

    private static func state(_ shard: EmbeddingTable, _ block: Int) -> Rows {
        (shard.state.base + block * shard.table.stride, shard.state.stride)
    }

    /// `[rows × (blocks · length)]`, row by row.
    private func joined(
        _ name: String, _ table: Table, blocks: [Int], of length: Int,
        _ rows: @escaping (EmbeddingTable, Int) -> Rows
    ) -> TensorSource {
        let shape = [table.plan.rows, blocks.count * length]
        return TensorSource(name: name, elementType: .float32, shape: shape) { [self] sink in
            var line = [Float](repeating: 0, count: shape[1])
            for row in 0..<shape[0] {
                line.withUnsafeMutableBufferPointer { line in
                    forEachPart(of: row, table, blocks: blocks, of: length, rows) { part, place in
                        _ = UnsafeMutableBufferPointer(rebasing: line[place...]).update(from: part)
                    }
                }
                try line.withUnsafeBytes(sink)
            }
        }
    }

    private func fill(
        _ table: Table, blocks: [Int], of length: Int, from tensor: TensorView,
        _ rows: (EmbeddingTable, Int) -> Rows
    ) throws {
        let shape = [table.plan.rows, blocks.count * length]
        let values = try tensor.expect(.float32, shape: shape).floats()
        values.withUnsafeBufferPointer { values in
            for row in 0..<shape[0] {
                forEachPart(of: row, table, blocks: blocks, of: length, rows) { part, place in
                    let start = row * shape[1] + place
                    _ = part.update(from: values[start..<start + part.count])
                }
            }
        }
    }

    /// Calls `body` with what each shard has of a row, and where in the joined row it stands.
    private func forEachPart(
        of row: Int, _ table: Table, blocks: [Int], of length: Int, _ rows: (EmbeddingTable, Int) -> Rows,
        _ body: (UnsafeMutableBufferPointer<Float>, Int) -> Void
    ) {
        for (shard, cut) in zip(table.shards, table.plan.shards) where cut.rows.contains(row) {
            for block in blocks {
                let own = rows(shard, block)
                let start = own.base + (row - cut.rows.lowerBound) * own.stride
                body(
                    UnsafeMutableBufferPointer(start: start, count: cut.columns.count),
                    block * length + cut.columns.lowerBound)
            }
        }
    }

    /// `[rows]`; of a table that is cut by columns `[shards × rows]`, since each shard sums the squares of its own.
    private func rowStates(_ name: String, _ table: Table) -> TensorSource {
        let rows = table.plan.rows
        let shape = table.shards.count > 1 && table.plan.kind == .columnWise ? [table.shards.count, rows] : [rows]
        return TensorSource(name: name, elementType: .float32, shape: shape) { sink in
            for shard in table.shards {
                try sink(UnsafeRawBufferPointer(start: shard.rowState.base, count: 4 * shard.rowState.count))
            }
        }
    }

    /// From another number of shards of columns each takes their mean.
    private func fillRowStates(_ table: Table, from tensor: TensorView) throws {
        let stored = try EmbeddingTable.rowStates(in: tensor, rows: table.plan.rows)
        let isSame = table.plan.kind == .columnWise && stored.count == table.shards.count
        for (number, (shard, cut)) in zip(table.shards, table.plan.shards).enumerated() {
            for row in cut.rows {
                shard.rowState.base[row - cut.rows.lowerBound] =
                    isSame ? stored[number][row] : EmbeddingTable.mean(stored, row)
            }
        }
    }
}
