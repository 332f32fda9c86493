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
            let parts = ranks.parts(of: count)
            try own.withMemory(as: Float.self) { own in
                _ = UnsafeMutableBufferPointer(rebasing: all[(parts[ranks.rank].lowerBound * width)...])
                    .update(fromContentsOf: own)
            }
            try ranks.allGather(in: UnsafeMutableRawBufferPointer(all), parts: parts.scaled(by: 4 * width))
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
            try ranks.sumParts(floats, ranks.parts(of: count).scaled(by: width))
        }
        return try all.narrowed(axis: 0, from: own.lowerBound, count: own.count)
    }
}
