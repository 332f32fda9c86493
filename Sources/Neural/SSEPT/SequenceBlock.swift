package import Torch

/// A block of SASRec: attention of normalised queries to places as they are, added to the queries; then two layers at each
/// place, added to what was normalised before them (Kang & McAuley 2018, as `pmixer/SASRec.pytorch` has it).
package final class SequenceBlock: Module {
    let attentionNorm, feedForwardNorm: LayerNorm
    let query, key, value, output, inner, outer: Linear
    private let heads: Int

    init(_ options: SSEPTOptions) throws {
        let (width, device) = (options.width, options.device)
        heads = options.heads
        (attentionNorm, feedForwardNorm) = (
            try LayerNorm(width, epsilon: 1e-8, on: device), try LayerNorm(width, epsilon: 1e-8, on: device)
        )
        (query, key) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (value, output) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (inner, outer) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
    }

    package var parameters: [(name: String, tensor: Tensor)] {
        named("attention_norm", attentionNorm) + named("query", query) + named("key", key) + named("value", value)
            + named("output", output) + named("feed_forward_norm", feedForwardNorm) + named("inner", inner)
            + named("outer", outer)
    }

    /// - Parameter places: `[places × width]`
    /// - Returns: `[places × width]`
    func callAsFunction(_ places: Tensor, _ step: SequenceStep) throws -> Tensor {
        let normalised = try attentionNorm(places)
        let attended = try step.attention(query(normalised), key(places), value(places), heads: heads)
        let between = try feedForwardNorm(normalised.adding(output(attended)))
        let hidden = try step.dropout(inner(between)).relu()
        return try step.masked(step.dropout(outer(hidden), addedTo: between))
    }
}
