import CKernels
package import Kernels
package import Torch

/// One use of dropout: which elements it drops is a pure function of key, stream and an element's place, so that masks are
/// made again for the gradients, and are the same whatever the number of threads.
package struct Dropping {
    /// Of 65,536.
    package let dropped: UInt32
    package let key, stream: UInt64
    /// The place of the first element among those of the whole batch.
    package var first = 0
    package let isa: InstructionSet

    package init(rate: Double, key: UInt64, stream: UInt64, isa: InstructionSet) {
        dropped = min(65_535, UInt32((rate * 65_536).rounded()))
        (self.key, self.stream, self.isa) = (key, stream, isa)
    }

    /// The elements of `input` that stay, scaled up; and `other` added.
    package func callAsFunction(_ input: Tensor, addedTo other: Tensor? = nil) throws -> Tensor {
        let inputs = try [input, other].compactMap { try $0?.to(.float32).contiguous() }
        return try apply(inputs[0], addedTo: inputs.dropFirst().first).recorded(of: inputs) { gradient in
            let gradient = try gradient.to(.float32)
            return [try apply(gradient, addedTo: nil)] + (inputs.count > 1 ? [gradient] : [])
        }
    }

    private func apply(_ input: Tensor, addedTo other: Tensor?) throws -> Tensor {
        let output = try Tensor.empty(input.shape)
        let (count, block, before) = (input.count, 1 << 14, first)
        nonisolated(unsafe) let (source, target) = (try input.floats(), try output.floats())
        nonisolated(unsafe) let residual = try other?.floats()
        try withExtendedLifetime((input, other)) {
            try TorchLibrary.opened().parallel((count + block - 1) / block) { parts in
                let first = parts.lowerBound * block
                sk_dropout(
                    source + first, residual.map { $0 + first }, min(count, parts.upperBound * block) - first, dropped,
                    key, stream, UInt64(before + first), target + first, isa.rawValue)
            }
        }
        return output
    }
}
