import Basics

/// The head of an NPY file: magic, version, and a Python dictionary that says what the data are.
///
/// Source: the docstring of `numpy/lib/format.py`, versions 1.0 to 3.0.
struct NPYHeader {
    let element: NPYElement
    let isBigEndian: Bool
    let isFortranOrder: Bool
    let shape: [Int]
    /// Bytes before the data.
    let dataOffset: Int
    /// Bytes of data.
    let byteCount: Int
    /// Counts a second of times (`M8`), which are read as `int64`; nil for all else.
    let ticksPerSecond: Int64?

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// - Parameter takesTimes: whether elements may be times.
    init(parsing bytes: UnsafeRawBufferPointer, _ subject: Subject, takesTimes: Bool = false) throws {
        guard bytes.starts(with: Self.magic) else { throw subject.damaged("not a NumPy array") }
        guard bytes.count >= 12 else { throw subject.damaged("the file ends within its header") }
        let version = bytes[6]
        guard 1...3 ~= version, bytes[7] == 0 else {
            throw subject.damaged("version \(version).\(bytes[7]) of NumPy's format is not known")
        }
        let start = version == 1 ? 10 : 12
        let length =
            version == 1
            ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
            : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        guard length <= bytes.count - start else { throw subject.damaged("the file ends within its header") }
        dataOffset = start + length

        var scanner = HeaderScanner(.init(rebasing: bytes[start..<dataOffset]), subject)
        var descr: String?
        var order: Bool?
        var extents: [Int]?
        try scanner.expect("{")
        while !scanner.take("}") {
            let key = try scanner.pythonString()
            try scanner.expect(":")
            switch key {
            case "descr" where descr == nil: descr = try scanner.pythonType()
            case "fortran_order" where order == nil: order = try scanner.pythonTruth()
            case "shape" where extents == nil: extents = try scanner.pythonTuple()
            case "descr", "fortran_order", "shape": throw scanner.failure("a second '\(key)' ends")
            default: throw scanner.failure("an unknown key '\(key)' ends")
            }
            if !scanner.take(",") {
                try scanner.expect("}")
                break
            }
        }
        try scanner.expectEnd()
        guard let descr, let order, let extents else {
            let key = descr == nil ? "descr" : order == nil ? "fortran_order" : "shape"
            throw subject.damaged("the header is damaged: '\(key)' is missing")
        }
        ticksPerSecond = takesTimes ? Self.ticks(descr) : nil
        (element, isBigEndian) = try NPYElement.parse(
            ticksPerSecond == nil ? descr : String(descr.prefix { $0 != "M" }) + "i8", subject)
        isFortranOrder = order
        shape = extents
        guard shape.count <= 64 else { throw subject.damaged("\(shape.count) axes are more than NumPy's 64") }
        // Elements of no bytes are counted as one, so that a shape always stands for memory.
        guard let size = Formats.byteCount(size: max(1, element.size), shape: shape) else {
            throw subject.damaged("its shape \(shape) is too large to be true")
        }
        guard element.size > 0 || size == 0 else { throw subject.damaged("its elements have no bytes") }
        byteCount = size
    }

    /// Counts a second of a `datetime64`: `<M8[ms]` has 1000. Nil for other types and units.
    private static func ticks(_ descr: String) -> Int64? {
        let units: [Substring: Int64] = ["s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000]
        let code = descr.drop { "<>=".contains($0) }
        guard code.hasPrefix("M8["), code.hasSuffix("]") else { return nil }
        return units[code.dropFirst(3).dropLast()]
    }

    /// What follows the head in a file.
    func data(of content: UnsafeRawBufferPointer, _ subject: Subject) throws -> UnsafeRawBufferPointer {
        let data = UnsafeRawBufferPointer(rebasing: content[dataOffset...])
        guard data.count == byteCount else {
            let (fewer, count) = (data.count < byteCount, abs(data.count - byteCount))
            throw subject.damaged(
                "its header promises \(byteCount) bytes of data, \(count) "
                    + (fewer ? "of them are missing" : "more follow"))
        }
        return data
    }

    /// The head that NumPy itself writes for such an array in C order, byte for byte (2.4.6).
    static func bytes(_ element: NPYElement, shape: [Int]) -> [UInt8] {
        let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '\(element)', 'fortran_order': False, 'shape': (\(extents)), }"
        // Room in which the first extent can grow, as NumPy leaves it.
        if let first = shape.first { text += String(repeating: " ", count: 21 - String(first).count) }
        // 64 axes of 19 digits stay far below the 65,535 bytes of version 1.0.
        text += String(repeating: " ", count: 64 - (10 + text.utf8.count + 1) % 64) + "\n"
        var bytes = magic + [1, 0]
        bytes.appendLittleEndian(UInt16(text.utf8.count))
        return bytes + text.utf8
    }
}

extension HeaderScanner {
    /// `'text'` or `"text"`, without escapes: no name that NumPy writes for a type needs one.
    fileprivate mutating func pythonString() throws -> String {
        skipSpace()
        guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw failure("a string is expected")
        }
        advance()
        var bytes: [UInt8] = []
        while let byte = next, byte != quote {
            guard 0x20..<0x7F ~= byte, byte != UInt8(ascii: "\\") else {
                throw failure("a string holds a character that is not allowed")
            }
            bytes.append(byte)
            advance()
        }
        guard next == quote else { throw failure("a string has no end") }
        advance()
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate mutating func pythonType() throws -> String {
        skipSpace()
        if next == UInt8(ascii: "[") {
            throw subject.damaged(
                "it holds records of several fields, which are not read",
                remedy: "save each field as an array of its own")
        }
        return try pythonString()
    }

    fileprivate mutating func pythonTruth() throws -> Bool {
        switch word() {
        case "True": return true
        case "False": return false
        default: throw failure("True or False is expected")
        }
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 wrote `(3L, 4L)`.
    fileprivate mutating func pythonTuple() throws -> [Int] {
        try expect("(")
        var values: [Int] = []
        while !take(")") {
            values.append(try natural())
            if next == UInt8(ascii: "L") { advance() }
            if !take(",") {
                guard values.count > 1 else { throw failure("“,” is expected") }
                try expect(")")
                break
            }
        }
        return values
    }
}
