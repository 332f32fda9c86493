extension HeaderScanner {
    /// Consumes the word `null`, if it comes next.
    mutating func takeNull() -> Bool {
        skipSpace()
        guard next == UInt8(ascii: "n") else { return false }
        let before = self
        if word() == "null" { return true }
        self = before
        return false
    }

    /// Reads `[element, element, …]`.
    mutating func list<Element>(_ element: (inout HeaderScanner) throws -> Element) throws -> [Element] {
        try expect("[")
        if take("]") { return [] }
        var elements: [Element] = []
        repeat { elements.append(try element(&self)) } while take(",")
        try expect("]")
        return elements
    }

    /// Passes over one value of any kind and holds it to JSON's grammar. Python's `NaN`, `Infinity` and `-Infinity`
    /// are let through, since its `json` module writes and reads them.
    mutating func skipValue(depth: Int = 0) throws {
        guard depth < 500 else { throw failure("values are nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): try object { scanner, _ in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["): _ = try list { try $0.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case let byte? where byte == UInt8(ascii: "-") || 0x30...0x39 ~= byte: try skipNumber()
        default:
            guard ["true", "false", "null", "NaN", "Infinity"].contains(word()) else {
                throw failure("a value is expected")
            }
        }
    }

    private mutating func skipNumber() throws {
        if next == UInt8(ascii: "-") {
            advance()
            if next == UInt8(ascii: "I") {
                guard word() == "Infinity" else { throw failure("a number is expected") }
                return
            }
        }
        let isZero = next == UInt8(ascii: "0")
        let digits = try skipDigits()
        guard !isZero || digits == 1 else { throw failure("a number has a leading zero") }
        if next == UInt8(ascii: ".") {
            advance()
            try skipDigits()
        }
        if let byte = next, byte & 0xDF == UInt8(ascii: "E") {
            advance()
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { advance() }
            try skipDigits()
        }
    }

    @discardableResult
    private mutating func skipDigits() throws -> Int {
        let start = position
        while let byte = next, 0x30...0x39 ~= byte { advance() }
        guard position > start else { throw failure("a digit is expected") }
        return position - start
    }
}
