import Basics

extension MDSShard {
    /// What a cell holds.
    /// - Precondition: `sample < count`.
    /// - Throws: `badData` naming file, shard, sample and column if the cell is damaged; `failed` for an unknown column.
    public func value(_ column: String, sample: Int) throws -> MDSValue {
        let number = try number(column)
        return try value(number, sample: sample)
    }

    /// All cells of a sample by column; otherwise as ``value(_:sample:)``.
    public func sample(_ sample: Int) throws -> [String: MDSValue] {
        var values: [String: MDSValue] = [:]
        for (number, column) in info.columns.enumerated() { values[column.name] = try value(number, sample: sample) }
        return values
    }

    /// Texts of a `str` column.
    /// - Precondition: rows below ``count``.
    /// - Throws: `badData` naming file, shard, sample and column for cells that are damaged or no text.
    public func strings(_ column: String, _ rows: MDSRows) throws -> [String] {
        try values(column, rows, "text") { if case .string(let text) = $0 { text } else { nil } }
    }

    /// Cells as they stand in the shard, of any column.
    /// - Precondition: rows below ``count``.
    /// - Throws: `badData` naming file, shard, sample and column for damaged cells.
    public func bytes(_ column: String, _ rows: MDSRows) throws -> [[UInt8]] {
        precondition(rows.lie(below: count), "rows beyond the shard's \(count)")
        let number = try number(column)
        var cells: [[UInt8]] = []
        cells.reserveCapacity(rows.count)
        try rows.forEach { _, row in cells.append(try withExtendedLifetime(self) { Array(try cell(number, row)) }) }
        return cells
    }

    /// The cells of a column as they lie in the shard, valid as long as it lives.
    /// - Precondition: rows below ``count``.
    /// - Throws: `badData` naming file, shard, sample and column for damaged cells.
    package func cells(_ column: String, _ rows: Range<Int>) throws -> [UnsafeRawBufferPointer] {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows beyond the shard's \(count)")
        let number = try number(column)
        return try rows.map { try cell(number, $0) }
    }

    func values<Value>(
        _ column: String, _ rows: MDSRows, _ expected: String, _ take: (MDSValue) -> Value?
    ) throws -> [Value] {
        precondition(rows.lie(below: count), "rows beyond the shard's \(count)")
        let number = try number(column)
        var values: [Value] = []
        values.reserveCapacity(rows.count)
        try rows.forEach { _, row in
            let value = try value(number, sample: row)
            guard let taken = take(value) else {
                throw damaged("column “\(column)”: \(value.kind) is not \(expected)", sample: row)
            }
            values.append(taken)
        }
        return values
    }

    private func value(_ number: Int, sample: Int) throws -> MDSValue {
        let cell = try cell(number, sample)
        do {
            return try withExtendedLifetime(self) { try info.columns[number].encoding.decode(cell) }
        } catch let error as StarlingError {
            throw damaged("column “\(info.columns[number].name)”: \(error.what)", sample: sample)
        }
    }

    /// The bytes of a cell. The sizes that the sample states must fill it exactly.
    func cell(_ number: Int, _ sample: Int) throws -> UnsafeRawBufferPointer {
        precondition(0 <= sample && sample < count, "sample \(sample) of \(count)")
        let (begin, end) = (offset(sample), offset(sample + 1))
        let place = layout.cells[number]
        var start = begin + 4 * layout.variables + place.fixedBefore
        var total = layout.smallest
        var size = place.size ?? 0
        for variable in 0..<layout.variables {
            let stated = Int(
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: begin + 4 * variable, as: UInt32.self)))
            total += stated
            if variable < place.variablesBefore { start += stated }
            if variable == place.variablesBefore && place.size == nil { size = stated }
        }
        guard total == end - begin else {
            throw damaged("its cells take \(total) bytes, it has \(end - begin)", sample: sample)
        }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + size])
    }
}
