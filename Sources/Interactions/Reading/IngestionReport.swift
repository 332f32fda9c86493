import Basics

/// What was read, kept and left out, and why: nothing is dropped in silence.
public struct IngestionReport: Sendable, Codable {
    /// A row that could not be read.
    public struct Offender: Sendable, Codable {
        public let file: String
        /// From 1; of arrays the interaction.
        public let line: Int
        public let reason: String
    }

    /// The form that was recognised, in words.
    public let format: String
    /// Files read, in order.
    public let files: [String]
    /// Rows with content, headers not counted; of adjacency lists the interactions.
    public let rowsRead: Int
    /// Interactions in the result.
    public internal(set) var rowsKept: Int
    /// Rows that could not be read, by reason.
    public let refused: [String: Int]
    /// The first of them, in file order, at most 5.
    public let firstOffenders: [Offender]
    /// Rows that went into another row of the same user and item.
    public internal(set) var duplicatesMerged = 0
    /// Left out by ``ReadingOptions/minimumPerUser`` and ``ReadingOptions/minimumPerItem``.
    public internal(set) var usersRemoved = 0
    public internal(set) var itemsRemoved = 0
    public internal(set) var rowsRemoved = 0
    /// Users and items in the result.
    public internal(set) var users = 0
    public internal(set) var items = 0
    /// Seconds from opening the first file to the finished log.
    public internal(set) var seconds: Double = 0

    enum CodingKeys: String, CodingKey {
        case format, files, refused, users, items, seconds
        case rowsRead = "rows_read"
        case rowsKept = "rows_kept"
        case firstOffenders = "first_offenders"
        case duplicatesMerged = "duplicates_merged"
        case usersRemoved = "users_removed"
        case itemsRemoved = "items_removed"
        case rowsRemoved = "rows_removed"
    }

    init(format: String, files: [String], rowsAccepted: Int, tally: RefusalTally) {
        self.format = format
        self.files = files
        rowsRead = rowsAccepted + tally.total
        rowsKept = rowsAccepted
        refused = Dictionary(uniqueKeysWithValues: tally.counts.map { ($0.rawValue, $1) })
        firstOffenders = tally.first.map { Offender(file: $0, line: $1.line, reason: $1.what) }
    }

    /// The report on parts that were read apart, in their order.
    init(joining parts: [IngestionReport]) {
        (format, files) = (parts[0].format, parts[0].files)
        rowsRead = parts.reduce(0) { $0 + $1.rowsRead }
        rowsKept = parts.reduce(0) { $0 + $1.rowsKept }
        refused = parts.reduce(into: [:]) { $0.merge($1.refused, uniquingKeysWith: +) }
        firstOffenders = Array(parts.map(\.firstOffenders).joined().prefix(RefusalTally.kept))
    }

    /// The report for people: one line, and one more for each kind of row that was left out.
    public func lines() -> [String] {
        let source = files.count == 1 ? files[0] : "\(files.count) files (\(files[0]) …)"
        var lines = [
            "\(source): \(Numerals.grouped(rowsKept)) interactions of \(Numerals.grouped(users)) users with "
                + "\(Numerals.grouped(items)) items in \(Numerals.duration(seconds)) (\(format))"
        ]
        if !refused.isEmpty {
            let total = refused.values.reduce(0, +)
            let reasons = refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) (\(Numerals.grouped($0.value)))" }
            lines.append(
                "left out \(Numerals.grouped(total)) of \(Numerals.grouped(rowsRead)) rows that could not be read: "
                    + reasons.joined(separator: ", "))
            lines += firstOffenders.map { "  \($0.file):\($0.line): \($0.reason)" }
        }
        if duplicatesMerged > 0 {
            lines.append("merged \(Numerals.grouped(duplicatesMerged)) rows into others of the same user and item")
        }
        if rowsRemoved > 0 {
            lines.append(
                "left out \(Numerals.grouped(usersRemoved)) users and \(Numerals.grouped(itemsRemoved)) items with too "
                    + "few interactions, and with them \(Numerals.grouped(rowsRemoved)) rows")
        }
        return lines
    }
}
