public import Kernels

extension InteractionLog {
    /// Users' histories, `[users × items]`. A pair that stands several times keeps all its entries, in log order.
    ///
    /// - Parameter workers: share the work; nothing in the result depends on their number.
    /// - Complexity: O(interactions + users + items): a counting sort by user, then each user's items are sorted in place.
    ///   Beyond the result, at most 2 bytes an interaction and what the longest history takes.
    public func userMatrix(workers: Workers = Workers(threads: 1)) -> InteractionMatrix<UserRow, ItemRow> {
        Self.matrix(userRows, users.count, itemRows, items.count, values, nil, workers)
    }

    /// Items' audiences, `[items × users]`.
    public func itemMatrix(workers: Workers = Workers(threads: 1)) -> InteractionMatrix<ItemRow, UserRow> {
        Self.matrix(itemRows, items.count, userRows, users.count, values, nil, workers)
    }

    /// The histories that one part of a split has, without making a log of it.
    package func userMatrix(
        of part: LogPart, in partition: LogPartition, workers: Workers
    ) -> InteractionMatrix<UserRow, ItemRow> {
        precondition(partition.parts.count == count)
        return Self.matrix(userRows, users.count, itemRows, items.count, values, (partition.parts, part), workers)
    }

    /// Users' histories without values.
    package func pairMatrix(workers: Workers) -> InteractionMatrix<UserRow, ItemRow> {
        Self.matrix(userRows, users.count, itemRows, items.count, nil, nil, workers)
    }

    /// The matrix of entries in any order: each row's by column, those of equal columns in their order.
    ///
    /// - Parameter choice: the entries to take; nil = all.
    package static func matrix<Row, Column>(
        _ rows: [UInt32], _ rowCount: Int, _ columns: [UInt32], _ columnCount: Int, _ values: [Float]?,
        _ choice: (parts: [LogPart], part: LogPart)?, _ workers: Workers
    ) -> InteractionMatrix<Row, Column> {
        let count = rows.count
        let slices = RowPlacement.sliceCount(count, rows: rowCount, workers)
        let cuts = (0...slices).map { count * $0 / slices }
        let placement = RowPlacement(slices: slices, rows: rowCount)
        workers.forEach(slices) { slice, _ in
            let counts = placement[slice]
            if let choice {
                for entry in cuts[slice]..<cuts[slice + 1] where choice.parts[entry] == choice.part {
                    counts[Int(rows[entry])] += 1
                }
            } else {
                for entry in cuts[slice]..<cuts[slice + 1] { counts[Int(rows[entry])] += 1 }
            }
        }
        let offsets = placement.place()
        var (sorted, sortedValues) = (
            LogColumns.unset(offsets[rowCount]) as [UInt32],
            values.map { _ in LogColumns.unset(offsets[rowCount]) as [Float] }
        )
        MatrixPointers.with(&sorted, &sortedValues) { target in
            values.withPointerToElements { values in
                workers.forEach(slices) { slice, _ in
                    let next = placement[slice]
                    for entry in cuts[slice]..<cuts[slice + 1] {
                        if let choice, choice.parts[entry] != choice.part { continue }
                        let place = Int(next[Int(rows[entry])])
                        next[Int(rows[entry])] += 1
                        target.columns[place] = columns[entry]
                        if let values { target.values![place] = values[entry] }
                    }
                }
            }
            RowSorter.sort(target, offsets, columnCount: columnCount, workers)
        }
        return InteractionMatrix(
            offsets: offsets, columns: sorted, values: sortedValues, columnCount: columnCount)
    }
}
