/// Attention of several heads (Vaswani et al. 2017).
public final class MultiHeadAttention: Module {
    private let query, key, value, output: Linear
    private let heads: Int
    private let dropout: Double

    /// - Precondition: `heads` divides `width`.
    public init(_ width: Int, heads: Int, dropout: Double = 0, on device: Device = .cpu) throws {
        precondition(width % heads == 0, "\(heads) heads do not divide a width of \(width)")
        (query, key) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (value, output) = (try Linear(width, width, on: device), try Linear(width, width, on: device))
        (self.heads, self.dropout) = (heads, dropout)
    }

    public var parameters: [(name: String, tensor: Tensor)] {
        named("query", query) + named("key", key) + named("value", value) + named("output", output)
    }

    /// - Parameters:
    ///   - queries: `[batch × length × width]`
    ///   - keys: what is attended to, of the same shape.
    ///   - causal: whether a place sees only itself and those before it.
    /// - Returns: `[batch × length × width]`
    public func callAsFunction(
        _ queries: Tensor, _ keys: Tensor, causal: Bool, training: Bool
    ) throws -> Tensor {
        let attended = try scaledDotProductAttention(
            split(query(queries)), split(key(keys)), split(value(keys)), dropout: training ? dropout : 0, causal: causal
        )
        let shape = queries.shape
        return try output(attended.transposed(1, 2).reshaped([shape[0], shape[1], shape[2]]))
    }

    /// `[batch × length × width]` to `[batch × heads × length × width/heads]`.
    private func split(_ tensor: Tensor) throws -> Tensor {
        let shape = tensor.shape
        return try tensor.reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    }
}

/// softmax(Q · Kᵀ / √depth) · V, by whichever of LibTorch's kernels takes it; all `[batch × heads × length × depth]`.
///
/// - Parameters:
///   - dropout: the probability with which a weight is dropped.
///   - causal: whether a place sees only itself and those before it.
public func scaledDotProductAttention(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, dropout: Double, causal: Bool
) throws -> Tensor {
    try Operators.attention.tensor(
        .tensor(queries), .tensor(keys), .tensor(values), .none, .number(dropout), .bool(causal))
}
