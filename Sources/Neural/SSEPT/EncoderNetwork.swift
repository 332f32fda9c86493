package import Basics
package import Kernels
package import Torch

/// A user's vector with the item's beside it at each place, plus one vector for all places, through PyTorch's
/// `TransformerEncoder` (normalised after each sum; Vaswani et al. 2017) under a causal mask, and a layer that gives each item's
/// logit: the network of the MovieLens-20M system's checkpoints. Without items' vectors all places of a user are the same, and so is
/// what comes of them: that system's own form.
package final class EncoderNetwork: SequenceModel {
    /// `[items × factors]`; nil without.
    let items: SequenceTable?
    /// `[users × userDim]`; nil without.
    let users: SequenceTable?
    /// `[1 × width]`
    let positional: Embedding
    let layers: [EncoderLayer]
    /// `[items × width]` and `[items]`
    let output: Linear
    private let options: SSEPTOptions

    package init(
        users userCount: Int, items itemCount: Int, _ options: SSEPTOptions, ranks: any Communicator = OneRank()
    ) throws {
        self.options = options
        let device = options.device
        func table(_ name: String, _ rows: Int, _ width: Int, _ numbers: SequenceTable.Numbers) throws -> SequenceTable?
        {
            guard width > 0 else { return nil }
            return try SequenceTable(name, rows: rows, width: width, numbers, options.sharding, ranks, on: device)
        }
        items = try table("items", itemCount, options.factors, .items)
        users = try table("users", userCount, options.userDim, .users)
        positional = try Embedding(1, options.width, on: device)
        layers = try (0..<options.blocks).map { _ in try EncoderLayer(options) }
        output = try Linear(options.width, itemCount, on: device)
        try fill(seed: options.seed)
    }

    package var parameters: [(name: String, tensor: Tensor)] {
        (items.map { named("items", $0) } ?? []) + (users.map { named("users", $0) } ?? [])
            + named("positional", positional) + layers.enumerated().flatMap { named("layers.\($0)", $1) }
            + named("output", output)
    }

    package var tables: [SequenceTable] { [items, users].compactMap { $0 } }

    package func callAsFunction(_ inputs: SequenceInputs, _ step: SequenceStep) throws -> Tensor {
        var parts: [Tensor] = []
        if let users { parts.append(try users(inputs.users, inputs.items.count)) }
        if let items { parts.append(try items(inputs.items, inputs.items.count)) }
        var places = try Tensor.concatenated(parts, axis: 1).adding(positional.weight)
        for layer in layers { places = try layer(places, step) }
        return places
    }

    package func loss(_ places: Tensor, _ batch: SequenceSamples.Batch) throws -> Tensor {
        let scored = try Tensor.indices(batch.scored, on: options.device)
        let next = try Tensor.indices(batch.candidates.map { Int64($0) }, on: options.device)
        return try Loss.crossEntropy(output(places.selecting(scored)).to(.float32), next)
    }

    /// Weights of the last layer, and its bias as one more float.
    package func itemVectors() throws -> FactorTable {
        try Tensor.concatenated([output.weight, output.bias!.reshaped([-1, 1])], axis: 1).table()
    }

    package var queryWidth: Int { options.width + 1 }
    package func query(_ place: ArraySlice<Float>) -> [Float] { Array(place) + [1] }
}

/// A `TransformerEncoderLayer` as PyTorch makes it by default.
final class EncoderLayer: Module {
    private let query, key, value, attended, inner, outer: Linear
    private let attentionNorm, outerNorm: LayerNorm
    private let heads: Int

    init(_ options: SSEPTOptions) throws {
        let (width, device) = (options.width, options.device)
        heads = options.heads
        (query, key) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (value, attended) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (inner, outer) = (
            try Linear(width, options.feedForward, on: device), try Linear(options.feedForward, width, on: device)
        )
        (attentionNorm, outerNorm) = (try LayerNorm(width, on: device), try LayerNorm(width, on: device))
    }

    var parameters: [(name: String, tensor: Tensor)] {
        named("query", query) + named("key", key) + named("value", value) + named("attended", attended)
            + named("attention_norm", attentionNorm) + named("inner", inner) + named("outer", outer)
            + named("outer_norm", outerNorm)
    }

    func callAsFunction(_ places: Tensor, _ step: SequenceStep) throws -> Tensor {
        let seen = try step.attention(query(places), key(places), value(places), heads: heads)
        let between = try attentionNorm(step.dropout(attended(seen), addedTo: places))
        return try outerNorm(step.dropout(outer(step.dropout(inner(between).relu())), addedTo: between))
    }
}
