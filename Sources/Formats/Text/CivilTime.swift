/// Times as people write them.
package enum CivilTime {
    /// Seconds since 1970 of `2016-03-12`, `2016-03-12 22:10:24` or `2016-03-12T22:10:24.5Z` (ISO 8601), taken as UTC; parts
    /// of seconds are left out. Nil for anything else, other zones and days that no month has among it.
    package static func seconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        func number(_ start: Int, _ digits: Int) -> Int? {
            var number = 0
            for place in start..<start + digits {
                guard text[place] &- 48 < 10 else { return nil }
                number = number * 10 + Int(text[place] &- 48)
            }
            return number
        }
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), (1...12).contains(month),
            (1...days(in: month, of: year)).contains(day)
        else { return nil }
        let midnight = Int64(daysSince1970(year, month, day)) * 86400
        if text.count == 10 { return midnight }
        guard text.count >= 19, text[10] == UInt8(ascii: " ") || text[10] == UInt8(ascii: "T"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"), let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        var rest = text[19...]
        if rest.last == UInt8(ascii: "Z") { rest = rest.dropLast() }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard !rest.isEmpty, rest.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        } else if !rest.isEmpty {
            return nil
        }
        return midnight + Int64(hour * 3600 + minute * 60 + second)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Of the Gregorian calendar, before its beginning too. The year is taken to begin with March, so that the leap day is
    /// its last (Hinnant, chrono-compatible low-level date algorithms).
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let yearOfEra = year % 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
