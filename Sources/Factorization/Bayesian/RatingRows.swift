package import Interactions

/// Ratings by row of one side, in raw arrays: histories of users, or audiences of items.
package struct RatingRows: Sendable {
    /// `[rows + 1]`.
    package let offsets: [Int]
    /// The other side's rows, and the ratings.
    package let columns: [UInt32], values: [Float]

    package init<Row, Column>(_ matrix: InteractionMatrix<Row, Column>) {
        offsets = matrix.offsets
        columns = matrix.columns
        values = matrix.values ?? [Float](repeating: 1, count: matrix.entryCount)
    }

    /// These ratings by row of the other side, whose rows are `count`.
    package init(transposing rows: RatingRows, count: Int) {
        var offsets = [Int](repeating: 0, count: count + 1)
        for column in rows.columns { offsets[Int(column) + 1] += 1 }
        for row in 0..<count { offsets[row + 1] += offsets[row] }
        var next = offsets
        var columns = [UInt32](repeating: 0, count: rows.columns.count)
        var values = [Float](repeating: 0, count: rows.columns.count)
        for row in 0..<rows.count {
            for entry in rows.offsets[row]..<rows.offsets[row + 1] {
                let column = Int(rows.columns[entry])
                (columns[next[column]], values[next[column]]) = (UInt32(row), rows.values[entry])
                next[column] += 1
            }
        }
        (self.offsets, self.columns, self.values) = (offsets, columns, values)
    }

    package var count: Int { offsets.count - 1 }

    /// The most ratings that a row has.
    package var longest: Int { (0..<count).reduce(0) { max($0, offsets[$1 + 1] - offsets[$1]) } }

    /// Calls `body` with a row's columns, values and their number.
    package func withRow<Result>(
        _ row: Int, _ body: (UnsafePointer<UInt32>, UnsafePointer<Float>, Int) -> Result
    ) -> Result {
        let (from, count) = (offsets[row], offsets[row + 1] - offsets[row])
        return columns.withUnsafeBufferPointer { columns in
            values.withUnsafeBufferPointer { values in
                body(columns.baseAddress! + from, values.baseAddress! + from, count)
            }
        }
    }
}
