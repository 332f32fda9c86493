extension InteractionMatrix {
    /// These entries and those of `new`, whose rows and columns are at least as many. A pair that stands in both, or several
    /// times in one of them, stands once in a row that `new` has entries of, with the value that `combine` makes of the
    /// earlier and the later; other rows stay as they are. Without values on both sides there are none; on one side, the
    /// other's count as 1.
    ///
    /// - Complexity: O(entries + rows).
    public func merging(_ new: Self, combine: (_ old: Float, _ new: Float) -> Float) -> Self {
        precondition(new.rowCount >= rowCount && new.columnCount >= columnCount)
        let hasValues = values != nil || new.values != nil
        var (offsets, columns, values): ([Int], [UInt32], [Float]) = ([0], [], [])
        offsets.reserveCapacity(new.rowCount + 1)
        columns.reserveCapacity(entryCount + new.entryCount)
        if hasValues { values.reserveCapacity(entryCount + new.entryCount) }
        for row in 0..<new.rowCount {
            let old = row < rowCount ? self.offsets[row]..<self.offsets[row + 1] : 0..<0
            let added = new.offsets[row]..<new.offsets[row + 1]
            let start = columns.count
            func append(_ column: UInt32, _ value: Float) {
                if !added.isEmpty, columns.count > start, columns.last == column {
                    if hasValues { values[values.count - 1] = combine(values[values.count - 1], value) }
                    return
                }
                columns.append(column)
                if hasValues { values.append(value) }
            }
            var (left, right) = (old.lowerBound, added.lowerBound)
            while left < old.upperBound || right < added.upperBound {
                // Of equal columns the old comes first.
                if right == added.upperBound || (left < old.upperBound && self.columns[left] <= new.columns[right]) {
                    append(self.columns[left], self.values?[left] ?? 1)
                    left += 1
                } else {
                    append(new.columns[right], new.values?[right] ?? 1)
                    right += 1
                }
            }
            offsets.append(columns.count)
        }
        return Self(offsets: offsets, columns: columns, values: hasValues ? values : nil, columnCount: new.columnCount)
    }

    /// The same shape with only the rows that `isKept` names; others are empty.
    public func keeping(_ isKept: (Int) -> Bool, where holds: (UInt32) -> Bool = { _ in true }) -> Self {
        var (offsets, columns, kept): ([Int], [UInt32], [Float]) = ([0], [], [])
        for row in 0..<rowCount {
            if isKept(row) {
                for entry in self.offsets[row]..<self.offsets[row + 1] where holds(self.columns[entry]) {
                    columns.append(self.columns[entry])
                    if let values { kept.append(values[entry]) }
                }
            }
            offsets.append(columns.count)
        }
        return Self(offsets: offsets, columns: columns, values: values == nil ? nil : kept, columnCount: columnCount)
    }
}

extension InteractionLog {
    /// These interactions under vocabularies that have every id of this log's: the given ones, with what they lack behind.
    public func extending(
        _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>
    ) -> InteractionLog {
        func extended<Row: RowNumber>(_ own: Vocabulary<Row>, _ given: Vocabulary<Row>) -> (Vocabulary<Row>, [UInt32]) {
            var new: [String] = []
            let rows = own.rawIDs.map { id in
                if let row = given.row(of: id) { return UInt32(row.index) }
                new.append(id)
                return UInt32(given.count + new.count - 1)
            }
            return (new.isEmpty ? given : given.appending(new), rows)
        }
        let ((users, userOf), (items, itemOf)) = (extended(self.users, users), extended(self.items, items))
        return InteractionLog(
            users: users, items: items, userRows: userRows.map { userOf[Int($0)] },
            itemRows: itemRows.map { itemOf[Int($0)] }, values: values, times: times)
    }
}
