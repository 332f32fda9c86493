import Basics

extension MDSEncoding {
    /// What the cell holds.
    /// - Throws: `badData`, without a place, if the bytes are not one whole cell of this encoding.
    /// - Complexity: O(bytes).
    public func decode(_ cell: UnsafeRawBufferPointer) throws -> MDSValue {
        if let size, cell.count != size {
            throw StarlingError(.badData, "\(cell.count) bytes are not the \(size) of a cell of \(self)")
        }
        switch self {
        case .bytes: return .bytes(Array(cell))
        case .string: return .string(try text(cell))
        case .int: return Self.number(cell, .int64)
        case .number(let type): return Self.number(cell, type)
        case .integerText:
            let text = try text(cell)
            guard MDSText.isInteger(text.utf8) else { throw malformed("a whole number") }
            return Int64(text).map(MDSValue.int) ?? UInt64(text).map(MDSValue.uint) ?? .decimal(text)
        case .floatText:
            let text = try text(cell)
            // Hexadecimal digits and NaN payloads are Swift's, not Python's.
            guard !text.contains(where: { "xX(".contains($0) }), let number = Double(text) else {
                throw malformed("a number")
            }
            return .float(number)
        case .decimalText:
            let text = try text(cell)
            guard MDSText.isDecimal(text.utf8) else { throw malformed("a decimal number") }
            return .decimal(text)
        case .json:
            let text = try text(cell)
            try MDSText.checkJSON(cell)
            return .json(text)
        case .array(let type, let shape): return .array(try array(cell, type, shape))
        }
    }

    private func malformed(_ expected: String) -> StarlingError {
        StarlingError(.badData, "its text is not \(expected), as \(self) promises")
    }

    private func text(_ cell: UnsafeRawBufferPointer) throws -> String {
        guard let text = String(validating: cell, as: UTF8.self) else {
            throw StarlingError(.badData, "its text is not UTF-8")
        }
        return text
    }

    private static func number(_ cell: UnsafeRawBufferPointer, _ type: ElementType) -> MDSValue {
        func load<Number: BitwiseCopyable>(_: Number.Type) -> Number { cell.loadUnaligned(as: Number.self) }
        return switch type {
        case .uint8: .uint(UInt64(load(UInt8.self)))
        case .uint16: .uint(UInt64(load(UInt16.self)))
        case .uint32: .uint(UInt64(load(UInt32.self)))
        case .uint64: .uint(load(UInt64.self))
        case .int8: .int(Int64(load(Int8.self)))
        case .int16: .int(Int64(load(Int16.self)))
        case .int32: .int(Int64(load(Int32.self)))
        case .int64: .int(load(Int64.self))
        case .float16: .float(Double(Float(half: load(UInt16.self))))
        case .float32: .float(Double(load(Float.self)))
        case .float64: .float(load(Double.self))
        default: preconditionFailure("MDS has no \(type)")
        }
    }

    private func array(_ cell: UnsafeRawBufferPointer, _ type: ElementType?, _ shape: [Int]?) throws -> MDSArray {
        var rest = cell[...]
        func take(_ count: Int) throws -> UnsafeRawBufferPointer {
            guard count <= rest.count else { throw StarlingError(.badData, "its array ends within its head") }
            defer { rest = rest.dropFirst(count) }
            return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        }
        var (elementType, extents) = (type, shape)
        if type == nil {
            let code = try take(1)[0]
            guard let type = Self.arrayTypes[code] else {
                throw StarlingError(.badData, "its array has an unknown element type, number \(code)")
            }
            elementType = type
        }
        if shape == nil {
            let head = try take(1)[0]
            let width = 1 << Int(head & 3)
            let digits = try take(Int(head >> 2) * width)
            extents = try stride(from: 0, to: digits.count, by: width).map { start in
                let extent = digits[start..<start + width].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                guard extent > 0, extent <= UInt32.max else {
                    throw StarlingError(.badData, "its array has an impossible size, \(extent), along an axis")
                }
                return Int(extent)
            }
            guard !extents!.isEmpty else { throw StarlingError(.badData, "its array has no axes") }
        }
        guard byteCount(size: elementType!.size, shape: extents!) == rest.count else {
            throw StarlingError(
                .badData,
                "its array of \(Self.name(elementType!)) \(extents!) does not take the \(rest.count) bytes it has")
        }
        return MDSArray(elementType!, shape: extents!, bytes: Array(rest))
    }
}

/// The grammars of cells that are text: JSON, and Python's `int` and `decimal.Decimal` without the white space and
/// underscores that these also take and never write.
enum MDSText {
    static func checkJSON(_ text: UnsafeRawBufferPointer) throws {
        var scanner = HeaderScanner(text, Subject(file: ""), name: "its JSON")
        do {
            try scanner.skipValue()
            try scanner.expectEnd()
        } catch let error as StarlingError {
            throw StarlingError(.badData, error.what)
        }
    }

    static func isInteger(_ text: some Sequence<UInt8>) -> Bool {
        var digits = Array(text)[...]
        takeSign(&digits)
        return takeDigits(&digits) > 0 && digits.isEmpty
    }

    static func isDecimal(_ text: some Sequence<UInt8>) -> Bool {
        var rest = Array(text)[...]
        takeSign(&rest)
        let word = String(decoding: rest, as: UTF8.self).lowercased()
        if word == "inf" || word == "infinity" { return true }
        if let tail = [Substring("snan"), "nan"].first(where: { word.hasPrefix($0) }).map({ word.dropFirst($0.count) })
        {
            return tail.utf8.allSatisfy { 0x30...0x39 ~= $0 }
        }
        var count = takeDigits(&rest)
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            count += takeDigits(&rest)
        }
        guard count > 0 else { return false }
        if let byte = rest.first, byte & 0xDF == UInt8(ascii: "E") {
            rest.removeFirst()
            takeSign(&rest)
            guard takeDigits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func takeSign(_ text: inout ArraySlice<UInt8>) {
        if text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") { text.removeFirst() }
    }

    private static func takeDigits(_ text: inout ArraySlice<UInt8>) -> Int {
        let count = text.prefix { 0x30...0x39 ~= $0 }.count
        text = text.dropFirst(count)
        return count
    }
}
