import Basics

/// How the cells of a column of an MDS shard are encoded, written as Mosaic streaming writes it: `int64`, `str`,
/// `ndarray:float32:64`.
///
/// `pkl` is refused, because reading a pickle runs whatever code it names; pictures (`pil`, `jpeg`, `png` and their
/// kin) are not supported.
///
/// Source: `streaming/base/format/mds/encodings.py` of mosaicml-streaming 0.13.
public enum MDSEncoding: Sendable, Hashable, CustomStringConvertible {
    /// `bytes`: any bytes.
    case bytes
    /// `str`: UTF-8.
    case string
    /// `int`: the same bytes as `int64`.
    case int
    /// `uint8` … `int64`, `float16` … `float64`, little-endian. Never `bool` or `bfloat16`.
    case number(ElementType)
    /// `str_int`: decimal digits, of any length.
    case integerText
    /// `str_float`: a float as Python prints it.
    case floatText
    /// `str_decimal`: a decimal fraction, with all its digits.
    case decimalText
    /// `json`: JSON text.
    case json
    /// `ndarray[:dtype[:d0,d1,…]]`: an array; what is nil here stands in each cell.
    case array(ElementType? = nil, shape: [Int]? = nil)

    public static let uint8 = MDSEncoding.number(.uint8)
    public static let uint16 = MDSEncoding.number(.uint16)
    public static let uint32 = MDSEncoding.number(.uint32)
    public static let uint64 = MDSEncoding.number(.uint64)
    public static let int8 = MDSEncoding.number(.int8)
    public static let int16 = MDSEncoding.number(.int16)
    public static let int32 = MDSEncoding.number(.int32)
    public static let int64 = MDSEncoding.number(.int64)
    public static let float16 = MDSEncoding.number(.float16)
    public static let float32 = MDSEncoding.number(.float32)
    public static let float64 = MDSEncoding.number(.float64)

    /// Bytes of every cell; nil where cells say their own size.
    public var size: Int? {
        switch self {
        case .int: 8
        case .number(let type): type.size
        case .array(let type?, let shape?): shape.reduce(type.size, *)
        case .bytes, .string, .integerText, .floatText, .decimalText, .json, .array: nil
        }
    }

    /// What the numbers of a scalar column are; nil for text, bytes and arrays.
    public var elementType: ElementType? {
        switch self {
        case .int: .int64
        case .number(let type): type
        default: nil
        }
    }

    /// The package's name, as it stands in `index.json`.
    public var description: String {
        switch self {
        case .bytes: "bytes"
        case .string: "str"
        case .int: "int"
        case .number(let type): Self.name(type)
        case .integerText: "str_int"
        case .floatText: "str_float"
        case .decimalText: "str_decimal"
        case .json: "json"
        case .array(nil, _): "ndarray"
        case .array(let type?, nil): "ndarray:\(Self.name(type))"
        case .array(let type?, let shape?):
            "ndarray:\(Self.name(type)):" + shape.map(String.init).joined(separator: ",")
        }
    }
}

extension MDSEncoding {
    /// - Throws: `usage` naming what is unsafe, not supported or not known.
    public init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if let type = Self.types[name] {
            self = .number(type)
        } else {
            switch name {
            case "bytes": self = .bytes
            case "str": self = .string
            case "int": self = .int
            case "str_int": self = .integerText
            case "str_float": self = .floatText
            case "str_decimal": self = .decimalText
            case "json": self = .json
            case "ndarray": self = try Self.array(parts.count == 2 ? String(parts[1]) : "", text)
            case "pkl":
                throw StarlingError(
                    .usage, "the encoding “pkl” is unsafe: reading a pickle runs the code it names",
                    remedy: "write the column as json, str, bytes or ndarray")
            case _ where Self.pictures.contains { name.hasPrefix($0) }:
                throw StarlingError(
                    .usage, "the encoding “\(text)” is a picture, which is not supported",
                    remedy: "leave the column out, or write it as bytes")
            default: throw StarlingError(.usage, "the encoding “\(text)” is not known", remedy: Self.known)
            }
        }
        guard name == "ndarray" || parts.count == 1 else {
            throw StarlingError(.usage, "the encoding “\(name)” takes nothing behind a colon, “\(text)” has it")
        }
    }

    private static let pictures = ["pil", "jpeg", "png", "list["]
    private static let known =
        "use bytes, str, int, uint8 to uint64, int8 to int64, float16, float32, float64, str_int, str_float, "
        + "str_decimal, json or ndarray[:dtype[:d0,d1,…]]"
    private static let types: [String: ElementType] = [
        "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64, "int8": .int8, "int16": .int16,
        "int32": .int32, "int64": .int64, "float16": .float16, "float32": .float32, "float64": .float64,
    ]
    private static let names = Dictionary(uniqueKeysWithValues: types.map { ($1, $0) })

    static func name(_ type: ElementType) -> String {
        guard let name = names[type] else { preconditionFailure("MDS has no \(type)") }
        return name
    }

    /// What stands behind `ndarray:`.
    private static func array(_ arguments: String, _ text: String) throws -> MDSEncoding {
        if arguments.isEmpty { return .array() }
        let parts = arguments.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let type = types[String(parts[0])] else {
            throw StarlingError(
                .usage, "the encoding “\(text)” is not known",
                remedy: "write ndarray, ndarray:float32 or ndarray:float32:2,3")
        }
        guard parts.count == 2 else { return .array(type) }
        let shape = parts[1].split(separator: ",", omittingEmptySubsequences: false).map { extent in
            extent.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(extent) ?? 0 : 0
        }
        guard shape.allSatisfy({ $0 > 0 }), let size = byteCount(size: type.size, shape: shape), size <= UInt32.max
        else {
            throw StarlingError(
                .usage, "the shape of “\(text)” is not one of whole numbers above 0 that fits a shard")
        }
        return .array(type, shape: shape)
    }
}
