import Formats

/// Times as databases write them.
package enum Timestamp {
    /// Seconds since 1970 of `2026-11-23[ T]05:00:00[.25][Z|+01[:00]]`, or of a day alone, at its start; fractions are cut off,
    /// and without an offset it is UTC. Nil for anything else.
    package static func seconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var rest = text[...]
        func number(_ digits: Int) -> Int64? {
            guard rest.count >= digits else { return nil }
            var value: Int64 = 0
            for byte in rest.prefix(digits) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            rest = rest.dropFirst(digits)
            return value
        }
        func skip(_ characters: String) -> UInt8? {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return nil }
            rest = rest.dropFirst()
            return byte
        }
        guard let year = number(4), skip("-") != nil, let month = number(2), skip("-") != nil, let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var seconds = days(year, month, day) * 86_400
        if rest.isEmpty { return seconds }
        guard skip(" T") != nil, let hour = number(2), skip(":") != nil, let minute = number(2), hour < 24, minute < 60
        else { return nil }
        seconds += hour * 3600 + minute * 60
        if skip(":") != nil {
            guard let second = number(2), second <= 60 else { return nil }
            seconds += second
            if skip(".") != nil { rest = rest.drop { (0x30...0x39).contains($0) } }
        }
        if rest.isEmpty || skip("Z") != nil { return rest.isEmpty ? seconds : nil }
        guard let sign = skip("+-"), let hours = number(2) else { return nil }
        var offset = hours * 3600
        if !rest.isEmpty {
            _ = skip(":")
            guard let minutes = number(2) else { return nil }
            offset += minutes * 60
        }
        guard rest.isEmpty else { return nil }
        return sign == UInt8(ascii: "+") ? seconds - offset : seconds + offset
    }

    /// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that leap days come last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
