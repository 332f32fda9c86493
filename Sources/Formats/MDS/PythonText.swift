import Basics

/// Text as Python's `json.dumps(…, sort_keys=True)` and `str` write it, byte for byte.
enum PythonText {
    /// Keys sorted by code points, `", "` and `": "` between, everything beyond ASCII escaped.
    static func json(_ value: JSONValue) -> String {
        var text = ""
        append(value, to: &text)
        return text
    }

    private static func append(_ value: JSONValue, to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            text += value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : float(value)
        case .string(let value): append(quoting: value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                append(element, to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { text += ", " }
                append(quoting: member.key, to: &text)
                text += ": "
                append(member.value, to: &text)
            }
            text += "}"
        }
    }

    private static func append(quoting string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case " "..."~": text.unicodeScalars.append(scalar)
            default:
                for unit in UTF16.encode(scalar)! {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        text += "\""
    }

    /// The shortest digits that give the number back, as Python's `str(float)`. Swift's are the same digits, but it
    /// goes over to exponents at 2⁵⁴ and Python at 10¹⁶.
    static func float(_ value: Double) -> String {
        let text = value.description
        guard value.magnitude >= 1e16, value.isFinite, !text.contains("e") else { return text }
        let sign = value < 0 ? "-" : ""
        let digits = text.dropFirst(sign.count).prefix { $0 != "." }
        let fraction = String(digits.dropFirst().reversed().drop { $0 == "0" }.reversed())
        return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e+\(digits.count - 1)"
    }
}
