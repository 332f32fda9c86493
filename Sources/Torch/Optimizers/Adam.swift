/// Adam (Kingma & Ba 2015) in one fused pass, with decoupled weight decay (AdamW, Loshchilov & Hutter 2019) or L2.
public final class Adam: Optimizer {
    public struct Options: Sendable {
        public var learningRate = 1e-3
        public var beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8
        public var weightDecay = 0.0
        /// Whether weights decay by themselves, instead of through the gradient.
        public var decoupled = false

        public init(learningRate: Double = 1e-3) { self.learningRate = learningRate }
    }

    public var learningRate: Double
    private let options: Options
    private let names: [String]
    private let parameters, means, squares, steps: [Tensor]

    public init(_ parameters: [(name: String, tensor: Tensor)], _ options: Options = Options()) throws {
        self.options = options
        learningRate = options.learningRate
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.tensor)
        means = try parameters.map { try Tensor.zeros($0.tensor.shape, on: $0.tensor.device) }
        squares = try parameters.map { try Tensor.zeros($0.tensor.shape, on: $0.tensor.device) }
        steps = try parameters.map { try Tensor.zeros([], on: $0.tensor.device) }
    }

    public func step(_ scaler: GradientScaler?) throws {
        let found = try withGradients(parameters)
        guard !found.isEmpty else { return }
        func of(_ tensors: [Tensor]) -> TorchValue { .tensors(found.map { tensors[$0.index] }) }
        try withoutGradients {
            for (index, _) in found { try Operators.addScalarInPlace.call([.tensor(steps[index]), .integer(1)]) }
            let operation = options.decoupled ? Operators.fusedAdamW : Operators.fusedAdam
            try operation.call(
                [
                    of(parameters), .tensors(found.map(\.gradient)), of(means), of(squares), .tensors([]), of(steps),
                ],
                named: [
                    "lr": .number(learningRate), "beta1": .number(options.beta1), "beta2": .number(options.beta2),
                    "weight_decay": .number(options.weightDecay), "eps": .number(options.epsilon),
                    "amsgrad": .bool(false), "maximize": .bool(false), "found_inf": .tensor(scaler?.overflow),
                ])
            // Steps that were skipped do not count.
            if let overflow = scaler?.overflow {
                for (index, _) in found { try steps[index].addInPlace(overflow, times: -1) }
            }
        }
    }

    public var state: [(name: String, tensor: Tensor)] {
        names.indices.flatMap { index in
            [
                (names[index] + ".exp_avg", means[index]), (names[index] + ".exp_avg_sq", squares[index]),
                (names[index] + ".step", steps[index]),
            ]
        }
    }
}
