/// What the elements of a NumPy array are.
public enum NPYElement: Hashable, Sendable, CustomStringConvertible {
    /// Integers, floating-point numbers of 16 to 64 bits but `bfloat16`, and truth values.
    case number(ElementType)
    /// `U`: text of at most so many Unicode scalars, in UTF-32, filled up with NUL.
    case unicode(length: Int)
    /// `S`: so many bytes, filled up with NUL.
    case bytes(length: Int)

    /// Bytes an element takes.
    public var size: Int {
        switch self {
        case .number(let type): type.size
        case .unicode(let length): 4 * length
        case .bytes(let length): length
        }
    }

    /// Bytes that change places when the byte order does.
    var unit: Int {
        switch self {
        case .number(let type): type.size
        case .unicode: 4
        case .bytes: 1
        }
    }

    /// NumPy's name of the type in little-endian order: `<f4`, `|u1`, `<U12`.
    public var description: String {
        let order = unit == 1 ? "|" : "<"
        return switch self {
        case .number(let type): order + Self.codes[type]!
        case .unicode(let length): "\(order)U\(length)"
        case .bytes(let length): "\(order)S\(length)"
        }
    }

    /// Whether NPY files are read and written with elements of that type.
    public static func holds(_ type: ElementType) -> Bool { codes[type] != nil }

    private static let codes: [ElementType: String] = [
        .float64: "f8", .float32: "f4", .float16: "f2", .int64: "i8", .int32: "i4", .int16: "i2", .int8: "i1",
        .uint64: "u8", .uint32: "u4", .uint16: "u2", .uint8: "u1", .bool: "b1",
    ]
    private static let types = Dictionary(uniqueKeysWithValues: codes.map { ($1, $0) })

    /// Reads NumPy's `descr`: an optional byte order, a kind and a size.
    static func parse(_ descr: String, _ subject: Subject) throws -> (element: NPYElement, isBigEndian: Bool) {
        var code = Substring(descr)
        let isBigEndian = code.first == ">"
        if let first = code.first, "<>|=".contains(first) { code.removeFirst() }
        if code == "?" { return (.number(.bool), false) }
        if let type = types[String(code)] { return (.number(type), isBigEndian) }
        let kind = code.first
        let digits = code.dropFirst()
        // NumPy's own element sizes are 32-bit integers.
        if kind == "U" || kind == "S" || kind == "a", !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let length = Int(digits), length <= Int(Int32.max) / 4
        {
            return (kind == "U" ? .unicode(length: length) : .bytes(length: length), isBigEndian)
        }
        if kind == "O" {
            throw subject.damaged(
                "it holds Python objects (element type “\(descr)”), which only Python can read safely or not at all",
                remedy: "save it from NumPy as numbers or strings, such as array.astype(str)")
        }
        throw subject.damaged("its element type “\(descr)” is not a number, truth value or string that can be read")
    }
}
