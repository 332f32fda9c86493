import Formats
import Kernels
import Torch

extension TensorSource {
    /// A tensor of LibTorch's on its way into a file, as float32.
    init(_ parameter: (name: String, tensor: Tensor)) {
        let tensor = parameter.tensor
        self.init(name: parameter.name, elementType: .float32, shape: tensor.shape) { sink in
            try tensor.to(.float32).array(of: Float.self).withUnsafeBytes(sink)
        }
    }
}

extension Tensor {
    /// Takes float32 elements from a file.
    func restore(_ name: String, from file: SafeTensorsFile) throws {
        let stored = try file.tensor(name).expect(.float32, shape: shape).floats()
        _ = try withoutGradients { try copyInPlace(from: Tensor(stored, shape)) }
    }
}

extension Tensor {
    /// Fills it with normal numbers from a random stream of its own, the same on every device.
    func fillNormal(deviation: Double, seed: UInt64, index: UInt64) throws {
        var random = RandomStream(seed: seed, .initialisation, index: index)
        let values = (0..<count).map { _ in Float(deviation * random.normal()) }
        _ = try withoutGradients { try copyInPlace(from: Tensor(values, shape)) }
    }
}

extension Tensor {
    /// Rows for ``selecting(_:axis:)``, `[rows]` of int64 on a device.
    static func indices(_ rows: [Int64], on device: Device) throws -> Tensor {
        try Tensor(rows, [rows.count]).to(nil, device)
    }

    /// Where its float32 elements lie; valid while the tensor lives.
    func floats() throws -> UnsafeMutablePointer<Float> { try withMemory(as: Float.self) { $0.baseAddress! } }
}

extension Tensor {
    /// A copy of a matrix of float32 in memory of ours.
    func table() throws -> FactorTable {
        let (rows, width) = (shape[0], shape[1])
        let table = FactorTable(rows: rows, width: width)
        let values = try array(of: Float.self)
        for row in 0..<rows { _ = table.row(row).update(fromContentsOf: values[(row * width)..<((row + 1) * width)]) }
        return table
    }
}

extension FactorTable {
    /// A copy on a device, `[rows × width]`.
    borrowing func tensor(on device: Device) throws -> Tensor {
        let copy = try Tensor.empty([rows, width])
        try copy.withMemory(as: Float.self) { memory in
            for row in 0..<rows {
                (memory.baseAddress! + row * width).update(from: base + row * stride, count: width)
            }
        }
        return try copy.to(nil, device)
    }
}

extension Linear {
    /// Weights and biases uniform within ±1/√inputs from a random stream of their own, the same on every device.
    func fill(seed: UInt64, index: UInt64) throws {
        var random = RandomStream(seed: seed, .initialisation, index: index)
        let bound = 1 / Float(weight.shape[1]).squareRoot()
        for (_, tensor) in parameters {
            let values = (0..<tensor.count).map { _ in (2 * Float(random.uniform()) - 1) * bound }
            _ = try withoutGradients { try tensor.copyInPlace(from: Tensor(values, tensor.shape)) }
        }
    }
}
