/// Vectors by number, dense: every row has a gradient. Tables too large for that are a trainer's own (room Neural).
public final class Embedding: Module {
    /// `[count × width]`
    public let weight: Tensor
    /// The row of a number that stands for nothing: zeros, never trained.
    public let padding: Int?

    /// Weights normal with deviation `deviation`.
    public init(
        _ count: Int, _ width: Int, deviation: Double = 1, padding: Int? = nil, on device: Device = .cpu
    ) throws {
        weight = try Tensor.zeros([count, width], on: device).normalInPlace(deviation: deviation)
        self.padding = padding
        if let padding { try weight.narrowed(axis: 0, from: padding, count: 1).zeroInPlace() }
        try requireGradients()
    }

    public var parameters: [(name: String, tensor: Tensor)] { [("weight", weight)] }

    /// `[…]` of int64 to `[… × width]`.
    public func callAsFunction(_ rows: Tensor) throws -> Tensor {
        try Operators.embedding.tensor(.tensor(weight), .tensor(rows), .integer(padding ?? -1))
    }
}
