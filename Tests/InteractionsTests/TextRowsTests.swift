import CKernels
import Kernels
import Testing

/// Every version of `sk_text_take` against the plain one, on rows of all shapes: they must take the same rows, stop at
/// the same lines and write the same bits. What the plain one takes is held against ``PlainReader`` by
/// ``ReaderOracleTests``.
@Suite struct TextRowsTests {
    struct Form {
        var separator: String
        var roles: [UInt8]
        var textUsers = false
        var textItems = false
    }

    struct Taken: Equatable {
        var users: [UInt32] = []
        var items: [UInt32] = []
        var values: [UInt32] = []
        var times: [Int64] = []
        var greatestUser: UInt32 = 0
        var greatestItem: UInt32 = 0
        /// Where lines begin that were left.
        var left: [Int] = []
    }

    /// All rows of `text`, which ends with a line end; lines at which the kernel stops are skipped.
    private func take(_ text: [UInt8], _ form: Form, _ set: InstructionSet) -> Taken {
        let lines = text.count { $0 == 10 }
        var result = Taken()
        var users = [UInt32](repeating: 7, count: lines)
        var items = users
        var values = [Float](repeating: 7, count: lines)
        var times = [Int64](repeating: 7, count: lines)
        var known = [sk_text_value](repeating: sk_text_value(), count: Int(SK_TEXT_KNOWN_VALUES))
        let separator = Array(form.separator.utf8)
        // A copy of exactly this size, so that a sanitizer sees what is read beyond it.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
        defer { copy.deallocate() }
        _ = copy.initialize(from: text)
        let base = UnsafePointer(copy.baseAddress!)
        let (hasValues, hasTimes) = (form.roles.contains(3), form.roles.contains(4))
        form.roles.withUnsafeBufferPointer { roles in
            var form = sk_text_form(
                separator: (separator[0], separator.last!), separator_size: separator.count, columns: roles.count,
                roles: roles.baseAddress, users_are_text: form.textUsers ? 1 : 0,
                items_are_text: form.textItems ? 1 : 0,
                longest: 1 << 20)
            var rows = sk_text_rows()
            (rows.position, rows.end) = (base, base + text.count)
            rows.base = base
            (rows.readable, rows.unreadable) = (base, base + text.count)
            users.withUnsafeMutableBufferPointer { rows.users = $0.baseAddress }
            items.withUnsafeMutableBufferPointer { rows.items = $0.baseAddress }
            values.withUnsafeMutableBufferPointer { rows.values = $0.baseAddress }
            times.withUnsafeMutableBufferPointer { rows.times = $0.baseAddress }
            known.withUnsafeMutableBufferPointer { rows.known = $0.baseAddress }
            while true {
                sk_text_take(&form, &rows, set.rawValue)
                guard rows.position < rows.end else { break }
                result.left.append(rows.position - base)
                while rows.position.pointee != 10 { rows.position += 1 }
                rows.position += 1
            }
            let count = rows.rows
            result.users = Array(users[..<count])
            result.items = Array(items[..<count])
            if hasValues { result.values = values[..<count].map(\.bitPattern) }
            if hasTimes { result.times = Array(times[..<count]) }
            (result.greatestUser, result.greatestItem) = (rows.greatest_user, rows.greatest_item)
        }
        return result
    }

    private static func digits(_ count: Int, _ random: inout RandomStream) -> String {
        String((0..<count).map { _ in "0123456789".randomElement(using: &random)! })
    }

    /// An id that is a text and mostly taken.
    private static func text(_ oddity: Int, _ random: inout RandomStream) -> String {
        if Int.random(in: 0..<oddity, using: &random) == 0 {
            return [
                "", " a", "a ", "\"a\"", "é", "a\0", "a\rb", "a\"", String(repeating: "a", count: 64), "a:b", ":",
                "a,b", ".",
            ].randomElement(using: &random)!
        }
        if Int.random(in: 0..<20, using: &random) == 0 {
            return String(repeating: "a", count: Int.random(in: 20...63, using: &random))
        }
        return ["u", "B00", "0", "a b", "-", "x.y"].randomElement(using: &random)!
            + digits(Int.random(in: 1...8, using: &random), &random)
    }

    /// A field that mostly is as it should be, and once in `oddity` is not.
    private static func field(_ role: UInt8, _ oddity: Int, _ random: inout RandomStream) -> String {
        let odd = [
            "", " 1", "1 ", "\"1\"", "-1", "+1", "1.", ".", "-", "1e3", "x", "1\0", "\01", "00", "01", "é", "1\r",
            "1.2.3",
            "--1", "1-", "\t", "1:2", ":", "1,", "12345678901234567890123456789012345678901234567890",
        ]
        if Int.random(in: 0..<oddity, using: &random) == 0 { return odd.randomElement(using: &random)! }
        switch role {
        case 1, 2:
            return switch Int.random(in: 0..<8, using: &random) {
            case 0: digits(Int.random(in: 1...19, using: &random), &random)
            case 1:
                ["4294967294", "4294967295", "4294967296", "99999999", "100000000", "0"].randomElement(using: &random)!
            default: "\(Int.random(in: 0..<1 << Int.random(in: 1...27, using: &random), using: &random))"
            }
        case 3:
            return switch Int.random(in: 0..<6, using: &random) {
            case 0:
                digits(Int.random(in: 0...5, using: &random), &random) + "."
                    + digits(Int.random(in: 0...5, using: &random), &random)
            case 1: "-" + digits(Int.random(in: 1...7, using: &random), &random)
            case 2:
                ["3", "-0", "0.0", "5.", ".5", "1234567", "12345678", "123.4567", "1234.5678"].randomElement(
                    using: &random)!
            default: ["0.5", "1.0", "3.5", "4", "5.0"].randomElement(using: &random)!
            }
        case 4:
            return switch Int.random(in: 0..<6, using: &random) {
            case 0: digits(Int.random(in: 1...20, using: &random), &random)
            case 1: "-\(Int.random(in: 0...2_000_000_000, using: &random))"
            default: "\(Int.random(in: 900_000_000...2_000_000_000, using: &random))"
            }
        default:
            if Int.random(in: 0..<oddity, using: &random) == 0 {
                return ["", "a,b", "a \"b\"", "a longer note", ":", "x:y", ":::"].randomElement(using: &random)!
            }
            return ["n", "note", "7", "1.5", "x;y"].randomElement(using: &random)!
        }
    }

    @Test(arguments: [
        Form(separator: ",", roles: [1, 2, 3, 4]), Form(separator: ",", roles: [1, 2, 3]),
        Form(separator: "\t", roles: [1, 2, 3, 4]), Form(separator: " ", roles: [1, 2]),
        Form(separator: " ", roles: [1, 0, 2, 3]), Form(separator: "::", roles: [1, 2, 3, 4]),
        Form(separator: "::", roles: [2, 1]), Form(separator: ":-", roles: [4, 2, 3, 1]),
        Form(separator: ",", roles: [2, 1, 4, 3]), Form(separator: ",", roles: [0, 1, 2, 0, 3]),
        Form(separator: ",", roles: [1, 2, 4, 0]),
        Form(separator: "::", roles: [1, 0, 2, 3]), Form(separator: ",", roles: [1, 2, 3, 4], textUsers: true),
        Form(separator: ",", roles: [1, 2, 3], textUsers: true, textItems: true),
        Form(separator: "\t", roles: [4, 2, 0, 1], textItems: true),
        Form(separator: " ", roles: [1, 2], textItems: true),
        Form(separator: "::", roles: [3, 2, 1, 4], textUsers: true, textItems: true),
        Form(separator: ",", roles: [1, 2] + [UInt8](repeating: 0, count: 14)),
        Form(separator: ",", roles: [1, 2] + [UInt8](repeating: 0, count: 15)),
    ]) func allVersionsTakeTheSame(_ form: Form) {
        var random = RandomStream(seed: 21, .test)
        var (rows, left) = (0, 0)
        for number in 0..<300 {
            let end = number % 3 == 0 ? "\r\n" : "\n"
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                var fields = form.roles.map { role in
                    let oddity = 15 * form.roles.count
                    return role == 1 && form.textUsers || role == 2 && form.textItems
                        ? Self.text(oddity, &random) : Self.field(role, oddity, &random)
                }
                switch Int.random(in: 0..<60, using: &random) {
                case 0: fields.removeLast()
                case 1: fields.append("1")
                case 2: fields = []
                default: break
                }
                let thisEnd =
                    Int.random(in: 0..<50, using: &random) == 0
                    ? ["\n", "\r\n", "\r\r\n"].randomElement(using: &random)! : end
                text += Array((fields.joined(separator: form.separator) + thisEnd).utf8)
            }
            let expected = take(text, form, .baseline)
            rows += expected.users.count
            left += expected.left.count
            for set in InstructionSet.here {
                #expect(take(text, form, set) == expected, "\(set.name): \(String(decoding: text, as: UTF8.self))")
            }
        }
        // Neither side may be empty, or nothing was compared.
        #expect(rows > 300 && left > 50, "\(rows) taken, \(left) left")
    }

    /// Bytes changed at random places: whatever stands there, the versions agree.
    @Test func damagedRows() {
        var random = RandomStream(seed: 22, .test)
        for number in 0..<3000 {
            let form = Form(
                separator: ["::", ","][number % 2], roles: number % 5 == 0 ? [1, 0, 2, 3, 4] : [1, 2, 3, 4],
                textUsers: number % 11 == 0, textItems: number % 13 == 0)
            var text: [UInt8] = []
            for row in 0..<12 {
                let fields = form.roles.map { role in
                    role == 4
                        ? "111537507\(row % 10)" : role == 3 ? "3.5" : "\(Int.random(in: 0..<70_000, using: &random))"
                }
                text += Array((fields.joined(separator: form.separator) + (number % 7 == 0 ? "\r\n" : "\n")).utf8)
            }
            for _ in 0..<3 {
                text[Int.random(in: 0..<text.count - 1, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let expected = take(text, form, .baseline)
            for set in InstructionSet.here { #expect(take(text, form, set) == expected, "\(set.name): \(text)") }
        }
    }

    @Test func countsBytes() {
        var random = RandomStream(seed: 23, .test)
        let bytes = (0..<5000).map { _ in UInt8.random(in: 8...12, using: &random) }
        for _ in 0..<200 {
            let from = Int.random(in: 0...bytes.count, using: &random)
            let to = Int.random(in: from...min(bytes.count, from + 700), using: &random)
            let expected = bytes[from..<to].count { $0 == 10 }
            bytes.withUnsafeBufferPointer { bytes in
                let base = bytes.baseAddress!
                for set in InstructionSet.here {
                    #expect(sk_text_count(base + from, base + to, 10, set.rawValue) == expected)
                }
            }
        }
    }
}
