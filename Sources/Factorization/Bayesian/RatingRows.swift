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
