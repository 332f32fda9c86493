package import Basics
package import Torch

// What ranks exchange of tensors. On a GPU it goes over NCCL, where that is there, else through the CPU's memory, as all does on
// the CPU.
extension Communicator {
    /// The group whose tensors lie on a device; nil where tensors go through the CPU's memory.
    fileprivate func group(on device: Device) throws -> ProcessGroup? {
        device == .cpu ? nil : try (self as? ProcessGroup)?.on(device)
    }
}

extension Tensor {
    /// The rows of all ranks, which have their parts of `count`, `[count × width]`; of one rank this tensor itself.
    func gathered(_ count: Int, from ranks: any Communicator) throws -> Tensor {
        try gathered(ranks.parts(of: count), from: ranks)
    }

    /// The same, of parts that lie behind one another.
    package func gathered(_ parts: [Range<Int>], from ranks: any Communicator) throws -> Tensor {
        guard ranks.size > 1 else { return self }
        if let group = try ranks.group(on: device) { return try gathered(parts, over: group) }
        let (width, own) = (shape[1], try to(nil, .cpu).contiguous())
        let all = try Tensor.empty([parts.last!.upperBound, width])
        try all.withMemory(as: Float.self) { all in
            try own.withMemory(as: Float.self) { own in
                _ = UnsafeMutableBufferPointer(rebasing: all[(parts[ranks.rank].lowerBound * width)...])
                    .update(fromContentsOf: own)
            }
            try ranks.allGather(in: UnsafeMutableRawBufferPointer(all), parts: parts.scaled(by: 4 * width))
        }
        return try all.to(nil, device)
    }

    /// The same over a group, which takes parts of one length.
    package func gathered(_ parts: [Range<Int>], over group: ProcessGroup) throws -> Tensor {
        let longest = parts.map(\.count).max()!
        guard longest > 0 else { return self }
        let padded = try Tensor.zeros([longest, shape[1]], on: device)
        try padded.narrowed(axis: 0, from: 0, count: shape[0]).copyInPlace(from: self)
        let all = try group.allGather(padded)
        if parts.allSatisfy({ $0.count == longest }) { return all }
        return try Tensor.concatenated(
            parts.enumerated().map { try all.narrowed(axis: 0, from: $0 * longest, count: $1.count) })
    }

    /// This rank's rows of the sum of the ranks' tensors, which are all `[count × width]`; of one rank this tensor itself.
    func summed(over ranks: any Communicator) throws -> Tensor {
        guard ranks.size > 1 else { return self }
        let (count, width) = (shape[0], shape[1])
        let own = ranks.part(of: count)
        if try ranks.group(on: device) != nil {
            return try contiguous().total(over: ranks).narrowed(axis: 0, from: own.lowerBound, count: own.count)
        }
        let all = try to(nil, .cpu).contiguous()
        try all.withMemory(as: Float.self) { floats in
            try ranks.sumParts(floats, ranks.parts(of: count).scaled(by: width))
        }
        return try all.narrowed(axis: 0, from: own.lowerBound, count: own.count).to(nil, device)
    }

    /// The sum of the ranks' tensors, the same bits on every rank. It takes this tensor's memory for it.
    ///
    /// - Complexity: sends 2 · (ranks − 1) / ranks of the floats.
    func total(over ranks: any Communicator) throws -> Tensor {
        guard ranks.size > 1 else { return self }
        if let group = try ranks.group(on: device) {
            try group.allReduce(self)
            return self
        }
        let sums = try to(nil, .cpu)
        try sums.withMemory(as: Float.self) { try ranks.sum($0) }
        return try sums.to(nil, device)
    }
}
