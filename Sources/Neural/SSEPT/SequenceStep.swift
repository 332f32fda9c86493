package import Kernels
import Torch

/// What a pass over a batch shares: how its sequences lie, and its random masks. Each use of dropout in a pass has a stream of
/// its own, counted in the order of use; on the CPU masks are pure functions of seed, step and place, elsewhere the device's.
package final class SequenceStep {
    let sequences: PackedSequences
    let isTraining: Bool
    private let options: SSEPTOptions
    private let isa: InstructionSet
    /// `[places × 1]`: 0 at padding; nil where there is none.
    private let padding: Tensor?
    private let rectangle: PackedSequences.Rectangle?
    /// What the epoch's masks are drawn from.
    private let key: UInt64
    private var uses: UInt64 = 0

    /// - Parameters:
    ///   - isPadding: of each place; nil without padding.
    ///   - epoch: with the numbers of the sequences in it, what masks are drawn from.
    package init(
        _ sequences: PackedSequences, isPadding: [Bool]? = nil, isTraining: Bool, epoch: Int = 0,
        _ options: SSEPTOptions, isa: InstructionSet
    ) throws {
        (self.sequences, self.isTraining, self.options, self.isa) = (sequences, isTraining, options, isa)
        padding = try isPadding.map {
            try Tensor($0.map { $0 ? Float(0) : 1 }, [$0.count, 1]).to(nil, options.device)
        }
        rectangle = options.worksByOperators ? try sequences.rectangle(on: options.device) : nil
        var random = RandomStream(seed: options.seed, .dropout, index: UInt64(epoch))
        key = random.next()
        // Operators draw from the device's generator, on several ranks each rank other numbers.
        if isTraining, options.worksByOperators { try TorchLibrary.opened().seed(key &+ UInt64(sequences.firstNumber)) }
    }

    /// Zeroes padding.
    func masked(_ places: Tensor) throws -> Tensor { try padding.map { try places.multiplied(by: $0) } ?? places }

    /// Dropout of elements, and another tensor added.
    func dropout(_ input: Tensor, addedTo other: Tensor? = nil) throws -> Tensor {
        guard isTraining && options.dropout > 0 else { return try other?.adding(input) ?? input }
        guard options.worksByOperators else {
            // Masks of elements are those of the whole batch, whose first sequence may be another rank's.
            var dropping = nextDropping(sequences.firstNumber - sequences.before.sequences)
            dropping.first = sequences.before.places * input.shape[1]
            return try dropping(input, addedTo: other)
        }
        let dropped = try Dropout(options.dropout)(input, training: true)
        return try other?.adding(dropped) ?? dropped
    }

    /// Attention of each place to itself and those before it in its sequence; all `[places × width]`.
    func attention(_ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int) throws -> Tensor {
        guard let rectangle else {
            return try PackedAttention(heads: heads, dropping: nextDropping(sequences.firstNumber))(
                queries, keys, values, sequences)
        }
        let width = queries.shape[1]
        func padded(_ tensor: Tensor) throws -> Tensor {
            try tensor.selecting(rectangle.padded)
                .reshaped([sequences.count, rectangle.longest, heads, width / heads]).transposed(1, 2)
        }
        return try scaledDotProductAttention(
            padded(queries), padded(keys), padded(values), dropout: isTraining ? options.dropout : 0, causal: true
        ).transposed(1, 2).reshaped([-1, width]).selecting(rectangle.packed)
    }

    /// Streams of sequences are neighbours, those of uses are far apart.
    private func nextDropping(_ number: Int) -> Dropping {
        defer { uses += 1 }
        return Dropping(
            rate: isTraining ? options.dropout : 0, key: key, stream: uses << 40 | UInt64(number), isa: isa)
    }
}
