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
}
