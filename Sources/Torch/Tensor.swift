import Basics
import CTorch

/// An array of LibTorch's, on some device, that may take part in automatic differentiation.
///
/// A tensor is a reference: several may share memory, and operators whose names end in `InPlace` change it. Its memory is
/// given back when the last reference is gone. Not to be used from several threads at once while it changes.
public final class Tensor {
    let handle: OpaquePointer
    let library: TorchLibrary

    init(_ handle: OpaquePointer, _ library: TorchLibrary) { (self.handle, self.library) = (handle, library) }

    deinit { library.plugin.table.pointee.release(handle) }

    private var info: starling_tensor_info {
        var info = starling_tensor_info()
        library.plugin.table.pointee.info(handle, &info)
        return info
    }

    /// Lengths of its axes; none for a scalar.
    public var shape: [Int] {
        let info = info
        return (0..<info.rank).map { Int(info.sizes[$0]) }
    }

    /// Elements.
    public var count: Int { Int(info.count) }

    public var dtype: DType {
        guard let dtype = DType(rawValue: info.dtype) else {
            preconditionFailure("a tensor of LibTorch's type \(info.dtype)")
        }
        return dtype
    }

    public var device: Device {
        let info = info
        return info.device_type == 0 ? .cpu : .cuda(Int(max(0, info.device_index)))
    }

    /// Whether operators on it are recorded, so that ``backward(from:retainingGraph:)`` reaches it.
    public var requiresGrad: Bool { info.requires_grad != 0 }

    /// Asks for a gradient, of a tensor that no operator made.
    @discardableResult
    public func requiringGrad(_ requires: Bool = true) throws -> Tensor {
        try library.check(library.plugin.table.pointee.set_requires_grad(handle, requires ? 1 : 0))
        return self
    }

    /// Where its elements lie in C order, if they do and in the CPU's memory. Valid while the tensor lives and no operator
    /// resizes it.
    public func withMemory<Scalar: TorchScalar, Result>(
        as: Scalar.Type, _ body: (UnsafeMutableBufferPointer<Scalar>) throws -> Result
    ) throws -> Result {
        let info = info
        guard info.dtype == Scalar.dtype.rawValue, let data = info.data ?? (info.count == 0 ? handle.raw : nil) else {
            throw StarlingError(
                .failed, "a tensor \(dtype) \(shape) on \(device) does not lie in memory as \(Scalar.dtype)")
        }
        return try withExtendedLifetime(self) {
            try body(.init(start: data.assumingMemoryBound(to: Scalar.self), count: Int(info.count)))
        }
    }

    /// Its elements in C order, from whatever device; `Scalar` is the type it has.
    public func array<Scalar: TorchScalar>(of: Scalar.Type = Scalar.self) throws -> [Scalar] {
        precondition(dtype == Scalar.dtype, "elements of \(dtype) read as \(Scalar.dtype)")
        let count = count
        return try [Scalar](unsafeUninitializedCapacity: count) { target, filled in
            let bytes = count * MemoryLayout<Scalar>.stride
            try library.check(library.plugin.table.pointee.read(handle, target.baseAddress, bytes))
            filled = count
        }
    }

    /// The element of a tensor that has one, as a number. Waits for the device.
    public func item() throws -> Double {
        precondition(count == 1, "a tensor \(shape) is not one number")
        return try to(.float64).array(of: Double.self)[0]
    }
}

extension OpaquePointer {
    /// A place that is never read.
    fileprivate var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) }
}

extension Tensor: CustomStringConvertible {
    public var description: String { "\(dtype) \(shape)\(device == .cpu ? "" : " on \(device)")" }
}
