import CTorch

extension Tensor {
    /// A tensor in the CPU's memory, copied from elements in C order.
    /// - Precondition: as many elements as the shape has.
    public convenience init<Scalar: TorchScalar>(_ elements: [Scalar], _ shape: [Int]) throws {
        precondition(shape.reduce(1, *) == elements.count, "\(elements.count) elements as \(shape)")
        self.init(try elements.withUnsafeBytes { try Self.make($0.baseAddress, Scalar.dtype, shape) }.0, try .opened())
    }

    /// A scalar.
    public convenience init(_ number: Float) throws { try self.init([number], []) }

    /// A tensor with any content.
    public static func empty(_ shape: [Int], _ dtype: DType = .float32, on device: Device = .cpu) throws -> Tensor {
        guard device == .cpu else { return try zeros(shape, dtype, on: device) }
        let (handle, library) = try make(nil, dtype, shape)
        return Tensor(handle, library)
    }

    /// A tensor that is the memory of `owner`, which lives as long as any tensor uses it.
    /// - Precondition: `memory` has as many elements as the shape, and stays where it is while the owner lives.
    public static func sharing<Scalar: TorchScalar>(
        _ memory: UnsafeMutablePointer<Scalar>, _ shape: [Int], of owner: AnyObject
    ) throws -> Tensor {
        let library = try TorchLibrary.opened()
        let context = Unmanaged.passRetained(owner)
        var handle: OpaquePointer?
        let sizes = shape.map { Int64($0) }
        let code = library.plugin.table.pointee.wrap(
            memory, Scalar.dtype.rawValue, sizes, sizes.count,
            { Unmanaged<AnyObject>.fromOpaque($0!).release() }, context.toOpaque(), &handle)
        if code != 0 { context.release() }
        try library.check(code)
        return Tensor(handle!, library)
    }

    public static func zeros(_ shape: [Int], _ dtype: DType = .float32, on device: Device = .cpu) throws -> Tensor {
        try Operators.zeros.tensor(
            .integers(shape), named: ["dtype": .dtype(dtype), "device": .device(device)])
    }

    public static func full(
        _ shape: [Int], _ value: Double, _ dtype: DType = .float32, on device: Device = .cpu
    ) throws -> Tensor {
        try Operators.full.tensor(
            .integers(shape), .number(value), named: ["dtype": .dtype(dtype), "device": .device(device)])
    }

    /// 0, 1, … below `count`.
    public static func range(_ count: Int, on device: Device = .cpu) throws -> Tensor {
        try Operators.arange.tensor(.integer(count), named: ["dtype": .dtype(.int64), "device": .device(device)])
    }

    private static func make(
        _ data: UnsafeRawPointer?, _ dtype: DType, _ shape: [Int]
    ) throws -> (OpaquePointer, TorchLibrary) {
        let library = try TorchLibrary.opened()
        var handle: OpaquePointer?
        let sizes = shape.map { Int64($0) }
        try library.check(library.plugin.table.pointee.make(data, dtype.rawValue, sizes, sizes.count, &handle))
        return (handle!, library)
    }
}
