import Basics
package import Formats
import Kernels

/// Weights and state as the tensors of tables that are not cut, so that a checkpoint can be taken up under another plan, and
/// by another number of ranks. All ranks emit a tensor at the same time; rank 0 alone gets it, a few megabytes at a time.
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

    /// Takes what this rank has, from files that hold all of it.
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

    /// Shards that together are the table: of replicas, rank 0's.
    private func whole(_ table: Table) -> [Shard] {
        table.plan.kind == .dataParallel ? Array(table.shards.prefix(1)) : table.shards
    }

    /// Floats that are at a time on their way.
    private static let piece = 1 << 20

    /// `[rows × (blocks · length)]`, row by row.
    private func joined(
        _ name: String, _ table: Table, blocks: [Int], of length: Int,
        _ rows: @escaping (EmbeddingTable, Int) -> Rows
    ) -> TensorSource {
        let shape = [table.plan.rows, blocks.count * length]
        return TensorSource(name: name, elementType: .float32, shape: shape) { [self] sink in
            let step = max(1, Self.piece / shape[1])
            let lines = FactorTable(rows: 1, width: min(step, shape[0]) * shape[1])
            let part = FactorTable(rows: 1, width: lines.width)
            for first in Swift.stride(from: 0, to: shape[0], by: step) {
                let some = first..<min(shape[0], first + step)
                for shard in whole(table) {
                    let (own, columns) = (some.clamped(to: shard.cut.rows), shard.cut.columns)
                    try handOver(part, own.count * blocks.count * columns.count, of: shard) { source, target in
                        for (place, row) in own.enumerated() {
                            for block in blocks {
                                let kept = rows(source, block)
                                (target + (place * blocks.count + block) * columns.count).update(
                                    from: kept.base + (row - shard.cut.rows.lowerBound) * kept.stride,
                                    count: columns.count)
                            }
                        }
                    }
                    for place in ranks.rank == 0 ? 0..<own.count : 0..<0 {
                        let line = lines.base + (own.lowerBound + place - first) * shape[1]
                        for block in blocks {
                            (line + block * length + columns.lowerBound).update(
                                from: part.base + (place * blocks.count + block) * columns.count, count: columns.count)
                        }
                    }
                }
                if ranks.rank == 0 {
                    try sink(UnsafeRawBufferPointer(start: lines.base, count: 4 * some.count * shape[1]))
                }
            }
        }
    }

    /// Brings `count` floats of a shard to `buffer` on rank 0; `pack` puts them there on the rank that has the shard.
    private func handOver(
        _ buffer: borrowing FactorTable, _ count: Int, of shard: Shard,
        _ pack: (EmbeddingTable, UnsafeMutablePointer<Float>) -> Void
    ) throws {
        guard count > 0 else { return }
        if let own = shard.own { pack(own, buffer.base) }
        guard shard.cut.rank != 0 else { return }
        let bytes = UnsafeMutableRawBufferPointer(start: buffer.base, count: 4 * count)
        if ranks.rank == 0 { try ranks.receive(bytes, from: shard.cut.rank).wait() }
        if shard.own != nil { try ranks.send(UnsafeRawBufferPointer(bytes), to: 0).wait() }
    }

    private func fill(
        _ table: Table, blocks: [Int], of length: Int, from tensor: TensorView,
        _ rows: (EmbeddingTable, Int) -> Rows
    ) throws {
        let width = blocks.count * length
        try tensor.expect(.float32, shape: [table.plan.rows, width]).withUnsafeBytes { bytes in
            for shard in table.shards {
                guard let own = shard.own else { continue }
                for (place, row) in shard.cut.rows.enumerated() {
                    for block in blocks {
                        let kept = rows(own, block)
                        UnsafeMutableRawPointer(kept.base + place * kept.stride).copyMemory(
                            from: bytes.baseAddress! + 4
                                * (row * width + block * length + shard.cut.columns.lowerBound),
                            byteCount: 4 * shard.cut.columns.count)
                    }
                }
            }
        }
    }

    /// `[rows]`; of a table that is cut by columns `[shards × rows]`, since each shard sums the squares of its own.
    private func rowStates(_ name: String, _ table: Table) -> TensorSource {
        let (rows, shards) = (table.plan.rows, whole(table))
        let shape = shards.count > 1 && table.plan.kind == .columnWise ? [shards.count, rows] : [rows]
        return TensorSource(name: name, elementType: .float32, shape: shape) { [self] sink in
            let part = FactorTable(rows: 1, width: min(Self.piece, rows))
            for shard in shards {
                for first in Swift.stride(from: 0, to: shard.cut.rows.count, by: Self.piece) {
                    let count = min(Self.piece, shard.cut.rows.count - first)
                    try handOver(part, count, of: shard) { source, target in
                        target.update(from: source.rowState.base + first, count: count)
                    }
                    if ranks.rank == 0 { try sink(UnsafeRawBufferPointer(start: part.base, count: 4 * count)) }
                }
            }
        }
    }

    /// From another number of shards of columns each takes their mean.
    private func fillRowStates(_ table: Table, from tensor: TensorView) throws {
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
