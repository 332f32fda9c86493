import Basics

extension MDSShard {
    /// Whole numbers of a column, of any integer type that fits; also of `str_int`.
    /// - Precondition: rows below ``count``.
    /// - Throws: `badData` naming file, shard, sample and column for a number beyond the range, a column of something
    ///   else, or a damaged cell.
    /// - Complexity: O(rows); about a nanosecond each where all columns are of fixed size.
    public func int64s(_ column: String, _ rows: MDSRows) throws -> [Int64] {
        try array(rows) { try gather(column, rows, into: $0) }
    }

    /// Numbers of a column as `Float`, rounded to the nearest where they are wider; also of `str_float`. Otherwise as
    /// ``int64s(_:_:)``.
    public func floats(_ column: String, _ rows: MDSRows) throws -> [Float] {
        try array(rows) { try gather(column, rows, into: $0) }
    }

    /// Numbers of a column as `Double`; otherwise as ``floats(_:_:)``.
    public func doubles(_ column: String, _ rows: MDSRows) throws -> [Double] {
        try array(rows) { try gather(column, rows, into: $0) }
    }

    /// Fills `target` as ``int64s(_:_:)``, without allocating.
    /// - Precondition: `target` has an element for every row.
    public func gather(_ column: String, _ rows: MDSRows, into target: UnsafeMutableBufferPointer<Int64>) throws {
        try numbers(column, rows, target)
    }

    /// The same into 32 bits: a number that does not fit them is refused.
    public func gather(_ column: String, _ rows: MDSRows, into target: UnsafeMutableBufferPointer<Int32>) throws {
        try numbers(column, rows, target)
    }

    /// Fills `target` as ``floats(_:_:)``, without allocating.
    public func gather(_ column: String, _ rows: MDSRows, into target: UnsafeMutableBufferPointer<Float>) throws {
        try numbers(column, rows, target)
    }

    /// Fills `target` as ``doubles(_:_:)``, without allocating.
    public func gather(_ column: String, _ rows: MDSRows, into target: UnsafeMutableBufferPointer<Double>) throws {
        try numbers(column, rows, target)
    }

    /// Where the numbers of a column lie, valid as long as the shard lives; nil unless all columns are of fixed size and
    /// this one's cells are numbers.
    package func cells(_ column: String) -> StridedCells? {
        guard let stride = layout.stride, let number = numbers[column], count > 0,
            let type = info.columns[number].encoding.elementType
        else { return nil }
        let base = bytes.baseAddress! + offset(0) + layout.cells[number].fixedBefore
        return StridedCells(base: base, stride: stride, count: count, type: type)
    }

    /// Copies the cells of a column of fixed size as they are, one after the other: numbers of any type, arrays of a
    /// fixed shape.
    /// - Precondition: rows below ``count``; `target` has the cells' size for every row.
    /// - Throws: `failed` for a column without a fixed size; `badData` for a damaged sample.
    public func copyCells(_ column: String, _ rows: MDSRows, into target: UnsafeMutableRawBufferPointer) throws {
        let number = try number(column)
        guard let size = layout.cells[number].size else {
            throw StarlingError(
                .failed, "column “\(column)”: cells of \(info.columns[number].encoding) have no fixed size",
                at: .init(file: path, shard: info.label))
        }
        precondition(rows.lie(below: count), "rows beyond the shard's \(count)")
        precondition(target.count == rows.count * size, "\(rows.count) cells take \(rows.count * size) bytes")
        guard rows.count > 0 else { return }
        try withExtendedLifetime(self) {
            try rows.forEach { index, row in
                (target.baseAddress! + index * size)
                    .copyMemory(from: try cell(number, row).baseAddress!, byteCount: size)
            }
        }
    }

    private func array<Target>(
        _ rows: MDSRows, _ fill: (UnsafeMutableBufferPointer<Target>) throws -> Void
    ) throws -> [Target] {
        try [Target](unsafeUninitializedCapacity: rows.count) { target, filled in
            try fill(UnsafeMutableBufferPointer(rebasing: target[..<rows.count]))
            filled = rows.count
        }
    }

    private func numbers<Target: CellNumber>(
        _ column: String, _ rows: MDSRows, _ target: UnsafeMutableBufferPointer<Target>
    ) throws {
        let number = try number(column)
        precondition(rows.lie(below: count), "rows beyond the shard's \(count)")
        precondition(target.count == rows.count, "\(target.count) places for \(rows.count) rows")
        let encoding = info.columns[number].encoding
        guard let type = encoding.elementType else { return try texts(number, rows, target) }
        guard Target.takesFractions || type.isInteger else {
            throw damaged("column “\(column)” is \(encoding), whole numbers are expected")
        }
        guard rows.count > 0 else { return }
        try withExtendedLifetime(self) {
            if let cells = cells(column) {
                if let row = cells.copy(rows, into: target) { throw outOfRange(column, row, "\(Target.self)") }
            } else {
                try rows.forEach { index, row in
                    let cell = StridedCells(base: try cell(number, row).baseAddress!, stride: 0, count: 1, type: type)
                    let place = UnsafeMutableBufferPointer(rebasing: target[index..<index + 1])
                    if cell.copy(.range(0..<1), into: place) != nil { throw outOfRange(column, row, "\(Target.self)") }
                }
            }
        }
    }

    private func outOfRange(_ column: String, _ row: Int, _ type: String) -> StarlingError {
        let value = try? value(column, sample: row)
        let text =
            switch value {
            case .int(let number)?: "\(number)"
            case .uint(let number)?: "\(number)"
            case .decimal(let digits)?: digits
            default: "its number"
            }
        return damaged("column “\(column)”: \(text) is outside the range of \(type)", sample: row)
    }

    /// Numbers written as text.
    private func texts<Target: CellNumber>(
        _ number: Int, _ rows: MDSRows, _ target: UnsafeMutableBufferPointer<Target>
    ) throws {
        let column = info.columns[number]
        guard column.encoding == .integerText || (column.encoding == .floatText && Target.takesFractions) else {
            throw damaged(
                "column “\(column.name)” is \(column.encoding), "
                    + (Target.takesFractions ? "numbers are expected" : "whole numbers are expected"))
        }
        try rows.forEach { index, row in
            let number: Target? =
                switch try value(column.name, sample: row) {
                case .int(let value): Target(cell: value)
                case .uint(let value): Target(cell: value)
                case .float(let value): Target(cell: value)
                default: nil
                }
            guard let number else { throw outOfRange(column.name, row, "\(Target.self)") }
            target[index] = number
        }
    }
}
