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

extension InteractionLog {
    /// Users' histories, `[users × items]`. A pair that stands several times keeps all its entries, in log order.
    ///
    /// - Complexity: O(interactions + users + items), two counting sorts.
    public func userMatrix() -> InteractionMatrix<UserRow, ItemRow> {
        matrix(userRows, users.count, itemRows, items.count)
    }

    /// Items' audiences, `[items × users]`.
    public func itemMatrix() -> InteractionMatrix<ItemRow, UserRow> {
        matrix(itemRows, items.count, userRows, users.count)
    }

    private func matrix<Row, Column>(
        _ rows: [UInt32], _ rowCount: Int, _ columns: [UInt32], _ columnCount: Int
    ) -> InteractionMatrix<Row, Column> {
        // Stable by column first, then stable by row: columns rise within each row, ties stay in log order.
        let byColumn = Self.stableOrder(of: nil, keys: columns, keyCount: columnCount)
        let order = Self.stableOrder(of: byColumn, keys: rows, keyCount: rowCount)
        var offsets = [Int](repeating: 0, count: rowCount + 1)
        for row in rows { offsets[Int(row) + 1] += 1 }
        for row in 0..<rowCount { offsets[row + 1] += offsets[row] }
        return InteractionMatrix(
            offsets: offsets, columns: order.map { columns[Int($0)] },
            values: values.map { values in order.map { values[Int($0)] } }, columnCount: columnCount)
    }

    private static func stableOrder(of order: [UInt32]?, keys: [UInt32], keyCount: Int) -> [UInt32] {
        precondition(keys.count < Int(UInt32.max))
        var next = [Int](repeating: 0, count: keyCount + 1)
        for key in keys { next[Int(key) + 1] += 1 }
        for key in 0..<keyCount { next[key + 1] += next[key] }
        return [UInt32](unsafeUninitializedCapacity: keys.count) { sorted, count in
            for position in 0..<keys.count {
                let index = order.map { Int($0[position]) } ?? position
                sorted[next[Int(keys[index])]] = UInt32(index)
                next[Int(keys[index])] += 1
            }
            count = keys.count
        }
    }
}
