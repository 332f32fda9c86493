import Factorization
import Formats
import Kernels
import Torch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Users' or items' factors on a device, with the means that Adam keeps.
final class FactorSide {
    private let name: String
    /// `[rows × (factors + 1)]`: the last column is the bias.
    let table: Tensor
    /// `[rows × 2·(factors + 1)]`: means of gradients, then of their squares.
    private let means: Tensor
    /// `[factors + 1]`
    private let penalties: Tensor
    private let rows, width: Int

    private static let unique = TorchOperator("aten::_unique2")

    init(_ name: String, _ start: borrowing FactorTable, _ options: MatrixFactorizationOptions, on device: Device)
        throws
    {
        (self.name, rows, width) = (name, start.rows, start.width)
        table = try Tensor.zeros([rows, width + 1], on: device)
        try table.narrowed(axis: 1, from: 0, count: width).copyInPlace(from: start.tensor(on: device))
        means = try Tensor.zeros([rows, 2 * (width + 1)], on: device)
        let penalties = [Float](repeating: Float(options.regularization), count: width)
        self.penalties = try Tensor(penalties + [Float(options.biasRegularization)], [width + 1]).to(nil, device)
    }

    /// Distinct rows `[n]` of a batch and the sums of their samples' gradients `[n × (factors + 1)]`.
    func grouped(_ samples: Tensor, _ gradients: Tensor) throws -> (rows: Tensor, gradient: Tensor) {
        let found = try Self.unique.call([.tensor(samples), .bool(true), .bool(true), .bool(false)])
        guard case .tensor(let rows) = found[0], case .tensor(let groups) = found[1] else {
            preconditionFailure("_unique2 gives tensors")
        }
        let sums = try Tensor.zeros([rows.count, width + 1], on: gradients.device).addToRows(groups, gradients)
        return (rows, sums)
    }

    func move(_ changes: (rows: Tensor, gradient: Tensor), rate: Double, step: Int) throws {
        let gradient = try table.selecting(changes.rows).multiplied(by: penalties).adding(changes.gradient)
        let both = try means.selecting(changes.rows)
        let first = try both.narrowed(axis: 1, from: 0, count: width + 1)
        let second = try both.narrowed(axis: 1, from: width + 1, count: width + 1)
        try first.multiplyInPlace(by: 0.9).addInPlace(gradient, times: 0.1)
        try second.multiplyInPlace(by: 0.999).addInPlace(gradient.multiplied(by: gradient), times: 0.001)
        try means.setRows(changes.rows.to(.int64), both)
        let (one, other) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
        let root = try second.squareRoot().multiplied(by: 1 / other.squareRoot()).adding(1e-8)
        try table.addToRows(changes.rows, first.divided(by: root), times: -rate / one)
    }

    private func columns(_ tensor: Tensor, _ first: Int, _ count: Int) throws -> Tensor {
        try tensor.narrowed(axis: 1, from: first, count: count)
    }

    var factors: [TensorSource] {
        [source("\(name)_factors", [rows, width]) { try $0.columns($0.table, 0, $0.width) }]
    }
    var biases: [TensorSource] { [source("\(name)_biases", [rows]) { try $0.columns($0.table, $0.width, 1) }] }
    var moments: [TensorSource] { [source("\(name)_means", means.shape) { $0.means }] }

    private func source(_ name: String, _ shape: [Int], _ tensor: @escaping (FactorSide) throws -> Tensor)
        -> TensorSource
    {
        TensorSource(name: name, elementType: .float32, shape: shape) { [self] sink in
            try withoutGradients { try tensor(self).contiguous().array(of: Float.self) }.withUnsafeBytes(sink)
        }
    }

    func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile, biases: Bool) throws {
        try columns(table, 0, width).restore("\(name)_factors", from: weights)
        if biases { try columns(table, width, 1).reshaped([rows]).restore("\(name)_biases", from: weights) }
        try means.restore("\(name)_means", from: optimizer)
    }
}
