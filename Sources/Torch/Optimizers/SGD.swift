/// Stochastic gradient descent in one fused pass, with momentum and L2.
public final class SGD: Optimizer {
    public var learningRate: Double
    private let momentum, weightDecay: Double
    private let names: [String]
    private let parameters, velocities: [Tensor]

    public init(
        _ parameters: [(name: String, tensor: Tensor)], learningRate: Double, momentum: Double = 0,
        weightDecay: Double = 0
    ) throws {
        (self.learningRate, self.momentum, self.weightDecay) = (learningRate, momentum, weightDecay)
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.tensor)
        velocities =
            momentum == 0
            ? [] : try parameters.map { try Tensor.zeros($0.tensor.shape, on: $0.tensor.device) }
    }

    public func step(_ scaler: GradientScaler?) throws {
        let found = try withGradients(parameters)
        guard !found.isEmpty else { return }
        _ = try withoutGradients {
            try Operators.fusedSGD.call(
                [
                    .tensors(found.map { parameters[$0.index] }), .tensors(found.map(\.gradient)),
                    .tensors(momentum == 0 ? [] : found.map { velocities[$0.index] }),
                ],
                named: [
                    "weight_decay": .number(weightDecay), "momentum": .number(momentum), "lr": .number(learningRate),
                    "dampening": .number(0), "nesterov": .bool(false), "maximize": .bool(false),
                    // Velocities begin as zeros, so that the first step is like any other.
                    "is_first_step": .bool(false), "found_inf": .tensor(scaler?.overflow),
                ])
        }
    }

    public var state: [(name: String, tensor: Tensor)] {
        velocities.indices.map { (names[$0] + ".momentum_buffer", velocities[$0]) }
    }
}
