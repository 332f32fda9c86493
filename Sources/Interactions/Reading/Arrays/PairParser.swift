import Basics
import Formats

/// Turns pairs of a file into rows of columns.
struct PairParser {
    private let table: PairTable
    private let output: ColumnPointers
    private var users: IDSink
    private var items: IDSink
    private var rows = 0
    private var tally = RefusalTally()

    init(_ table: PairTable, output: ColumnPointers, users: IDSink, items: IDSink) {
        (self.table, self.output, self.users, self.items) = (table, output, users, items)
    }

    /// What was parsed so far.
    var chunk: ParsedChunk { ParsedChunk(rows: rows, tally: tally, users: users, items: items) }

    /// Whether an id came that is no small integer, while not interning.
    var hasMetText: Bool { users.hasMetText || items.hasMetText }

    /// Parses the pairs of rows `range` of the file.
    ///
    /// - Throws: the first pair that cannot be read as `badData`, unless such pairs are skipped.
    mutating func parse(_ range: Range<Int>, _ pairs: PairColumns, skipsBadRows: Bool) throws {
        switch table.type {
        case .int64: try take(Int64.self, range, pairs, skipsBadRows)
        case .int32: try take(Int32.self, range, pairs, skipsBadRows)
        case .int16: try take(Int16.self, range, pairs, skipsBadRows)
        case .int8: try take(Int8.self, range, pairs, skipsBadRows)
        case .uint64: try take(UInt64.self, range, pairs, skipsBadRows)
        case .uint32: try take(UInt32.self, range, pairs, skipsBadRows)
        case .uint16: try take(UInt16.self, range, pairs, skipsBadRows)
        case .uint8: try take(UInt8.self, range, pairs, skipsBadRows)
        default: preconditionFailure("pairs of \(table.type.rawValue)")
        }
    }

    private mutating func take<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type, _ range: Range<Int>, _ pairs: PairColumns, _ skipsBadRows: Bool
    ) throws {
        let isInterning = users.isInterning || items.isInterning
        var (greatestUser, greatestItem) = (users.greatest, items.greatest)
        for index in 0..<range.count {
            let (user, item) = pairs.pair(index, as: Number.self)
            guard user >= 0, item >= 0 else {
                try refuse(range.lowerBound + index, user < 0 ? (0, "\(user)") : (1, "\(item)"), skipsBadRows)
                continue
            }
            let (wideUser, wideItem) = (UInt64(truncatingIfNeeded: user), UInt64(truncatingIfNeeded: item))
            if !isInterning, wideUser < UInt64(UInt32.max), wideItem < UInt64(UInt32.max) {
                let pair = (UInt32(truncatingIfNeeded: wideUser), UInt32(truncatingIfNeeded: wideItem))
                (output.users[rows], output.items[rows]) = pair
                greatestUser = max(greatestUser, pair.0)
                greatestItem = max(greatestItem, pair.1)
            } else {
                output.users[rows] = users.take(decimal: wideUser)
                output.items[rows] = items.take(decimal: wideItem)
                greatestUser = max(greatestUser, users.greatest)
                greatestItem = max(greatestItem, items.greatest)
            }
            rows += 1
        }
        (users.greatest, items.greatest) = (greatestUser, greatestItem)
    }

    private mutating func refuse(_ row: Int, _ id: (column: Int, shown: String), _ skipsBadRows: Bool) throws {
        let label = table.name.map { "array “\($0)”: \($0)" } ?? "array"
        let refusal = Refusal(
            reason: .invalidID, line: row + 1, column: id.column + 1,
            what: "\(label)[\(row), \(id.column)] is \(id.shown), not a whole number of 0 or more")
        guard skipsBadRows else {
            throw StarlingError(
                .badData, refusal.what, at: .init(file: table.file),
                remedy: "correct the array, or leave such rows out with --skip-bad-rows")
        }
        tally.add(refusal, file: table.file)
    }
}
