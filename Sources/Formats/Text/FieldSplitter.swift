/// Cuts a line into fields. Plain and general; the reader's hot loop has its own way for the usual lines.
///
/// - A separator of several bytes stands as a whole. With a space as separator any run of spaces separates, and
///   spaces at both ends of the line count for nothing.
/// - A field that begins with `"` ends at the next lone `"`; two of them stand for one (RFC 4180). A quoted field
///   ends on its line.
/// - Spaces around an unquoted field are not part of it.
package struct FieldSplitter {
    package struct Field {
        package var range: Range<Int>
        /// Whether `""` stands within.
        package var hasEscapes = false
    }

    package enum Fault: Error {
        case unterminatedQuote(column: Int)
        case textAfterQuote(column: Int)
    }

    package let separator: [UInt8]
    /// Fields of the last line that was split.
    package private(set) var fields: [Field] = []
    private let separatesRuns: Bool

    /// - Precondition: the separator is not empty.
    package init(separator: [UInt8]) {
        precondition(!separator.isEmpty)
        self.separator = separator
        separatesRuns = separator == [UInt8(ascii: " ")]
    }

    /// Fills ``fields`` from a line without its end.
    package mutating func split(_ line: UnsafeBufferPointer<UInt8>) throws(Fault) {
        fields.removeAll(keepingCapacity: true)
        var position = 0
        let blank = UInt8(ascii: " ")
        while true {
            if separatesRuns {
                while position < line.count, line[position] == blank { position += 1 }
                if position == line.count { return }
            }
            if position < line.count, line[position] == UInt8(ascii: "\"") {
                position = try quoted(line, position)
            } else {
                let start = position
                while position < line.count, !separates(line, position) { position += 1 }
                var range = start..<position
                while let last = range.last, line[last] == blank { range.removeLast() }
                while let first = range.first, line[first] == blank { range.removeFirst() }
                fields.append(Field(range: range))
            }
            if position >= line.count { return }
            position += separator.count
        }
    }

    /// The bytes of a field, `""` taken for `"`.
    package func withBytes<Result, Failure: Error>(
        of field: Field, in line: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = UnsafeBufferPointer(rebasing: line[field.range])
        guard field.hasEscapes else { return try body(bytes) }
        var plain: [UInt8] = []
        var index = 0
        while index < bytes.count {
            plain.append(bytes[index])
            index += bytes[index] == UInt8(ascii: "\"") ? 2 : 1
        }
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: plain.count)
        defer { copy.deallocate() }
        _ = copy.initialize(from: plain)
        return try body(UnsafeBufferPointer(copy))
    }

    /// Appends the quoted field that begins at `start`; the position of the separator after it, or the line's end.
    private mutating func quoted(_ line: UnsafeBufferPointer<UInt8>, _ start: Int) throws(Fault) -> Int {
        let quote = UInt8(ascii: "\"")
        var field = Field(range: 0..<0)
        var position = start + 1
        while true {
            guard position < line.count else { throw .unterminatedQuote(column: start + 1) }
            if line[position] == quote {
                guard position + 1 < line.count, line[position + 1] == quote else { break }
                field.hasEscapes = true
                position += 1
            }
            position += 1
        }
        field.range = start + 1..<position
        fields.append(field)
        position += 1
        guard position == line.count || separates(line, position) else { throw .textAfterQuote(column: position + 1) }
        return position
    }

    private func separates(_ line: UnsafeBufferPointer<UInt8>, _ position: Int) -> Bool {
        guard line[position] == separator[0] else { return false }
        if separator.count == 1 { return true }
        guard position + separator.count <= line.count else { return false }
        for offset in 1..<separator.count where line[position + offset] != separator[offset] { return false }
        return true
    }
}
