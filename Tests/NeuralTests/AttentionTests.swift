import CKernels
import Kernels
import Neural
import Testing
import Torch

/// The kernels of attention and dropout against LibTorch's operators under the same masks, which come from the kernels' scalar
/// definition; on random and odd shapes, by every instruction set of the machine.
@Suite(torch) struct AttentionTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        let lengths: [Int], heads: Int, depth: Int
        var rate = 0.0
        var testDescription: String { "\(lengths) × \(heads) heads of \(depth), dropout \(rate)" }
    }

    static let shapes: [Shape] = [
        Shape(lengths: [1], heads: 1, depth: 1), Shape(lengths: [1, 2, 3], heads: 3, depth: 7, rate: 0.5),
        Shape(lengths: [49, 1, 97, 16], heads: 1, depth: 50, rate: 0.2),
        Shape(lengths: [200, 48], heads: 2, depth: 25, rate: 0.1), Shape(lengths: [33, 130], heads: 1, depth: 64),
        Shape(lengths: [5, 300], heads: 1, depth: 100, rate: 0.3), Shape(lengths: [96, 7], heads: 4, depth: 33),
    ]

    static let sets: [InstructionSet] = [.baseline, .avx2, .avx512].filter { $0 <= .best }

    private func random(_ shape: [Int], _ index: UInt64) throws -> Tensor {
        var stream = RandomStream(seed: 5, .test, index: index)
        return try Tensor((0..<shape.reduce(1, *)).map { _ in Float(stream.normal()) }, shape).requiringGrad()
    }

    private func expectNear(_ found: Tensor?, _ expected: Tensor?, _ what: String) throws {
        let found = try #require(found).array(of: Float.self), expected = try #require(expected).array(of: Float.self)
        let size = expected.reduce(0) { max($0, abs($1)) }
        for (one, other) in zip(found, expected) { try #require(abs(one - other) <= 2e-5 * max(size, 1), "\(what)") }
    }

    @Test(arguments: shapes, sets)
    func agreesWithOperators(_ shape: Shape, _ isa: InstructionSet) throws {
        var options = SSEPTOptions()
        options.maxLength = 1000
        var inputs = SequenceInputs(options)
        for length in shape.lengths { inputs.append([UInt32](repeating: 0, count: length)[...], user: 0) }
        let (places, width) = (shape.lengths.reduce(0, +), shape.heads * shape.depth)
        let own = try (0..<3).map { try random([places, width], UInt64($0)) }
        let dropping = Dropping(rate: shape.rate, key: 77, stream: 1 << 40, isa: isa)
        let output = try PackedAttention(heads: shape.heads, dropping: dropping)(
            own[0], own[1], own[2], inputs.sequences())
        let weight = try random([places, width], 9).requiringGrad(false)
        try output.multiplied(by: weight).sum().backward()
        let gradients = try own.map { try $0.gradient }
        for tensor in own { try tensor.setGradient(nil) }

        var (parts, first): ([Tensor], Int) = ([], 0)
        for (sequence, length) in shape.lengths.enumerated() {
            func heads(_ tensor: Tensor) throws -> Tensor {
                try tensor.narrowed(axis: 0, from: first, count: length)
                    .reshaped([length, shape.heads, shape.depth]).transposed(0, 1)
            }
            let logits = try heads(own[0]).matmul(heads(own[1]).transposed())
                .multiplied(by: 1 / Double(shape.depth).squareRoot())
            let later = (0..<length * length).map { Float($0 % length > $0 / length ? -1e30 : 0) }
            let shares = try logits.adding(Tensor(later, [length, length])).softmax(axis: -1)
            let kept = try Tensor(mask(shape, sequence, dropping), [shape.heads, length, length])
            parts.append(
                try shares.multiplied(by: kept).matmul(heads(own[2])).transposed(0, 1).reshaped([length, width]))
            first += length
        }
        let expected = try Tensor.concatenated(parts)
        try expectNear(output, expected, "output")
        try expected.multiplied(by: weight).sum().backward()
        for (index, name) in ["queries", "keys", "values"].enumerated() {
            try expectNear(gradients[index], own[index].gradient, name)
        }
    }

    /// 0, or what the kept are multiplied with: `[heads × length × length]`.
    private func mask(_ shape: Shape, _ sequence: Int, _ dropping: Dropping) -> [Float] {
        var attention = sk_attention()
        (attention.heads, attention.depth, attention.dropped) = (shape.heads, shape.depth, dropping.dropped)
        (attention.seed, attention.stream) = (dropping.key, dropping.stream)
        let (length, factor) = (shape.lengths[sequence], 65_536 / Float(65_536 - dropping.dropped))
        return (0..<shape.heads).flatMap { head -> [Float] in
            var kept = [UInt8](repeating: 0, count: length * length)
            sk_attention_mask(&attention, sequence, head, length, &kept)
            return kept.map { Float($0) * factor }
        }
    }

    @Test(arguments: [1, 15, 16, 127, 128, 4097, 70_000], sets)
    func dropsWhatItsMaskSays(_ count: Int, _ isa: InstructionSet) throws {
        let dropping = Dropping(rate: 0.3, key: 3, stream: 9, isa: isa)
        let (input, other) = (try random([count], 1), try random([count], 2))
        let output = try dropping(input, addedTo: other)
        try output.sum().backward()
        var kept = [UInt8](repeating: 0, count: count)
        sk_dropout_mask(count, dropping.dropped, 3, 9, 0, &kept)
        let factor = 65_536 / Float(65_536 - dropping.dropped)
        let (values, others) = (try input.array(of: Float.self), try other.array(of: Float.self))
        let (found, gradient) = (
            try output.array(of: Float.self), try #require(try input.gradient).array(of: Float.self)
        )
        for place in 0..<count {
            #expect(abs(found[place] - (others[place] + (kept[place] == 1 ? values[place] * factor : 0))) < 1e-5)
            #expect(gradient[place] == (kept[place] == 1 ? factor : 0))
        }
        #expect(try #require(try other.gradient).array(of: Float.self).allSatisfy { $0 == 1 })
        if count == 70_000 { #expect(abs(Double(kept.count { $0 == 0 }) / 70_000 - 0.3) < 0.01) }
    }

    /// Functions of ours in the record: errors come through, and nothing is held once a pass is over.
    @Test func recordedFunctionsAreGivenBack() throws {
        final class Marker {}
        let own = try random([3], 1)
        weak var held: Marker?
        do {
            let marker = Marker()
            held = marker
            let doubled = try own.multiplied(by: 2).recorded(of: [own]) { gradient in
                try withExtendedLifetime(marker) { [try gradient.multiplied(by: 2)] }
            }
            try doubled.sum().backward()
            #expect(try #require(try own.gradient).array(of: Float.self) == [2, 2, 2])
        }
        #expect(held == nil)
        let failing = try own.multiplied(by: 1).recorded(of: [own]) { _ in throw CancellationError() }
        #expect(throws: (any Error).self) { try failing.sum().backward() }
    }
}
