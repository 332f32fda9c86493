/// Decimal numbers from bytes, without a detour through `String` in the usual cases.
///
/// Accepted: `[+-]? (digits [. digits] | . digits) ([eE] [+-]? digits)?`. Hexadecimal, digit groups and decimal
/// commas are not numbers here.
package enum DecimalText {
    package enum Problem: Error {
        case notANumber
        /// NaN, an infinity, or beyond the range of the type.
        case notFinite
    }

    /// The nearest `Float`, correctly rounded.
    package static func float(_ text: UnsafeBufferPointer<UInt8>) throws(Problem) -> Float {
        let shape = try Shape(text)
        // One operation on two exact doubles is correctly rounded. Rounding again to Float changes nothing unless
        // the double lies on the border between two floats, or the float is subnormal.
        if shape.isExact, shape.mantissa <= 1 << 53, abs(shape.exponent) <= 22 {
            let mantissa = Double(shape.mantissa)
            let power = powersOfTen[abs(shape.exponent)]
            let double = shape.exponent < 0 ? mantissa / power : mantissa * power
            let isBorder = double.bitPattern & 0x1FFF_FFFF == 0x1000_0000
            if double == 0 || (double >= 0x1p-126 && double < 0x1p127 && !isBorder) {
                return Float(shape.isNegative ? -double : double)
            }
        }
        guard let float = Float(String(decoding: text, as: UTF8.self)) else { throw .notANumber }
        guard float.isFinite else { throw .notFinite }
        return float
    }

    /// A whole number; a fraction is cut off towards zero, as for times like `964982703.0`.
    package static func integer(_ text: UnsafeBufferPointer<UInt8>) throws(Problem) -> Int64 {
        let shape = try Shape(text)
        if !shape.hasExponent {
            var number: Int64 = 0
            for byte in text {
                if byte == UInt8(ascii: ".") { break }
                guard let digit = digit(byte) else { continue }
                let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.subtractingReportingOverflow(Int64(digit))
                if overflow || carry { throw .notFinite }
                number = sum
            }
            if shape.isNegative { return number }
            guard number != .min else { throw .notFinite }
            return -number
        }
        guard let double = Double(String(decoding: text, as: UTF8.self)) else { throw .notANumber }
        guard let number = Int64(exactly: double.rounded(.towardZero)) else { throw .notFinite }
        return number
    }

    /// An id that is a canonical integer in `0...2³² − 2`, or nil.
    package static func rowNumber(_ text: UnsafeBufferPointer<UInt8>) -> UInt32? {
        guard !text.isEmpty, text.count <= 10, text.count == 1 || text[0] != UInt8(ascii: "0") else { return nil }
        var number: UInt64 = 0
        for byte in text {
            guard let digit = digit(byte) else { return nil }
            number = number * 10 + UInt64(digit)
        }
        return number < UInt64(UInt32.max) ? UInt32(number) : nil
    }

    /// `text` as an integer if writing that integer out gives `text` again, or nil.
    package static func canonicalInteger(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = UnsafeBufferPointer(rebasing: text.dropFirst(isNegative ? 1 : 0))
        guard let first = digits.first, digits.count <= 19 else { return nil }
        if first == UInt8(ascii: "0") { return digits.count == 1 && !isNegative ? 0 : nil }
        var number: Int64 = 0
        for byte in digits {
            guard let digit = digit(byte) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.subtractingReportingOverflow(Int64(digit))
            if overflow || carry { return nil }
            number = sum
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let digit = byte &- UInt8(ascii: "0")
        return digit < 10 ? digit : nil
    }

    /// Sign, digits and exponent of a number whose grammar has been checked.
    private struct Shape {
        var isNegative = false
        var hasExponent = false
        var mantissa: UInt64 = 0
        var exponent = 0
        /// Whether `mantissa` and `exponent` hold the whole number.
        var isExact = true

        init(_ text: UnsafeBufferPointer<UInt8>) throws(Problem) {
            var rest = text[...]
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                isNegative = sign == UInt8(ascii: "-")
                rest.removeFirst()
            }
            if DecimalText.isNotFinite(rest) { throw .notFinite }
            var digits = 0
            var isFraction = false
            while let byte = rest.first {
                if let digit = DecimalText.digit(byte) {
                    digits += 1
                    if mantissa < 100_000_000_000_000_000 {
                        mantissa = mantissa * 10 + UInt64(digit)
                        if isFraction { exponent -= 1 }
                    } else {
                        isExact = false
                    }
                } else if byte == UInt8(ascii: "."), !isFraction {
                    isFraction = true
                } else {
                    break
                }
                rest.removeFirst()
            }
            guard digits > 0 else { throw .notANumber }
            if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
                hasExponent = true
                rest.removeFirst()
                let sign = rest.first
                if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
                guard !rest.isEmpty else { throw .notANumber }
                var power = 0
                while let byte = rest.first, let digit = DecimalText.digit(byte) {
                    power = min(100_000, power * 10 + Int(digit))
                    rest.removeFirst()
                }
                exponent += sign == UInt8(ascii: "-") ? -power : power
            }
            guard rest.isEmpty else { throw .notANumber }
        }
    }

    private static func isNotFinite(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard let first = text.first, first | 0x20 == UInt8(ascii: "n") || first | 0x20 == UInt8(ascii: "i") else {
            return false
        }
        return ["nan", "inf", "infinity"].contains(String(decoding: text, as: UTF8.self).lowercased())
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
