/// Element types of tensors and arrays, named as safetensors names them.
public enum ElementType: String, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"
    case float8E5M2 = "F8_E5M2"
    /// PyTorch's `float8_e4m3fn`.
    case float8E4M3 = "F8_E4M3"
    /// PyTorch's `float8_e8m0fnu`.
    case float8E8M0 = "F8_E8M0"
    case float8E4M3FNUZ = "F8_E4M3FNUZ"
    case float8E5M2FNUZ = "F8_E5M2FNUZ"
    /// Real and imaginary part, an F32 each.
    case complex64 = "C64"

    /// Bytes an element takes.
    public var size: Int {
        switch self {
        case .float64, .int64, .uint64, .complex64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .int8, .uint8, .bool, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ: 1
        }
    }

    /// Bytes that change places when the byte order does.
    var unit: Int { self == .complex64 ? 4 : size }
}

/// A named tensor on its way out: writers and digests ask it for its bytes, row-major and little-endian, so that
/// a table need not be copied to be written.
public struct TensorSource {
    public let name: String
    public let elementType: ElementType
    /// Sizes from the slowest axis to the fastest; `[]` is a scalar.
    public let shape: [Int]
    /// Calls its argument with consecutive pieces that add up to ``byteCount``.
    public let emit: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    public init(
        name: String, elementType: ElementType, shape: [Int],
        emit: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.emit = emit
    }

    public var byteCount: Int { shape.reduce(elementType.size, *) }

    /// The same, telling of every piece, of some megabytes at most, before it is written.
    package func observed(_ tell: @escaping (_ bytes: Int) throws -> Void) -> TensorSource {
        TensorSource(name: name, elementType: elementType, shape: shape) { sink in
            try emit { try $0.inPieces(tell, sink) }
        }
    }
}

extension UnsafeRawBufferPointer {
    func inPieces(_ tell: (Int) throws -> Void, _ sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let size = 4 << 20
        for start in Swift.stride(from: 0, to: count, by: size) {
            let piece = UnsafeRawBufferPointer(rebasing: self[start..<Swift.min(count, start + size)])
            try tell(piece.count)
            try sink(piece)
        }
    }
}

extension TensorSource {
    public init(name: String, _ values: [Float], shape: [Int]? = nil) {
        self.init(name: name, .float32, values, shape)
    }

    public init(name: String, _ values: [Double], shape: [Int]? = nil) {
        self.init(name: name, .float64, values, shape)
    }

    public init(name: String, _ values: [Int64], shape: [Int]? = nil) {
        self.init(name: name, .int64, values, shape)
    }

    public init(name: String, _ values: [UInt32], shape: [Int]? = nil) {
        self.init(name: name, .uint32, values, shape)
    }

    public init(name: String, _ values: [UInt8], shape: [Int]? = nil) {
        self.init(name: name, .uint8, values, shape)
    }

    private init<Element: BitwiseCopyable>(
        name: String, _ type: ElementType, _ values: [Element], _ shape: [Int]?
    ) {
        precondition(shape.map { $0.reduce(1, *) == values.count } ?? true, "\(name): shape and count disagree")
        self.init(name: name, elementType: type, shape: shape ?? [values.count]) { sink in
            try values.withUnsafeBytes(sink)
        }
    }
}
