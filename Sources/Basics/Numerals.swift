/// Numbers as people read them. Locale-free, so that logs and tables are the same everywhere.
public enum Numerals {
    /// `value` with exactly `decimals` digits after the point: `fixed(0.91449, 3) == "0.914"`.
    /// NaN and infinities print as `nan`, `inf`, `-inf`.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
        guard scaled < 9e15 else { return "\(value)" }
        let digits = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// Thousands separated by commas: `grouped(20000263) == "20,000,263"`.
    public static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (offset, digit) in digits.enumerated() {
            if offset > 0 && (digits.count - offset) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// Three significant digits with a unit prefix: `short(71_400_000) == "71.4 M"`.
    public static func short(_ value: Double) -> String {
        var value = value
        for prefix in ["", " k", " M", " G", " T"] {
            if abs(value) < 999.5 || prefix == " T" {
                return fixed(value, abs(value) >= 99.95 || prefix.isEmpty ? 0 : abs(value) >= 9.995 ? 1 : 2) + prefix
            }
            value /= 1000
        }
        return "\(value)"
    }

    /// Bytes in decimal units: `bytes(42_300_000) == "42.3 MB"`.
    public static func bytes(_ count: Int) -> String {
        if count < 1000 { return "\(count) B" }
        let text = short(Double(count))
        return text + "B"
    }

    /// A duration: `0.4 s`, `12.3 s`, `4:05`, `1:02:03`.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 100 { return fixed(seconds, 1) + " s" }
        let total = Int(seconds.rounded())
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        let tail = (rest < 10 ? "0" : "") + "\(rest)"
        return hours > 0 ? "\(hours):" + (minutes < 10 ? "0" : "") + "\(minutes):\(tail)" : "\(minutes):\(tail)"
    }

    /// A duration as a clock shows it: `0:12`, `4:05`, `1:02:03`.
    public static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
        let total = Int(seconds.rounded())
        func two(_ value: Int) -> String { (value < 10 ? "0" : "") + "\(value)" }
        let hours = total / 3600
        return (hours > 0 ? "\(hours):" + two(total / 60 % 60) : "\(total / 60)") + ":" + two(total % 60)
    }
}
