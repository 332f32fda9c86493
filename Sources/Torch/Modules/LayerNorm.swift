/// Rows with mean 0 and variance 1, then scaled and moved by trained weights (Ba et al. 2016).
public final class LayerNorm: Module {
    /// `[width]`
    public let weight, bias: Tensor
    private let epsilon: Double

    public init(_ width: Int, epsilon: Double = 1e-5, on device: Device = .cpu) throws {
        weight = try Tensor.full([width], 1, on: device)
        bias = try Tensor.zeros([width], on: device)
        self.epsilon = epsilon
        try requireGradients()
    }

    public var parameters: [(name: String, tensor: Tensor)] { [("weight", weight), ("bias", bias)] }

    /// `[… × width]` to the same shape.
    public func callAsFunction(_ input: Tensor) throws -> Tensor {
        try Operators.layerNorm.tensor(
            .tensor(input), .integers(weight.shape), .tensor(weight), .tensor(bias), .number(epsilon))
    }
}

/// Zeroes each element with probability `rate` while training, and scales the others up (Srivastava et al. 2014).
public struct Dropout: Sendable {
    public var rate: Double

    public init(_ rate: Double) { self.rate = rate }

    public func callAsFunction(_ input: Tensor, training: Bool) throws -> Tensor {
        if rate == 0 || !training { return input }
        return try Operators.dropout.tensor(.tensor(input), .number(rate), .bool(true))
    }
}
