import Formats

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension ArrayParser {
    mutating func walkIDs<Rows: Collection<Int>>(
        _ array: NPYArray, _ rows: Rows, _ output: UnsafeMutablePointer<UInt32>, _ sink: inout IDSink
    ) {
        switch array.element {
        case .unicode(let length):
            walkTexts(array, rows, output, &sink, size: 4 * length) { element, text in
                text.utf8(of: element)
            }
        case .bytes(let length):
            walkTexts(array, rows, output, &sink, size: length) { element, text in
                text = Array(element[..<(element.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)])
                return text.allSatisfy { $0 < 0x80 } || String(validating: text, as: UTF8.self) != nil
            }
        case .number(let type):
            switch type {
            case .int64: walkIntegers(Int64.self, array, rows, output, &sink)
            case .int32: walkIntegers(Int32.self, array, rows, output, &sink)
            case .int16: walkIntegers(Int16.self, array, rows, output, &sink)
            case .int8: walkIntegers(Int8.self, array, rows, output, &sink)
            case .uint64: walkIntegers(UInt64.self, array, rows, output, &sink)
            case .uint32: walkIntegers(UInt32.self, array, rows, output, &sink)
            case .uint16: walkIntegers(UInt16.self, array, rows, output, &sink)
            case .uint8, .bool: walkIntegers(UInt8.self, array, rows, output, &sink)
            case .float64: walkFloats(Double.self, array, rows, output, &sink, below: 0x1p53)
            case .float32: walkFloats(Float.self, array, rows, output, &sink, below: 0x1p24)
            case .float16: walkHalves(array, rows, output, &sink)
            default: preconditionFailure("no NPY file is read as \(type.rawValue)")
            }
        }
    }

    private mutating func walkIntegers<Number: FixedWidthInteger & BitwiseCopyable, Rows: Collection<Int>>(
        _: Number.Type, _ array: NPYArray, _ rows: Rows, _ output: UnsafeMutablePointer<UInt32>, _ sink: inout IDSink
    ) {
        let bytes = array.bytes
        let isInterning = sink.isInterning
        let limit = table.columns.map { UInt64($0) } ?? .max
        var greatest = sink.greatest
        var place = 0
        for row in rows {
            let number = bytes.loadUnaligned(fromByteOffset: row * MemoryLayout<Number>.size, as: Number.self)
            guard number >= 0, UInt64(truncatingIfNeeded: number) < limit else {
                let expected = table.columns.map { "the number of one of the \($0) columns" }
                refuse(row, .invalidID, array, "\(number)", expected ?? "a whole number of 0 or more")
                place += 1
                continue
            }
            if !isInterning, UInt64(truncatingIfNeeded: number) < UInt64(UInt32.max) {
                let id = UInt32(truncatingIfNeeded: number)
                output[place] = id
                greatest = max(greatest, id)
            } else {
                output[place] = sink.take(decimal: UInt64(number))
            }
            place += 1
        }
        sink.greatest = greatest
    }

    /// Whole numbers that a float holds without doubt which they are.
    private mutating func walkFloats<Number: BinaryFloatingPoint & BitwiseCopyable, Rows: Collection<Int>>(
        _: Number.Type, _ array: NPYArray, _ rows: Rows, _ output: UnsafeMutablePointer<UInt32>,
        _ sink: inout IDSink, below limit: Double
    ) {
        for (place, row) in rows.enumerated() {
            let number = array.bytes.loadUnaligned(
                fromByteOffset: row * MemoryLayout<Number>.size, as: Number.self)
            takeFloat(Double(number), row, array, &output[place], &sink, below: limit)
        }
    }

    private mutating func walkHalves<Rows: Collection<Int>>(
        _ array: NPYArray, _ rows: Rows, _ output: UnsafeMutablePointer<UInt32>, _ sink: inout IDSink
    ) {
        for (place, row) in rows.enumerated() {
            let bits = array.bytes.loadUnaligned(fromByteOffset: row * 2, as: UInt16.self)
            takeFloat(Double(Float(half: bits)), row, array, &output[place], &sink, below: 0x1p11)
        }
    }

    private mutating func takeFloat(
        _ number: Double, _ row: Int, _ array: NPYArray, _ output: inout UInt32, _ sink: inout IDSink,
        below limit: Double
    ) {
        guard number >= 0, number < limit, number == number.rounded() else {
            let isWhole = number.isFinite && number >= limit
            return refuse(
                row, .invalidID, array, "\(number)",
                isWhole ? "a number that \(array.element) holds exactly" : "a whole number of 0 or more")
        }
        output = sink.take(decimal: UInt64(number))
    }

    private mutating func walkTexts<Rows: Collection<Int>>(
        _ array: NPYArray, _ rows: Rows, _ output: UnsafeMutablePointer<UInt32>, _ sink: inout IDSink, size: Int,
        decode: (_ element: UnsafeRawBufferPointer, _ text: inout [UInt8]) -> Bool
    ) {
        var text: [UInt8] = []
        // Users mostly come one after another.
        var last: UnsafeRawPointer?
        for (place, row) in rows.enumerated() {
            let element = UnsafeRawBufferPointer(rebasing: array.bytes[row * size..<(row + 1) * size])
            if let last, memcmp(last, element.baseAddress!, size) == 0 {
                output[place] = output[place - 1]
                continue
            }
            last = nil
            guard decode(element, &text) else {
                refuse(row, .invalidUTF8, array, "no valid text", "an id")
                continue
            }
            guard !text.isEmpty else {
                refuse(row, .emptyID, array, "empty", "an id")
                continue
            }
            guard !text.contains(0) else {
                refuse(row, .embeddedNUL, array, "a text with a NUL in it", "an id")
                continue
            }
            output[place] = text.withUnsafeBufferPointer { sink.take($0) }
            last = element.baseAddress
        }
    }
}

extension IDSink {
    /// What to write in the column for a whole number.
    mutating func take(decimal number: UInt64) -> UInt32 {
        if !isInterning, number < UInt64(UInt32.max) {
            greatest = max(greatest, UInt32(number))
            return UInt32(number)
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var (rest, first) = (number, 20)
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            return take(UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }
}

extension [UInt8] {
    /// Becomes the UTF-8 of an element of UTF-32 less the NULs at its end; false if it is not Unicode.
    fileprivate mutating func utf8(of element: UnsafeRawBufferPointer) -> Bool {
        removeAll(keepingCapacity: true)
        var count = element.count / 4
        func scalar(_ index: Int) -> UInt32 { element.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self) }
        while count > 0, scalar(count - 1) == 0 { count -= 1 }
        for index in 0..<count {
            let code = scalar(index)
            if code < 0x80 {
                append(UInt8(truncatingIfNeeded: code))
            } else {
                guard let scalar = Unicode.Scalar(code) else { return false }
                append(contentsOf: UTF8.encode(scalar)!)
            }
        }
        return true
    }
}
