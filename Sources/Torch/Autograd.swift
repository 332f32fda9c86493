import Basics
import CTorch

extension Tensor {
    /// Differentiates it, and adds to ``gradient`` of every tensor that asked for one.
    ///
    /// - Parameters:
    ///   - gradient: of a loss by this tensor; nil for a scalar, whose is 1.
    ///   - retainingGraph: whether the record of operators is kept, to go back through it again.
    public func backward(from gradient: Tensor? = nil, retainingGraph: Bool = false) throws {
        try Tensor.backward([(self, gradient)], retainingGraph: retainingGraph)
    }

    /// The same for several tensors with gradients of one loss.
    public static func backward(
        _ roots: [(tensor: Tensor, gradient: Tensor?)], retainingGraph: Bool = false
    ) throws {
        guard let library = roots.first?.tensor.library else { return }
        let tensors = roots.map { Optional($0.tensor.handle) }, gradients = roots.map { $0.gradient?.handle }
        try withExtendedLifetime(roots) {
            try library.check(
                library.plugin.table.pointee.backward(tensors, gradients, tensors.count, retainingGraph ? 1 : 0))
        }
    }

    /// What backward passes added up; nil if there was none.
    public var gradient: Tensor? {
        get throws {
            var handle: OpaquePointer?
            try library.check(library.plugin.table.pointee.gradient(self.handle, &handle))
            return handle.map { Tensor($0, library) }
        }
    }

    /// Sets the gradient, or clears it.
    public func setGradient(_ gradient: Tensor?) throws {
        try library.check(library.plugin.table.pointee.set_gradient(handle, gradient?.handle))
    }

    /// The same elements, of which operators are not recorded; shares memory.
    public func detached() throws -> Tensor { try Operators.detach.tensor(.tensor(self)) }
}

extension Tensor {
    /// This tensor, which was computed of `inputs` by other means than operators, as something that can be differentiated.
    ///
    /// - Parameter backward: of a gradient by this tensor, makes those by the inputs; nil where there is none. Called in a
    ///   backward pass, on its thread. It must not hold on to what is returned here.
    public func recorded(of inputs: [Tensor], backward: @escaping (Tensor) throws -> [Tensor?]) throws -> Tensor {
        let function = Unmanaged.passRetained(RecordedFunction(library, backward))
        var handle: OpaquePointer?
        let code = withExtendedLifetime(inputs) {
            library.plugin.table.pointee.record(
                inputs.map { Optional($0.handle) }, inputs.count, self.handle,
                { context, gradient, gradients in
                    Unmanaged<RecordedFunction>.fromOpaque(context!).takeUnretainedValue()(gradient!, gradients!)
                }, { Unmanaged<RecordedFunction>.fromOpaque($0!).release() }, function.toOpaque(), &handle)
        }
        try library.check(code)
        return Tensor(handle!, library)
    }
}

/// What a backward pass calls, and the gradients that it gave until they are taken.
private final class RecordedFunction {
    private let library: TorchLibrary
    private let backward: (Tensor) throws -> [Tensor?]
    private var gradients: [Tensor?] = []

    init(_ library: TorchLibrary, _ backward: @escaping (Tensor) throws -> [Tensor?]) {
        (self.library, self.backward) = (library, backward)
    }

    func callAsFunction(_ gradient: OpaquePointer, _ target: UnsafeMutablePointer<OpaquePointer?>) -> Int32 {
        do {
            gradients = try withoutGradients { try backward(Tensor(gradient, library)) }
            for (index, gradient) in gradients.enumerated() { target[index] = gradient?.handle }
            return 0
        } catch let error as StarlingError where error.code == .outOfMemory {
            return Int32(STARLING_TORCH_OUT_OF_MEMORY)
        } catch {
            return Int32(STARLING_TORCH_FAILED)
        }
    }
}

/// Runs `body` without recording operators for differentiation.
public func withoutGradients<Result>(_ body: () throws -> Result) throws -> Result {
    let library = try TorchLibrary.opened()
    let before = library.plugin.table.pointee.set_grad_mode(0)
    defer { _ = library.plugin.table.pointee.set_grad_mode(before) }
    return try body()
}

/// Number formats that a network computes in.
public enum Precision: String, Sendable, CaseIterable {
    case fp32
    /// bfloat16 where it is safe, by autocast; weights stay float32.
    case bf16
    /// float16 where it is safe; the loss is scaled (``GradientScaler``), for small gradients would vanish.
    case fp16

    /// Runs `body` with operators on `device` in this precision.
    public func autocast<Result>(on device: Device, _ body: () throws -> Result) throws -> Result {
        let dtype: DType
        switch self {
        case .fp32: return try body()
        case .bf16: dtype = .bfloat16
        case .fp16: dtype = .float16
        }
        let library = try TorchLibrary.opened()
        let table = library.plugin.table.pointee
        try library.check(table.set_autocast(device.type, 1, dtype.rawValue))
        defer { _ = table.set_autocast(device.type, 0, dtype.rawValue) }
        return try body()
    }
}
