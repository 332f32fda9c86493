import Starling

/// A number with a decimal suffix and a unit, as people type it: `320M`, `64GB`, `10Gbit/s`, `50us`.
enum Quantity {
    /// Units by their names, each in the first one's measure.
    enum Unit: String {
        case count = "a number such as 70M (k, M, G, T)"
        case bytes = "bytes such as 64GB"
        case bytesPerSecond = "a rate such as 10Gbit/s or 1GB/s"
        case seconds = "a time such as 50us, 2ms or 1s"

        fileprivate var names: [(String, Double)] {
            switch self {
            case .count: [("", 1)]
            case .bytes: [("", 1), ("B", 1)]
            case .bytesPerSecond: [("", 1), ("B/s", 1), ("bit/s", 1.0 / 8), ("bps", 1.0 / 8)]
            case .seconds: [("s", 1), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ns", 1e-9)]
            }
        }
    }

    private static let prefixes: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]

    /// - Throws: `usage` naming the option, for anything but a number above 0 in this unit.
    static func parse(_ text: String, _ unit: Unit, option: String) throws -> Double {
        let digits = text.prefix { $0.isNumber || $0 == "." || $0 == "_" }
        var rest = text.dropFirst(digits.count)
        if rest.first == " " { rest = rest.dropFirst() }
        if let number = Double(digits.filter { $0 != "_" }), number > 0, number.isFinite,
            let factor = factor(String(rest), unit)
        {
            return number * factor
        }
        throw StarlingError(.usage, "\(option) “\(text)” is not \(unit.rawValue)", remedy: "give one above 0")
    }

    /// - Throws: as ``parse(_:_:option:)``, also for what is not whole, or beyond 10¹⁵.
    static func whole(_ text: String, _ unit: Unit = .count, option: String) throws -> Int {
        let value = try parse(text, unit, option: option)
        guard value == value.rounded(), (1...1e15).contains(value) else {
            throw StarlingError(
                .usage, "\(option) “\(text)” is not a whole number from 1 to 10¹⁵", remedy: "give \(unit.rawValue)")
        }
        return Int(value)
    }

    private static func factor(_ text: String, _ unit: Unit) -> Double? {
        if let known = unit.names.first(where: { $0.0.lowercased() == text.lowercased() }) { return known.1 }
        guard unit != .seconds, let prefix = text.first.flatMap({ prefixes[$0] }) else { return nil }
        let name = text.dropFirst().lowercased()
        return unit.names.first { $0.0.lowercased() == name }.map { $0.1 * prefix }
    }

    /// A duration of any size: `3.1 µs`, `12 ms`, `4.20 s`, `1:02:03`, `12 days`.
    static func seconds(_ value: Double) -> String {
        switch value {
        case 0: "–"
        case ..<1e-3: Numerals.fixed(value * 1e6, value < 1e-5 ? 1 : 0) + " µs"
        case ..<1: Numerals.fixed(value * 1e3, value < 0.01 ? 1 : 0) + " ms"
        case ..<10: Numerals.fixed(value, 2) + " s"
        case ..<360_000: Numerals.duration(value)
        default: Numerals.grouped(Int(value / 86_400)) + " days"
        }
    }

    static func bytes(_ count: Int) -> String { count == 0 ? "–" : Numerals.bytes(count) }
}
