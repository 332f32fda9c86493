/// Scales a loss so that small gradients do not vanish in float16: doubled after 2,000 good steps, halved when one overflows
/// (Micikevicius et al. 2018).
public final class GradientScaler {
    /// `[]`: what losses are multiplied by.
    public let scale: Tensor
    /// `[]`: 1 if the last step's gradients overflowed.
    public let overflow: Tensor
    private let good: Tensor
    private let interval: Int

    public init(initial: Double = 65536, interval: Int = 2000, on device: Device) throws {
        scale = try Tensor.full([], initial, on: device)
        overflow = try Tensor.zeros([], on: device)
        good = try Tensor.zeros([], .int32, on: device)
        self.interval = interval
    }

    public func scaled(_ loss: Tensor) throws -> Tensor { try loss.multiplied(by: scale) }

    /// Looks for overflow in gradients, and undoes the scale of them in place.
    public func unscale(_ gradients: [Tensor]) throws {
        try withoutGradients {
            try overflow.zeroInPlace()
            let inverse = try Operators.reciprocal.tensor(.tensor(scale.to(.float64))).to(.float32)
            if !gradients.isEmpty {
                try Operators.unscale.call([.tensors(gradients), .tensor(overflow), .tensor(inverse)])
            }
        }
    }

    /// Takes the next scale; after each step.
    public func update() throws {
        _ = try withoutGradients {
            try Operators.updateScale.call([
                .tensor(scale), .tensor(good), .tensor(overflow), .number(2), .number(0.5), .integer(interval),
            ])
        }
    }

    /// What a checkpoint keeps.
    public var state: [(name: String, tensor: Tensor)] { [("scaler.scale", scale), ("scaler.good", good)] }
}

/// Scales gradients down so that their common 2-norm is at most `largest` (Pascanu et al. 2013).
/// - Returns: `[]`: the norm before.
@discardableResult
public func clipGradients(_ gradients: [Tensor], to largest: Double) throws -> Tensor {
    try withoutGradients {
        guard !gradients.isEmpty else { return try Tensor(0) }
        let norms = try Operators.norms.call([.tensors(gradients), .integer(2)]).map { value in
            guard case .tensor(let norm) = value else { preconditionFailure("a norm is a tensor") }
            return norm
        }
        let all = try Operators.stack.tensor(.tensors(norms))
        let norm = try Operators.vectorNorm.tensor(.tensor(all), .number(2))
        let factor = try Operators.reciprocal.tensor(.tensor(norm.adding(1e-6))).multiplied(by: largest)
        try Operators.scaleAllInPlace.call([
            .tensors(gradients), .tensor(Operators.clampMaximum.tensor(.tensor(factor), .number(1))),
        ])
        return norm
    }
}
