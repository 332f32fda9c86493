import Basics
import CKernels
import Formats
import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Parses a chunk of lines into columns.
///
/// Usual lines go through ``plainRows(_:_:base:_:)``; whatever that does not take, through ``parseRow(_:)``, which alone
/// defines what is a row and what is refused.
struct ChunkParser {
    let form: TextForm
    let file: String
    let skipsBadRows: Bool
    /// Where the chunk's rows go.
    let output: ColumnPointers
    /// Whether a line end follows the last line.
    let isTerminated: Bool
    /// All bytes that may be looked at, those of the chunk among them.
    let readable: UnsafeBufferPointer<UInt8>
    let instructionSet: InstructionSet
    /// The number of the present line in its file, from 1.
    var line: Int
    /// The number of the present line among the lines of all files, from 0.
    var ordinal: Int
    var users: IDSink
    var items: IDSink

    var rows = 0
    private(set) var tally = RefusalTally()
    /// What `sk_text_take` makes of each column.
    let roles: [UInt8]
    private var splitter: FieldSplitter

    init(
        form: TextForm, file: String, skipsBadRows: Bool, output: ColumnPointers, isTerminated: Bool,
        readable: UnsafeBufferPointer<UInt8>, instructionSet: InstructionSet, line: Int, ordinal: Int, users: IDSink,
        items: IDSink
    ) {
        self.form = form
        self.file = file
        self.skipsBadRows = skipsBadRows
        self.output = output
        self.isTerminated = isTerminated
        self.readable = readable
        self.instructionSet = instructionSet
        self.line = line
        self.ordinal = ordinal
        self.users = users
        self.items = items
        roles = form.roles.map(\.rawValue)
        splitter = FieldSplitter(separator: form.separator)
    }

    /// Parses whole lines. Stops early, with ``IDSink/hasMetText`` set, at an accepted row with an id that a column of
    /// integers cannot hold.
    ///
    /// - Throws: the first refused row as `badData`, unless such rows are skipped.
    mutating func parse(_ text: UnsafeBufferPointer<UInt8>) throws {
        try withUnsafeTemporaryAllocation(of: sk_text_value.self, capacity: Int(SK_TEXT_KNOWN_VALUES)) { known in
            known.initialize(repeating: sk_text_value())
            try parse(text, known.baseAddress!)
        }
    }

    private mutating func parse(
        _ text: UnsafeBufferPointer<UInt8>, _ known: UnsafeMutablePointer<sk_text_value>
    ) throws {
        guard var position = text.baseAddress else { return }
        let end = position + text.count
        let triesPlain = canHavePlainRows()
        while position < end {
            if triesPlain {
                position = plainRows(position, end, base: text.baseAddress!, known)
                if position == end { return }
            }
            let newline = memchr(position, 10, end - position)?.assumingMemoryBound(to: UInt8.self)
            var length = (newline.map { UnsafePointer($0) } ?? end) - position
            if length > 0, position[length - 1] == UInt8(ascii: "\r") { length -= 1 }
            if length > 0 {
                let bytes = UnsafeBufferPointer(start: position, count: length)
                if let refusal = form.kind == .lists ? parseList(bytes) : parseRow(bytes) {
                    if !skipsBadRows { throw refusal.error(file: file) }
                    tally.add(refusal, file: file)
                }
                if users.hasMetText || items.hasMetText { return }
            }
            guard let newline else { return }
            position = UnsafePointer(newline) + 1
            line += 1
            ordinal += 1
        }
    }

    /// Parses one line of a table, whatever stands in it.
    private mutating func parseRow(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if let refusal = judgeLine(text) { return refusal }
        do {
            try splitter.split(text)
        } catch {
            switch error {
            case .unterminatedQuote(let column): return refuse(.unterminatedQuote, column, "a quote is not closed")
            case .textAfterQuote(let column): return refuse(.textAfterQuote, column, "text follows a closing quote")
            }
        }
        let fields = splitter.fields
        guard fields.count == form.columnCount else {
            let reason: RefusalReason =
                fields.count > form.columnCount ? .extraField : isTerminated ? .missingField : .truncatedLastLine
            let place = reason == .extraField ? fields[form.columnCount].range.lowerBound : text.count
            let cut = reason == .truncatedLastLine ? "the last line is cut off: " : ""
            return refuse(reason, place + 1, "\(cut)\(fields.count) fields where \(form.columnCount) are expected")
        }
        for (index, noun) in [(form.user, "user"), (form.item, "item")] + form.moreItems.map({ ($0, "item") }) {
            let column = fields[index].range.lowerBound + 1
            if fields[index].range.isEmpty { return refuse(.emptyID, column, "the \(noun) id is empty") }
            if !Self.isValid(UnsafeBufferPointer(rebasing: text[fields[index].range])) {
                return refuse(.invalidUTF8, column, "the \(noun) id is not valid UTF-8")
            }
        }
        if let index = form.value {
            switch number(fields[index], text, "value", .valueNotANumber, .valueNotFinite, DecimalText.float) {
            case .success(let value): output.values![rows] = value
            case .failure(let problem): return problem.refusal
            }
        }
        if let index = form.time {
            switch number(fields[index], text, "time", .timeNotANumber, .timeNotFinite, Self.time) {
            case .success(let time): output.times![rows] = time
            case .failure(let problem): return problem.refusal
            }
        } else if form.kind == .sequences {
            output.times![rows] = Int64(ordinal)
        }
        splitter.withBytes(of: fields[form.user], in: text) { output.users[rows] = users.take($0) }
        splitter.withBytes(of: fields[form.item], in: text) { output.items[rows] = items.take($0) }
        rows += 1
        for item in form.moreItems {
            output.users[rows] = output.users[rows - 1]
            output.values?[rows] = output.values![rows - 1]
            output.times?[rows] = output.times![rows - 1]
            splitter.withBytes(of: fields[item], in: text) { output.items[rows] = items.take($0) }
            rows += 1
        }
        return nil
    }

    /// Seconds as a number, or as a date and time.
    private static func time(_ text: UnsafeBufferPointer<UInt8>) throws(DecimalText.Problem) -> Int64 {
        do {
            return try DecimalText.integer(text)
        } catch {
            guard let seconds = CivilTime.seconds(text) else { throw error }
            return seconds
        }
    }

    /// Parses one `user item item …` line. A user without items is legal and gives no row.
    private mutating func parseList(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if let refusal = judgeLine(text) { return refusal }
        guard Self.isValid(text) else { return refuse(.invalidUTF8, 1, "the line is not valid UTF-8") }
        let separator = form.separator[0]
        var user: UInt32?
        var position = 0
        while true {
            while position < text.count, text[position] == separator { position += 1 }
            guard position < text.count else { return nil }
            let start = position
            while position < text.count, text[position] != separator { position += 1 }
            let id = UnsafeBufferPointer(rebasing: text[start..<position])
            if let user {
                output.users[rows] = user
                output.items[rows] = items.take(id)
                rows += 1
            } else {
                // A user without items must not enter the vocabulary.
                var rest = position
                while rest < text.count, text[rest] == separator { rest += 1 }
                if rest == text.count { return nil }
                user = users.take(id)
            }
        }
    }

    /// What can be said of a line before its fields are looked at.
    private func judgeLine(_ text: UnsafeBufferPointer<UInt8>) -> Refusal? {
        if text.count > form.longestLine {
            return refuse(
                .overlongLine, 1, "the line has \(text.count) bytes, more than the \(form.longestLine) allowed")
        }
        if let zero = memchr(text.baseAddress!, 0, text.count) {
            let column = UnsafePointer(zero.assumingMemoryBound(to: UInt8.self)) - text.baseAddress! + 1
            return refuse(.embeddedNUL, column, "a NUL byte stands in the line")
        }
        if let header = form.header, header.count == text.count, text.elementsEqual(header) {
            return refuse(.repeatedHeader, 1, "the header stands here again")
        }
        return nil
    }

    private struct Refused: Error { let refusal: Refusal }

    private func number<Number>(
        _ field: FieldSplitter.Field, _ text: UnsafeBufferPointer<UInt8>, _ noun: String, _ notANumber: RefusalReason,
        _ notFinite: RefusalReason, _ parse: (UnsafeBufferPointer<UInt8>) throws(DecimalText.Problem) -> Number
    ) -> Result<Number, Refused> {
        let column = field.range.lowerBound + 1
        if field.range.isEmpty {
            return .failure(Refused(refusal: refuse(.missingField, column, "the \(noun) is missing")))
        }
        let bytes = UnsafeBufferPointer(rebasing: text[field.range])
        do {
            return .success(try parse(bytes))
        } catch {
            let (reason, wrong) =
                error == .notANumber ? (notANumber, "not a number") : (notFinite, "not finite or out of range")
            let what = "the \(noun) “\(TextForm.excerpt(bytes))” is \(wrong)"
            return .failure(Refused(refusal: refuse(reason, column, what)))
        }
    }

    private func refuse(_ reason: RefusalReason, _ column: Int, _ what: String) -> Refusal {
        Refusal(reason: reason, line: line, column: column, what: what)
    }

    static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.allSatisfy { $0 < 0x80 } || String(validating: text, as: UTF8.self) != nil
    }
}
