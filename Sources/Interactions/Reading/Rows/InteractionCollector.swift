import Basics
import Formats

/// Takes rows as they come and makes a log of them.
///
/// Ids are numbers from the first row on, and become texts as soon as one is no small whole number. Columns grow by parts, so
/// that at the end no more than one part of each is in memory twice.
public struct InteractionCollector {
    /// What a source has in a column of a row. Texts are lent for the call.
    public enum Cell {
        case null
        case integer(Int64)
        case number(Double)
        case text(UnsafeBufferPointer<UInt8>)
        /// Something that is none of these, in words.
        case other(String)
    }

    /// Rows that were handed over, refused ones included.
    public private(set) var rowCount = 0
    private let location: String
    private let columns: NamedColumns
    private let skipsBadRows: Bool
    private(set) var rows: CollectedRows

    init(_ location: String, _ columns: NamedColumns, skipsBadRows: Bool) {
        (self.location, self.columns, self.skipsBadRows) = (location, columns, skipsBadRows)
        rows = CollectedRows(columns)
    }

    /// Takes a row.
    ///
    /// Ids are whole numbers or texts; values are finite numbers, also as text; times whole numbers (fractions are cut off), also
    /// as text, or texts like `2026-11-23T05:00:00+00:00`, which become seconds since 1970.
    ///
    /// - Parameters:
    ///   - value: of the value's column; not looked at if there is none.
    ///   - time: of the time's; likewise.
    /// - Throws: `badData` that names row and column, if the row cannot be read and such rows are not skipped.
    public mutating func add(user: Cell, item: Cell, value: Cell, time: Cell) throws {
        rowCount += 1
        if let refusal = refusal(user, columns.user) ?? refusal(item, columns.item) { return try refuse(refusal) }
        if let column = columns.value {
            switch Self.value(value) {
            case .success(let value): rows.values.append(value)
            case .failure(let flaw): return try refuse((flaw.reason, "column “\(column)” \(flaw.what)"))
            }
        }
        if let column = columns.time {
            switch Self.time(time) {
            case .success(let time): rows.times.append(time)
            case .failure(let flaw):
                if columns.value != nil { rows.values.removeLast() }
                return try refuse((flaw.reason, "column “\(column)” \(flaw.what)"))
            }
        }
        rows.users.take(user)
        rows.items.take(item)
    }

    private struct Flaw: Error {
        let reason: RefusalReason
        let what: String
    }

    private func refusal(_ id: Cell, _ column: String) -> (RefusalReason, String)? {
        switch id {
        case .integer: nil
        case .text(let text):
            RefusalReason.ofID(text).map { ($0, "column “\(column)”: the id \($1)") }
        case .number(let number):
            Int64(exactly: number) == nil
                ? (.invalidID, "column “\(column)”: the id \(number) is neither a whole number nor a text") : nil
        case .null: (.null, "column “\(column)” is null")
        case .other(let what): (.invalidID, "column “\(column)” holds \(what), not an id")
        }
    }

    private static func value(_ cell: Cell) -> Result<Float, Flaw> {
        switch cell {
        case .integer(let number): return .success(Float(number))
        case .number(let number):
            let value = Float(number)
            return value.isFinite
                ? .success(value) : .failure(Flaw(reason: .valueNotFinite, what: "is \(number), which is not finite"))
        case .text(let text):
            do {
                return .success(try DecimalText.float(text))
            } catch DecimalText.Problem.notFinite {
                return .failure(Flaw(reason: .valueNotFinite, what: "is \(quoted(text)), which is not finite"))
            } catch {
                return .failure(Flaw(reason: .valueNotANumber, what: "is \(quoted(text)), which is not a number"))
            }
        case .null: return .failure(Flaw(reason: .null, what: "is null"))
        case .other(let what): return .failure(Flaw(reason: .valueNotANumber, what: "holds \(what), not a number"))
        }
    }

    private static func time(_ cell: Cell) -> Result<Int64, Flaw> {
        switch cell {
        case .integer(let time): return .success(time)
        case .number(let number):
            guard let time = Int64(exactly: number.rounded(.towardZero)) else {
                return .failure(Flaw(reason: .timeNotFinite, what: "is \(number), which is not a finite time"))
            }
            return .success(time)
        case .text(let text):
            if let time = Timestamp.seconds(text) ?? (try? DecimalText.integer(text)) { return .success(time) }
            return .failure(Flaw(reason: .timeNotANumber, what: "is \(quoted(text)), which is not a time"))
        case .null: return .failure(Flaw(reason: .null, what: "is null"))
        case .other(let what): return .failure(Flaw(reason: .timeNotANumber, what: "holds \(what), not a time"))
        }
    }

    private static func quoted(_ text: UnsafeBufferPointer<UInt8>) -> String {
        "“\(String(decoding: text.prefix(40), as: UTF8.self))\(text.count > 40 ? "…" : "")”"
    }

    private mutating func refuse(_ refusal: (reason: RefusalReason, what: String)) throws {
        guard skipsBadRows else {
            throw StarlingError(
                .badData, "row \(rowCount), \(refusal.what)", at: .init(file: location),
                remedy: "correct the table, leave such rows out with --skip-bad-rows, or name other --columns")
        }
        rows.tally.add(
            Refusal(reason: refusal.reason, line: rowCount, column: 1, what: "row \(rowCount), \(refusal.what)"),
            file: location)
    }
}
