import Basics
import Formats
import Kernels

/// What shards hold as the tensor of the table that is not cut.
extension ShardedTable {
    /// Shards that together are the table: of replicas, rank 0's.
    var whole: [Shard] {
        plan.kind == .dataParallel ? Array(shards.prefix(1)) : shards
    }

    /// Floats that are at a time on their way.
    static var piece: Int { 1 << 20 }

    /// `[rows × (blocks · length)]`, row by row. All ranks emit it at the same time, and rank 0 alone gets it.
    ///
    /// - Parameter rows: where a shard has a block of its rows.
    func source(
        _ name: String, blocks: [Int], of length: Int, _ ranks: any Communicator,
        _ rows: @escaping (Own, Int) -> ShardRows
    ) -> TensorSource {
        let shape = [plan.rows, blocks.count * length]
        return TensorSource(name: name, elementType: .float32, shape: shape) { sink in
            let step = max(1, Self.piece / shape[1])
            let lines = FactorTable(rows: 1, width: min(step, shape[0]) * shape[1])
            let part = FactorTable(rows: 1, width: lines.width)
            for first in Swift.stride(from: 0, to: shape[0], by: step) {
                let some = first..<min(shape[0], first + step)
                for shard in whole {
                    let (own, columns) = (some.clamped(to: shard.cut.rows), shard.cut.columns)
                    try handOver(part, own.count * blocks.count * columns.count, of: shard, ranks) { source, target in
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
    func handOver(
        _ buffer: borrowing FactorTable, _ count: Int, of shard: Shard, _ ranks: any Communicator,
        _ pack: (Own, UnsafeMutablePointer<Float>) -> Void
    ) throws {
        guard count > 0 else { return }
        if let own = shard.own { pack(own, buffer.base) }
        guard shard.cut.rank != 0 else { return }
        let bytes = UnsafeMutableRawBufferPointer(start: buffer.base, count: 4 * count)
        if ranks.rank == 0 { try ranks.receive(bytes, from: shard.cut.rank).wait() }
        if shard.own != nil { try ranks.send(UnsafeRawBufferPointer(bytes), to: 0).wait() }
    }

    /// Takes what this rank has of the whole table.
    func fill(
        blocks: [Int], of length: Int, from tensor: TensorView, _ rows: (Own, Int) -> ShardRows
    ) throws {
        let width = blocks.count * length
        try tensor.expect(.float32, shape: [plan.rows, width]).withUnsafeBytes { bytes in
            for shard in shards {
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
}
