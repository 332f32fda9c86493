import Formats

extension ArrayParser {
    mutating func walkNumbers<Target: ColumnNumber, Rows: Collection<Int>>(
        _ array: NPYArray, _ rows: Rows, _ reason: RefusalReason, _ output: UnsafeMutablePointer<Target>
    ) {
        guard case .number(let type) = array.element else { preconditionFailure("a column of numbers") }
        switch type {
        case .float64: walk(array, rows, reason, output, Double.self) { Target.nearest($0) }
        case .float32: walk(array, rows, reason, output, Float.self) { Target.nearest(Double($0)) }
        case .float16:
            walk(array, rows, reason, output, UInt16.self) { Target.nearest(Double(Float(half: $0))) }
        case .int64:
            if let ticks = array.ticksPerSecond {
                walk(array, rows, reason, output, Time.self) { $0.seconds(ticks).flatMap { Target.nearest($0) } }
            } else {
                walk(array, rows, reason, output, Int64.self) { Target.nearest($0) }
            }
        case .int32: walk(array, rows, reason, output, Int32.self) { Target.nearest($0) }
        case .int16: walk(array, rows, reason, output, Int16.self) { Target.nearest($0) }
        case .int8: walk(array, rows, reason, output, Int8.self) { Target.nearest($0) }
        case .uint64: walk(array, rows, reason, output, UInt64.self) { Target.nearest($0) }
        case .uint32: walk(array, rows, reason, output, UInt32.self) { Target.nearest($0) }
        case .uint16: walk(array, rows, reason, output, UInt16.self) { Target.nearest($0) }
        case .uint8: walk(array, rows, reason, output, UInt8.self) { Target.nearest($0) }
        case .bool: walk(array, rows, reason, output, UInt8.self) { Target.nearest($0 == 0 ? 0 : 1) }
        default: preconditionFailure("no NPY file is read as \(type.rawValue)")
        }
    }

    private mutating func walk<Source: BitwiseCopyable, Target: ColumnNumber, Rows: Collection<Int>>(
        _ array: NPYArray, _ rows: Rows, _ reason: RefusalReason, _ output: UnsafeMutablePointer<Target>,
        _: Source.Type, _ convert: (Source) -> Target?
    ) {
        let bytes = array.bytes
        var place = 0
        for row in rows {
            let number = bytes.loadUnaligned(fromByteOffset: row * MemoryLayout<Source>.size, as: Source.self)
            if let number = convert(number) {
                output[place] = number
            } else {
                refuse(row, reason, array, "\(number)", "a finite number within range")
            }
            place += 1
        }
    }
}

/// An element of `datetime64`.
private struct Time: BitwiseCopyable, CustomStringConvertible {
    let ticks: Int64

    /// Whole seconds since 1970, those before a fraction; nil for none (`NaT`).
    func seconds(_ ticksPerSecond: Int64) -> Int64? {
        guard ticks != .min else { return nil }
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: ticksPerSecond)
        return rest < 0 ? seconds - 1 : seconds
    }

    var description: String { ticks == .min ? "NaT" : "\(ticks)" }
}

/// A value or a time.
protocol ColumnNumber: BitwiseCopyable {
    /// Nil where there is none.
    static func nearest(_ number: Double) -> Self?
    static func nearest(_ number: some FixedWidthInteger) -> Self?
}

extension Float: ColumnNumber {
    static func nearest(_ number: Double) -> Float? {
        let nearest = Float(number)
        return nearest.isFinite ? nearest : nil
    }

    static func nearest(_ number: some FixedWidthInteger) -> Float? { Float(number) }
}

extension Int64: ColumnNumber {
    /// Fractions are cut off, as in text.
    static func nearest(_ number: Double) -> Int64? { Int64(exactly: number.rounded(.towardZero)) }
    static func nearest(_ number: some FixedWidthInteger) -> Int64? { Int64(exactly: number) }
}
