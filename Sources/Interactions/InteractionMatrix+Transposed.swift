public import Kernels

extension InteractionMatrix {
    /// The other way round, `[columns × rows]`. Repeated pairs stay in their order.
    ///
    /// - Complexity: O(entries + rows + columns), a counting sort.
    public func transposed(workers: Workers) -> InteractionMatrix<Column, Row> {
        var offsets = [Int](repeating: 0, count: columnCount + 1)
        for column in columns { offsets[Int(column) + 1] += 1 }
        for column in 0..<columnCount { offsets[column + 1] += offsets[column] }
        var next = offsets
        var places = [UInt32](repeating: 0, count: entryCount)
        var sorted = values.map { [Float](repeating: 0, count: $0.count) }
        for row in 0..<rowCount {
            for entry in self.offsets[row]..<self.offsets[row + 1] {
                let place = next[Int(columns[entry])]
                next[Int(columns[entry])] += 1
                places[place] = UInt32(row)
                if let values { sorted![place] = values[entry] }
            }
        }
        return InteractionMatrix<Column, Row>(offsets: offsets, columns: places, values: sorted, columnCount: rowCount)
    }
}
