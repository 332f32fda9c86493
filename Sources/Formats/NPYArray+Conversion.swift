import Basics

extension NPYArray {
    /// All elements as `Float`: from any numbers and truth values that a `Float` holds exactly.
    /// - Throws: `badData` naming the first element that would change; strings are refused.
    /// - Complexity: O(count), one copy.
    public func floats() throws -> [Float] { try numbers() }

    /// All elements as `Double`; otherwise as ``floats()``.
    public func doubles() throws -> [Double] { try numbers() }

    /// All elements as `Int64`, whole floating-point numbers included; otherwise as ``floats()``.
    public func int64s() throws -> [Int64] { try numbers() }

    /// All elements of a `U` or `S` array as text, without the NULs at their ends.
    /// - Throws: `badData` for numbers, for `U` elements that are not Unicode, for `S` elements that are not UTF-8.
    /// - Complexity: O(bytes).
    public func strings() throws -> [String] {
        let size = element.size
        let decode: (UnsafeRawBufferPointer) -> String?
        switch element {
        case .number:
            throw subject.damaged("it holds numbers (\(element)), strings are expected")
        case .unicode:
            decode = { text in
                let scalars = [UInt32](unaligned: text)
                let end = scalars.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
                return String(validating: scalars[..<end], as: UTF32.self)
            }
        case .bytes:
            decode = { text in
                let end = text.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
                return String(validating: text[..<end], as: UTF8.self)
            }
        }
        return try withUnsafeBytes { bytes in
            try (0..<count).map { index in
                guard let text = decode(.init(rebasing: bytes[index * size..<(index + 1) * size])) else {
                    throw subject.damaged("element \(index) of its \(element) is not valid text")
                }
                return text
            }
        }
    }

    private func numbers<Target: ExactNumber>() throws -> [Target] {
        guard case .number(let type) = element else {
            throw subject.damaged("it holds text (\(element)), numbers are expected")
        }
        if type == Target.elementType { return withUnsafeBytes { .init(unaligned: $0) } }
        return switch type {
        case .float64: try convert(from: Double.self) { Target(same: $0) }
        case .float32: try convert(from: Float.self) { Target(same: Double($0)) }
        case .float16:
            try convert(from: UInt16.self, shown: { Float(half: $0) }) { Target(same: Double(Float(half: $0))) }
        case .int64: try convert(from: Int64.self) { Target(exactly: $0) }
        case .int32: try convert(from: Int32.self) { Target(exactly: $0) }
        case .int16: try convert(from: Int16.self) { Target(exactly: $0) }
        case .int8: try convert(from: Int8.self) { Target(exactly: $0) }
        case .uint64: try convert(from: UInt64.self) { Target(exactly: $0) }
        case .uint32: try convert(from: UInt32.self) { Target(exactly: $0) }
        case .uint16: try convert(from: UInt16.self) { Target(exactly: $0) }
        case .uint8: try convert(from: UInt8.self) { Target(exactly: $0) }
        case .bool: try convert(from: UInt8.self) { Target(exactly: $0 == 0 ? 0 : 1) }
        case .bfloat16, .float8E5M2, .float8E4M3, .float8E8M0, .float8E4M3FNUZ, .float8E5M2FNUZ, .complex64:
            preconditionFailure("no NPY file is read as \(type.rawValue)")
        }
    }

    private func convert<Source: BitwiseCopyable, Target: ExactNumber>(
        from: Source.Type, shown: (Source) -> any CustomStringConvertible = { "\($0)" },
        _ exactly: (Source) -> Target?
    ) throws -> [Target] {
        try withUnsafeBytes { bytes in
            let count = bytes.count / MemoryLayout<Source>.stride
            return try (0..<count).map { index in
                let value = bytes.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Source>.stride, as: Source.self)
                guard let number = exactly(value) else {
                    throw subject.damaged(
                        "element \(index) of its \(element), \(shown(value)), is not exactly a \(Target.self)")
                }
                return number
            }
        }
    }
}

/// A number type to convert to without change.
private protocol ExactNumber: BitwiseCopyable {
    static var elementType: ElementType { get }
    init?(exactly value: some BinaryInteger)
    /// The same number, or NaN for NaN where there is one; nil if there is none.
    init?(same value: Double)
}

extension Float: ExactNumber {
    fileprivate static var elementType: ElementType { .float32 }

    fileprivate init?(same value: Double) {
        self.init(value)
        guard Double(self) == value || value.isNaN else { return nil }
    }
}

extension Double: ExactNumber {
    fileprivate static var elementType: ElementType { .float64 }
    fileprivate init?(same value: Double) { self = value }
}

extension Int64: ExactNumber {
    fileprivate static var elementType: ElementType { .int64 }
    fileprivate init?(same value: Double) { self.init(exactly: value) }
}

extension Float {
    /// The number that 16 bits of IEEE 754 binary16 stand for, exactly. (Swift's `Float16` is not on every Mac.)
    package init(half bits: UInt16) {
        let sign = UInt32(bits & 0x8000) << 16
        let rest = UInt32(bits & 0x7FFF) << 13
        if bits & 0x7C00 == 0x7C00 {
            self.init(bitPattern: sign | 0x7F80_0000 | rest)
        } else {
            // The exponent is off by the difference of the biases, 127 − 15; subnormals come out right as well.
            self = Float(bitPattern: sign | rest) * 0x1p112
        }
    }
}
