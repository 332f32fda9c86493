import Basics

/// A cursor over the text of a header, with what JSON and Python literals have in common.
///
/// The text must outlive the scanner. Everything is bounds-checked; nothing is allocated but what the text spells
/// out.
struct HeaderScanner {
    let text: UnsafeRawBufferPointer
    let subject: Subject
    /// What errors call the text.
    let name: String
    private(set) var position = 0

    init(_ text: UnsafeRawBufferPointer, _ subject: Subject, name: String = "the header") {
        self.text = text
        self.subject = subject
        self.name = name
    }

    /// The next byte, not consumed; nil at the end.
    var next: UInt8? { position < text.count ? text[position] : nil }

    mutating func advance() { position += 1 }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Consumes `character` and the space before it, if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw failure("“\(character)” is expected") }
    }

    /// A word of ASCII letters, such as `True`.
    mutating func word() -> String {
        skipSpace()
        let start = position
        while let byte = next, (0x41...0x5A).contains(byte & 0xDF) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    /// A whole number of 0 or more without sign, fraction, exponent or leading zeros, as it must be for a size.
    mutating func natural() throws -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let byte = next, (0x30...0x39).contains(byte) {
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = shifted.addingReportingOverflow(Int(byte - 0x30))
            guard !tooLarge && !overflow else { throw failure("a number is too large") }
            value = sum
            position += 1
        }
        let digits = position - start
        guard digits > 0 else { throw failure("a whole number of 0 or more is expected") }
        guard digits == 1 || text[start] != 0x30 else { throw failure("a number has a leading zero") }
        if let byte = next, byte == UInt8(ascii: ".") || byte & 0xDF == UInt8(ascii: "E") {
            throw failure("a whole number of 0 or more is expected")
        }
        return value
    }

    /// Nothing but white space may be left.
    mutating func expectEnd() throws {
        skipSpace()
        guard position == text.count else { throw failure("nothing more is expected") }
    }

    func failure(_ what: String) -> StarlingError {
        subject.damaged("\(name) is damaged: \(what) at its byte \(position)")
    }
}
