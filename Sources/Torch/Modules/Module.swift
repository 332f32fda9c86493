/// A part of a network: parameters by name, and a function of tensors that each kind states.
public protocol Module: AnyObject {
    /// Trained tensors by name, in an order that does not change: `weight`, `layers.0.bias`.
    var parameters: [(name: String, tensor: Tensor)] { get }
}

extension Module {
    /// Asks all parameters for gradients.
    func requireGradients() throws {
        for (_, tensor) in parameters { try tensor.requiringGrad() }
    }

    /// Forgets all gradients.
    public func clearGradients() throws {
        for (_, tensor) in parameters { try tensor.setGradient(nil) }
    }
}

/// Names of parts of a part: `layers.0` and `weight` are `layers.0.weight`.
public func named(_ part: String, _ module: any Module) -> [(name: String, tensor: Tensor)] {
    module.parameters.map { ("\(part).\($0.name)", $0.tensor) }
}

/// Initial weights, of the device's generator.
enum Initial {
    /// Uniform within ±1/√inputs, PyTorch's for linear layers.
    static func uniform(_ shape: [Int], inputs: Int, on device: Device) throws -> Tensor {
        let bound = 1 / Double(max(1, inputs)).squareRoot()
        return try Tensor.zeros(shape, on: device).uniformInPlace(-bound..<bound)
    }
}
