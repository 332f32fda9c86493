/// y = x · Wᵀ + b.
public final class Linear: Module {
    /// `[outputs × inputs]`
    public let weight: Tensor
    /// `[outputs]`
    public let bias: Tensor?

    /// Weights uniform within ±1/√inputs.
    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, on device: Device = .cpu) throws {
        weight = try Initial.uniform([outputs, inputs], inputs: inputs, on: device)
        self.bias = bias ? try Initial.uniform([outputs], inputs: inputs, on: device) : nil
        try requireGradients()
    }

    public var parameters: [(name: String, tensor: Tensor)] {
        [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// `[… × inputs]` to `[… × outputs]`.
    public func callAsFunction(_ input: Tensor) throws -> Tensor {
        try Operators.linear.tensor(.tensor(input), .tensor(weight), .tensor(bias))
    }
}
