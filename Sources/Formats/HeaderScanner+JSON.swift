import Basics

extension HeaderScanner {
    /// Reads `{"key": value, …}`; `member` gets each key and reads its value.
    mutating func object(_ member: (inout HeaderScanner, String) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Reads `[1, 2, …]` of whole numbers.
    mutating func naturals() throws -> [Int] {
        try expect("[")
        if take("]") { return [] }
        var values: [Int] = []
        repeat { values.append(try natural()) } while take(",")
        try expect("]")
        return values
    }

    /// Reads a string as RFC 8259 defines it, escapes undone.
    mutating func string() throws -> String {
        try expect("\"")
        var bytes: [UInt8] = []
        while let byte = next {
            advance()
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw failure("a string that is not UTF-8 ends")
                }
                return string
            case UInt8(ascii: "\\"):
                bytes.append(contentsOf: Character(try escape()).utf8)
            case 0..<0x20:
                throw failure("a control character stands in a string")
            default:
                bytes.append(byte)
            }
        }
        throw failure("a string has no end")
    }

    /// What follows a backslash.
    private mutating func escape() throws -> Unicode.Scalar {
        guard let byte = next else { throw failure("a string has no end") }
        advance()
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try hexadecimal()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            // The first half of a surrogate pair: the second must follow.
            guard unit < 0xDC00, next == UInt8(ascii: "\\") else { throw failure("half a surrogate pair stands alone") }
            advance()
            guard next == UInt8(ascii: "u") else { throw failure("half a surrogate pair stands alone") }
            advance()
            let low = try hexadecimal()
            guard 0xDC00..<0xE000 ~= low, let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            else { throw failure("half a surrogate pair stands alone") }
            return scalar
        default: throw failure("an unknown escape ends")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt32(digit)
            advance()
        }
        return value
    }
}
