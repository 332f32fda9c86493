/// Compressed sparse rows: for each row its columns in rising order, with values. `Row` and `Column` say which
/// way round it is: `InteractionMatrix<UserRow, ItemRow>` holds users' histories.
public struct InteractionMatrix<Row: RowNumber, Column: RowNumber>: Sendable {
    /// `[rows + 1]`; row `r` owns entries `offsets[r]..<offsets[r + 1]`.
    public let offsets: [Int]
    /// `[entries]`, rising within a row.
    public let columns: [UInt32]
    /// `[entries]`; nil when all are 1.
    public let values: [Float]?
    public let columnCount: Int

    public init(offsets: [Int], columns: [UInt32], values: [Float]?, columnCount: Int) {
        precondition(offsets.first == 0 && offsets.last == columns.count)
        self.offsets = offsets
        self.columns = columns
        self.values = values
        self.columnCount = columnCount
    }

    public var rowCount: Int { offsets.count - 1 }
    public var entryCount: Int { columns.count }

    /// Of each column, whether anything stands in it. - Complexity: O(entries + columns)
    public var columnsWithEntries: [Bool] {
        var found = [Bool](repeating: false, count: columnCount)
        for column in columns { found[Int(column)] = true }
        return found
    }

    /// Entries whose column stands in their row already.
    public var repeatedEntries: Int {
        (0..<rowCount).reduce(0) { repeats, row in
            let entries = columns[offsets[row]..<offsets[row + 1]]
            return repeats + zip(entries, entries.dropFirst()).count { $0 == $1 }
        }
    }

    /// The columns of a row, rising.
    public subscript(_ row: Row) -> ArraySlice<UInt32> { columns[offsets[row.index]..<offsets[row.index + 1]] }

    /// The values beside ``subscript(_:)``; nil when all are 1.
    public func values(_ row: Row) -> ArraySlice<Float>? { values?[offsets[row.index]..<offsets[row.index + 1]] }

    /// The matrix whose row `i` is this one's row `rows[i]`.
    public func selecting(_ rows: [Row]) -> Self {
        var (offsets, columns): ([Int], [UInt32]) = ([0], [])
        var values = values.map { _ in [Float]() }
        offsets.reserveCapacity(rows.count + 1)
        for row in rows {
            columns += self[row]
            if let own = self.values(row) { values! += own }
            offsets.append(columns.count)
        }
        return Self(offsets: offsets, columns: columns, values: values, columnCount: columnCount)
    }
    /// The matrix of a range of columns, the first of which becomes 0.
    ///
    /// - Complexity: O(rows · log(entries of a row) + entries that stay).
    public func selecting(columns range: Range<Int>) -> Self {
        var (offsets, columns): ([Int], [UInt32]) = ([0], [])
        var values = values.map { _ in [Float]() }
        offsets.reserveCapacity(rowCount + 1)
        for row in 0..<rowCount {
            let entries = self.offsets[row]..<self.offsets[row + 1]
            let own = place(of: range.lowerBound, in: entries)..<place(of: range.upperBound, in: entries)
            for entry in own { columns.append(self.columns[entry] - UInt32(range.lowerBound)) }
            if let all = self.values { values! += all[own] }
            offsets.append(columns.count)
        }
        return Self(offsets: offsets, columns: columns, values: values, columnCount: range.count)
    }

    /// The first of a row's entries whose column is not below `column`.
    private func place(of column: Int, in entries: Range<Int>) -> Int {
        var (low, high) = (entries.lowerBound, entries.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if Int(columns[middle]) < column { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
