import CKernels
import Formats
import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Adam's running means of gradients and of their squares, for both sides, and its step count.
///
/// `@unchecked Sendable`: workers move disjoint rows.
final class AdamMoments: @unchecked Sendable {
    private let userFirst: FactorTable, userSecond: FactorTable, itemFirst: FactorTable, itemSecond: FactorTable
    /// First and second of user biases, first and second of item biases; none without biases.
    private let biases: [FloatColumn]
    /// Batches so far.
    var step = 0

    init(_ parameters: FactorParameters) {
        let (users, items, width) = (parameters.users.rows, parameters.items.rows, parameters.users.width)
        userFirst = FactorTable(rows: users, width: width)
        userSecond = FactorTable(rows: users, width: width)
        itemFirst = FactorTable(rows: items, width: width)
        itemSecond = FactorTable(rows: items, width: width)
        biases = parameters.userBiases == nil ? [] : [users, users, items, items].map(FloatColumn.init(count:))
    }

    /// β₁ = 0.9, β₂ = 0.999, ε = 1e-8: the paper's, and PyTorch's defaults.
    ///
    /// - Parameter step: the batch's number, from 1.
    func describe(_ work: inout sk_adam_batch, step: Int, decay: Double, _ options: MatrixFactorizationOptions) {
        work.rate = Float(options.learningRate * decay)
        work.penalty = Float(options.regularization)
        work.bias_penalty = Float(options.biasRegularization)
        (work.beta1, work.rest1) = (0.9, 0.1)
        (work.beta2, work.rest2) = (0.999, 0.001)
        work.epsilon = 1e-8
        work.correction1 = Float(1 - pow(0.9, Double(step)))
        work.correction2 = Float(1 - pow(0.999, Double(step)))
        work.gradient_scale = 1
        work.dropout = Float(options.dropout)
        work.sides.0.first = userFirst.base
        work.sides.0.second = userSecond.base
        work.sides.1.first = itemFirst.base
        work.sides.1.second = itemSecond.base
        guard !biases.isEmpty else { return }
        work.sides.0.bias_first = biases[0].base
        work.sides.0.bias_second = biases[1].base
        work.sides.1.bias_first = biases[2].base
        work.sides.1.bias_second = biases[3].base
    }

    private static let biasNames = ["user_bias_first", "user_bias_second", "item_bias_first", "item_bias_second"]

    func tensors(of parameters: FactorParameters) -> [TensorSource] {
        [
            parameters.rows("user_first", of: userFirst, nil), parameters.rows("user_second", of: userSecond, nil),
            parameters.rows("item_first", of: itemFirst, nil), parameters.rows("item_second", of: itemSecond, nil),
        ]
            + biases.indices.map { part in
                parameters.rows(Self.biasNames[part], of: biases[part], nil)
            } + [TensorSource(name: "step", [Int64(step)])]
    }

    func restore(from file: SafeTensorsFile, _ parameters: FactorParameters) throws {
        try parameters.restore("user_first", to: userFirst, nil, from: file)
        try parameters.restore("user_second", to: userSecond, nil, from: file)
        try parameters.restore("item_first", to: itemFirst, nil, from: file)
        try parameters.restore("item_second", to: itemSecond, nil, from: file)
        for part in biases.indices {
            try parameters.restore(Self.biasNames[part], to: biases[part], nil, from: file)
        }
        step = Int(try file.tensor("step").int64s().first ?? 0)
    }
}
