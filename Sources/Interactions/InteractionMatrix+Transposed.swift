public import Kernels

extension InteractionMatrix {
    /// The same entries the other way round: of users' histories, items' audiences. Entries of one pair keep their order.
    ///
    /// - Parameter workers: share the work; nothing in the result depends on their number.
    /// - Complexity: O(entries + rows + columns). Beyond the result, at most 2 bytes an entry.
    public func transposed(workers: Workers = Workers(threads: 1)) -> InteractionMatrix<Column, Row> {
        // Slices of whole rows, of about as many entries each.
        let slices = RowPlacement.sliceCount(entryCount, rows: columnCount, workers)
        var cuts = [0]
        for row in 0..<rowCount where offsets[row + 1] * slices >= entryCount * cuts.count { cuts.append(row + 1) }
        if cuts.last! < rowCount { cuts.append(rowCount) }
        let placement = RowPlacement(slices: cuts.count - 1, rows: columnCount)
        return columns.withUnsafeBufferPointer { columns in
            workers.forEach(cuts.count - 1) { slice, _ in
                let counts = placement[slice]
                for entry in offsets[cuts[slice]]..<offsets[cuts[slice + 1]] { counts[Int(columns[entry])] += 1 }
            }
            let transposedOffsets = placement.place()
            var (rows, values) = (
                LogColumns.unset(entryCount) as [UInt32], self.values.map { LogColumns.unset($0.count) as [Float] }
            )
            MatrixPointers.with(&rows, &values) { target in
                self.values.withPointerToElements { values in
                    workers.forEach(cuts.count - 1) { slice, _ in
                        let next = placement[slice]
                        for row in cuts[slice]..<cuts[slice + 1] {
                            for entry in offsets[row]..<offsets[row + 1] {
                                let place = Int(next[Int(columns[entry])])
                                next[Int(columns[entry])] += 1
                                target.columns[place] = UInt32(row)
                                if let values { target.values![place] = values[entry] }
                            }
                        }
                    }
                }
            }
            return InteractionMatrix<Column, Row>(
                offsets: transposedOffsets, columns: rows, values: values, columnCount: rowCount)
        }
    }
}
