/// The form of a text file of interactions.
struct TextForm: Sendable {
    enum Kind: Sendable {
        /// A row a line, columns as named.
        case table
        /// `user item` lines, a user's in the order of time; the line's ordinal serves as the time.
        case sequences
        /// `user item item …` lines.
        case lists
    }

    /// What stands in a column, in the numbers of `sk_text_take`.
    enum Role: UInt8, Sendable { case skip, user, item, value, time }

    var kind: Kind
    var separator: [UInt8]
    /// Fields that a row must have; not used by lists.
    var columnCount: Int
    /// Column numbers from 0.
    var user: Int
    var item: Int
    /// Further columns of items, each of which is an interaction: rows of sets.
    var moreItems: [Int] = []
    var value: Int?
    var time: Int?
    /// The header's line without its end; nil: the file has none.
    var header: [UInt8]?
    /// In words, for the report.
    var name: String
    /// Whether ids were seen that are no canonical integers, so that there is no use in trying.
    var hasTextUsers = false
    var hasTextItems = false

    var hasTimes: Bool { time != nil || kind == .sequences }

    var roles: [Role] {
        var roles = [Role](repeating: .skip, count: columnCount)
        if let value { roles[value] = .value }
        if let time { roles[time] = .time }
        roles[user] = .user
        roles[item] = .item
        return roles
    }

    /// Bytes in the longest line that is read: 1 MiB, of lists 64 MiB.
    var longestLine: Int { kind == .lists ? 64 << 20 : 1 << 20 }

    static func words(separator: [UInt8]) -> String {
        switch String(decoding: separator, as: UTF8.self) {
        case "\t": "tab-separated"
        case ",": "comma-separated"
        case " ": "space-separated"
        case "|": "pipe-separated"
        case ";": "semicolon-separated"
        case let other: "“\(other)”-separated"
        }
    }

    /// The bytes that `--separator` names.
    static func separator(named text: String) -> [UInt8]? {
        let words = [
            "tab": "\t", "comma": ",", "space": " ", "pipe": "|", "semicolon": ";", "\\t": "\t",
        ]
        let bytes = Array((words[text.lowercased()] ?? text).utf8)
        return bytes.isEmpty || bytes.contains { [0, 10, 13, UInt8(ascii: "\"")].contains($0) } ? nil : bytes
    }
}
