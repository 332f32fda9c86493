import Interactions
import Kernels

/// A matrix whose row r has the columns `rows[r]`.
func matrix(_ rows: [[UInt32]], columns: Int, values: [Float]? = nil) -> InteractionMatrix<UserRow, ItemRow> {
    InteractionMatrix(
        offsets: rows.reduce(into: [0]) { $0.append($0.last! + $1.count) }, columns: rows.flatMap(\.self),
        values: values,
        columnCount: columns)
}

/// Of as many users and items, each pair with this probability.
func randomMatrix(
    users: Int, items: Int, density: Double, seed: UInt64 = 1, value: ((Int) -> Float)? = nil
) -> InteractionMatrix<UserRow, ItemRow> {
    var random = RandomStream(seed: seed, .test)
    let rows = (0..<users).map { user in
        // Users and items of falling frequency.
        (0..<UInt32(items)).filter { item in
            random.uniform()
                < min(1, density * 4 / (1 + 3 * Double(user) / Double(users)) / (1 + 6 * Double(item) / Double(items)))
        }
    }
    let count = rows.reduce(0) { $0 + $1.count }
    return matrix(rows, columns: items, values: value.map { value in (0..<count).map(value) })
}

/// How often each column stands in a matrix.
func columnCounts(_ matrix: InteractionMatrix<UserRow, ItemRow>) -> [Int] {
    matrix.columns.reduce(into: [Int](repeating: 0, count: matrix.columnCount)) { $0[Int($1)] += 1 }
}

/// How many entries each row of a matrix has.
func rowCounts(_ matrix: InteractionMatrix<UserRow, ItemRow>) -> [Int] {
    (0..<matrix.rowCount).map { matrix.offsets[$0 + 1] - matrix.offsets[$0] }
}

/// Everything that an expansion makes, piece by piece.
func made(_ expansion: FractalExpansion) -> [FractalExpansion.Kept] {
    let scratch = FractalExpansion.Scratch(expansion)
    return expansion.pieces().map { expansion.make($0, scratch) }
}

extension FractalExpansion.Kept {
    /// Ratings as bytes, if they are; and as floats.
    var byteRatings: [UInt8]? { if case .bytes(let ratings) = ratings { ratings } else { nil } }
    var floatRatings: [Float]? { if case .floats(let ratings) = ratings { ratings } else { nil } }
}
