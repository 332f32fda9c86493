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
/// A row's two means stand one behind the other, so that memory is asked for one stretch and not for two.
///
/// `@unchecked Sendable`: workers move disjoint rows.
final class AdamMoments: @unchecked Sendable {
    /// `[rows × 2 × width]`.
    private let users: FactorTable, items: FactorTable
    /// Of user biases and of item biases, `[rows × 2]`; none without biases.
    private let biases: [FloatColumn]
    /// Batches so far.
    var step = 0

    init(_ parameters: FactorParameters) {
        let (userRows, itemRows, width) = (parameters.users.rows, parameters.items.rows, parameters.users.width)
        users = FactorTable(rows: 2 * userRows, width: width)
        items = FactorTable(rows: 2 * itemRows, width: width)
        biases =
            parameters.userBiases == nil
            ? [] : [FloatColumn(count: 2 * userRows), FloatColumn(count: 2 * itemRows)]
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
        work.sides.0.moments = users.base
        work.sides.1.moments = items.base
        guard !biases.isEmpty else { return }
        work.sides.0.bias_moments = biases[0].base
        work.sides.1.bias_moments = biases[1].base
    }

    /// What checkpoints call a row's two means.
    private static let names = ["first", "second"]

    /// Where the means of one kind stand in a table of both.
    private static func places(_ moment: Int, rows: Int) -> [UInt32] {
        (0..<rows / 2).map { UInt32(2 * $0 + moment) }
    }

    func tensors(of parameters: FactorParameters) -> [TensorSource] {
        var tensors: [TensorSource] = []
        func add(_ side: String, _ table: borrowing FactorTable) {
            for (moment, name) in Self.names.enumerated() {
                let places = Self.places(moment, rows: table.rows)
                tensors.append(parameters.rows("\(side)_\(name)", of: table, places))
            }
        }
        add("user", users)
        add("item", items)
        for (side, column) in zip(["user", "item"], biases) {
            for (moment, name) in Self.names.enumerated() {
                let places = Self.places(moment, rows: column.count)
                tensors.append(parameters.rows("\(side)_bias_\(name)", of: column, places))
            }
        }
        return tensors + [TensorSource(name: "step", [Int64(step)])]
    }

    func restore(from file: SafeTensorsFile, _ parameters: FactorParameters) throws {
        func take(_ side: String, _ table: borrowing FactorTable) throws {
            for (moment, name) in Self.names.enumerated() {
                let places = Self.places(moment, rows: table.rows)
                try parameters.restore("\(side)_\(name)", to: table, places, from: file)
            }
        }
        try take("user", users)
        try take("item", items)
        for (side, column) in zip(["user", "item"], biases) {
            for (moment, name) in Self.names.enumerated() {
                let places = Self.places(moment, rows: column.count)
                try parameters.restore("\(side)_bias_\(name)", to: column, places, from: file)
            }
        }
        step = Int(try file.tensor("step").int64s().first ?? 0)
    }
}
