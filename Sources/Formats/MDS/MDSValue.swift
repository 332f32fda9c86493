public import Basics

/// What a cell of an MDS shard holds.
public enum MDSValue: Sendable, Hashable {
    /// Of `bytes`. Written to a column of another encoding, the cell as it is to stand in the shard.
    case bytes([UInt8])
    /// Of `str`.
    case string(String)
    /// Of whole numbers, and of `str_int` where it fits.
    case int(Int64)
    /// Of unsigned numbers, and of `str_int` where only this fits.
    case uint(UInt64)
    /// Of floating-point numbers (exactly) and `str_float`.
    case float(Double)
    /// The digits of `str_decimal`, and of a `str_int` that fits no 64 bits.
    case decimal(String)
    /// JSON text, as it stands in the shard.
    case json(String)
    /// Of `ndarray`.
    case array(MDSArray)

    /// A `json` cell as Python's `json.dumps(value, sort_keys=True)` writes it.
    public static func json(_ value: JSONValue) -> MDSValue { .json(PythonText.json(value)) }

    /// In words, for errors.
    var kind: String {
        switch self {
        case .bytes: "bytes"
        case .string: "a string"
        case .int, .uint: "a whole number"
        case .float: "a floating-point number"
        case .decimal: "a decimal number"
        case .json: "JSON"
        case .array(let array): "an array of \(MDSEncoding.name(array.elementType)) \(array.shape)"
        }
    }
}

/// A NumPy array in a cell: at least one axis, no more than 63, none empty.
public struct MDSArray: Sendable, Hashable {
    public let elementType: ElementType
    /// Sizes from the slowest axis to the fastest.
    public let shape: [Int]
    /// The elements in C order, little-endian.
    public let bytes: [UInt8]

    /// - Precondition: the bytes are those of the shape; the type is neither `bool` nor `bfloat16`.
    public init(_ elementType: ElementType, shape: [Int], bytes: [UInt8]) {
        precondition(shape.reduce(elementType.size, *) == bytes.count, "shape and bytes disagree")
        precondition(elementType != .bool && elementType != .bfloat16, "MDS has no \(elementType)")
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
    }

    /// An `float32` array; one axis unless `shape` says otherwise.
    public init(_ values: [Float], shape: [Int]? = nil) {
        self.init(.float32, shape: shape ?? [values.count], bytes: values.withUnsafeBytes(Array.init))
    }

    /// A `float64` array; one axis unless `shape` says otherwise.
    public init(_ values: [Double], shape: [Int]? = nil) {
        self.init(.float64, shape: shape ?? [values.count], bytes: values.withUnsafeBytes(Array.init))
    }

    /// An `int64` array; one axis unless `shape` says otherwise.
    public init(_ values: [Int64], shape: [Int]? = nil) {
        self.init(.int64, shape: shape ?? [values.count], bytes: values.withUnsafeBytes(Array.init))
    }

    /// An `int32` array; one axis unless `shape` says otherwise.
    public init(_ values: [Int32], shape: [Int]? = nil) {
        self.init(.int32, shape: shape ?? [values.count], bytes: values.withUnsafeBytes(Array.init))
    }

    /// Number of elements.
    public var count: Int { bytes.count / elementType.size }

    /// The elements as `Float`, rounded to the nearest where they are wider.
    public func floats() -> [Float] { numbers()! }

    /// The elements as `Double`, rounded to the nearest where they are wider.
    public func doubles() -> [Double] { numbers()! }

    /// The elements as `Int64`; nil if they are floating-point numbers, or one is above its range.
    public func int64s() -> [Int64]? { numbers() }

    private func numbers<Target: CellNumber>() -> [Target]? {
        bytes.withUnsafeBytes { bytes in
            guard elementType.isInteger || Target.takesFractions else { return nil }
            var isComplete = true
            let numbers = [Target](unsafeUninitializedCapacity: count) { target, filled in
                let cells = StridedCells(
                    base: bytes.baseAddress!, stride: elementType.size, count: count, type: elementType)
                isComplete = cells.copy(.range(0..<count), into: target) == nil
                filled = count
            }
            return isComplete ? numbers : nil
        }
    }
}
