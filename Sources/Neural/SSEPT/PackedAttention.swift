import CKernels
import Kernels
package import Torch

/// Causal attention of packed sequences by a kernel, which works over the half of each square that counts, in tiles that stay
/// in the cache, and makes the mask of its dropout again for the gradients. LibTorch's own for the CPU refuses dropout.
///
/// What is computed does not depend on the number of threads.
package struct PackedAttention {
    package let heads: Int
    package let dropping: Dropping

    package init(heads: Int, dropping: Dropping) { (self.heads, self.dropping) = (heads, dropping) }

    /// - Parameters: all `[places × width]`.
    package func callAsFunction(
        _ queries: Tensor, _ keys: Tensor, _ values: Tensor, _ sequences: PackedSequences
    ) throws -> Tensor {
        let inputs = try [queries, keys, values].map { try $0.to(.float32).contiguous() }
        let output = try Tensor.empty(queries.shape), logarithms = try Tensor.empty([sequences.places, heads])
        let width = queries.shape[1], isa = dropping.isa.rawValue
        nonisolated(unsafe) let (result, sums) = (try output.floats(), try logarithms.floats())
        try run(inputs, sequences) { attention, part, scratch in
            sk_attention_forward(
                attention, part.lowerBound, part.upperBound, scratch, result, width, sums, isa)
        }
        return try output.recorded(of: inputs) { gradient in
            let gradients = try inputs.map { try Tensor.empty($0.shape) }
            let gradient = try gradient.to(.float32)
            nonisolated(unsafe) let (result, sums) = (try output.floats(), try logarithms.floats())
            nonisolated(unsafe) let (change, targets) = (try gradient.floats(), try gradients.map { try $0.floats() })
            try withExtendedLifetime(gradient) {
                try run(inputs, sequences) { attention, part, scratch in
                    sk_attention_backward(
                        attention, part.lowerBound, part.upperBound, scratch, result, change, width, sums, targets[0],
                        targets[1], targets[2], isa)
                }
            }
            return gradients
        }
    }

    private typealias Part = (UnsafePointer<sk_attention>, Range<Int>, UnsafeMutablePointer<Float>) -> Void

    /// Calls `body` for parts of the sequences, on LibTorch's threads.
    private func run(_ inputs: [Tensor], _ sequences: PackedSequences, _ body: @escaping Part) throws {
        let width = inputs[0].shape[1]
        let scratch = 4 * sk_attention_scratch(sequences.longest, width / heads)
        try sequences.starts.withUnsafeBufferPointer { starts in
            var attention = sk_attention(
                heads: heads, depth: width / heads, scale: 1 / Float(width / heads).squareRoot(),
                dropped: dropping.dropped, seed: dropping.key, stream: dropping.stream, starts: starts.baseAddress,
                queries: try inputs[0].floats(), keys: try inputs[1].floats(), values: try inputs[2].floats(),
                query_stride: width, key_stride: width, value_stride: width)
            try withUnsafePointer(to: &attention) { attention in
                nonisolated(unsafe) let (attention, body) = (attention, body)
                try TorchLibrary.opened().parallel(sequences.count) { part in
                    let memory = UnsafeMutableRawPointer.allocate(byteCount: scratch, alignment: 64)
                    defer { memory.deallocate() }
                    body(attention, part, memory.assumingMemoryBound(to: Float.self))
                }
            }
        }
    }
}
