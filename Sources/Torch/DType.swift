/// What a tensor's elements are. Raw values are LibTorch's.
public enum DType: Int32, Sendable {
    case uint8 = 0
    case int8 = 1
    case int16 = 2
    case int32 = 3
    case int64 = 4
    case float16 = 5
    case float32 = 6
    case float64 = 7
    case bool = 11
    case bfloat16 = 15

    /// Bytes an element takes.
    public var size: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }
}

/// A Swift type that tensors have elements of.
public protocol TorchScalar: BitwiseCopyable {
    static var dtype: DType { get }
}

extension Float: TorchScalar { public static var dtype: DType { .float32 } }
extension Double: TorchScalar { public static var dtype: DType { .float64 } }
extension Int64: TorchScalar { public static var dtype: DType { .int64 } }
extension Int32: TorchScalar { public static var dtype: DType { .int32 } }
extension UInt8: TorchScalar { public static var dtype: DType { .uint8 } }
