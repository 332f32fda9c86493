/// Changes parameters by their gradients.
public protocol Optimizer: AnyObject {
    var learningRate: Double { get set }

    /// One step; parameters without a gradient stay as they are.
    ///
    /// - Parameter scaler: of gradients that it has unscaled: if one overflowed, everything stays as it is.
    func step(_ scaler: GradientScaler?) throws

    /// What a checkpoint keeps beside the parameters, by name; tensors to be filled on resume.
    var state: [(name: String, tensor: Tensor)] { get }
}

extension Optimizer {
    public func step() throws { try step(nil) }
}

/// Parameters with their gradients, those that have one.
func withGradients(_ parameters: [Tensor]) throws -> [(index: Int, gradient: Tensor)] {
    try parameters.enumerated().compactMap { index, tensor in try tensor.gradient.map { (index, $0) } }
}
