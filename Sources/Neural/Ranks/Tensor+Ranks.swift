import Basics
import Torch

extension Tensor {
    /// The rows of all ranks, which have their parts of `count`, `[count × width]`; of one rank this tensor itself.
    func gathered(_ count: Int, from ranks: any Communicator) throws -> Tensor {
        guard ranks.size > 1 else { return self }
        let width = shape[1]
        let all = try Tensor.empty([count, width])
        let own = try contiguous()
        try all.withMemory(as: Float.self) { all in
            let parts = (0..<ranks.size).map { ranks.size.part($0, of: count) }
            try own.withMemory(as: Float.self) { own in
                _ = UnsafeMutableBufferPointer(rebasing: all[(parts[ranks.rank].lowerBound * width)...])
                    .update(fromContentsOf: own)
            }
            try ranks.allGather(
                in: UnsafeMutableRawBufferPointer(all),
                parts: parts.map { 4 * width * $0.lowerBound..<4 * width * $0.upperBound })
        }
        return all
    }

    /// This rank's rows of the sum of the ranks' tensors, which are all `[count × width]`; of one rank this tensor itself.
    func summed(over ranks: any Communicator) throws -> Tensor {
        guard ranks.size > 1 else { return self }
        let (count, width) = (shape[0], shape[1])
        let own = ranks.part(of: count)
        let all = try contiguous()
        try all.withMemory(as: Float.self) { floats in
            try ranks.sumParts(
                floats,
                (0..<ranks.size).map { rank in
                    let part = ranks.size.part(rank, of: count)
                    return part.lowerBound * width..<part.upperBound * width
                })
        }
        return try all.narrowed(axis: 0, from: own.lowerBound, count: own.count)
    }
}
