package import Kernels

extension FractalExpansion {
    /// Rows and columns of the factor, evenly spread, whose blocks together are expected to keep about `limit` interactions; all of
    /// them where the whole is no larger.
    package func sample(limit: Int) -> (rows: [Int], columns: [Int]) {
        let share = min(1, (Double(limit) / max(1, expected)).squareRoot())
        func spread(_ count: Int) -> [Int] {
            let chosen = max(1, Int((share * Double(count)).rounded(.down)))
            return (0..<chosen).map { (2 * $0 + 1) * count / (2 * chosen) }
        }
        return (spread(factor.rows), spread(factor.columns))
    }

    /// What the result has in some rows and columns of blocks.
    ///
    /// - Complexity: O(kept), and what it takes to make each block; all in memory.
    package func matrix(
        rows chosenRows: [Int], columns chosenColumns: [Int], workers: Workers
    ) -> InteractionMatrix<UserRow, ItemRow> {
        let chosen = chosenRows.flatMap { row in chosenColumns.map { row * factor.columns + $0 } }
        let wanted = Set(chosen)
        let pieces = pieces().filter { wanted.contains(Int($0.block)) }
        let scratch = (0..<workers.count).map { _ in Scratch(self) }
        var made = [Kept?](repeating: nil, count: pieces.count)
        made.withUnsafeMutableBufferPointer { made in
            workers.forEach(pieces.count) { index, worker in made[index] = make(pieces[index], scratch[worker]) }
        }
        // Where the users and items of a row or column of blocks begin.
        var (userStarts, itemStarts) = (
            [Int](repeating: 0, count: factor.rows), [Int](repeating: 0, count: factor.columns)
        )
        for (place, row) in chosenRows.enumerated() { userStarts[row] = (place - row) * source.rowCount }
        for (place, column) in chosenColumns.enumerated() { itemStarts[column] = (place - column) * source.columnCount }
        var offsets = [Int](repeating: 0, count: chosenRows.count * source.rowCount + 1)
        for (piece, kept) in zip(pieces, made) {
            let start = userStarts[Int(piece.block) / factor.columns]
            for user in kept!.users { offsets[Int(user) + start + 1] += 1 }
        }
        for row in 1..<offsets.count { offsets[row] += offsets[row - 1] }
        var next = offsets
        var columns = [UInt32](repeating: 0, count: offsets.last!)
        for (piece, kept) in zip(pieces, made) {
            let (row, column) = Int(piece.block).quotientAndRemainder(dividingBy: factor.columns)
            for (user, item) in zip(kept!.users, kept!.items) {
                let place = Int(user) + userStarts[row]
                columns[next[place]] = UInt32(Int(item) + itemStarts[column])
                next[place] += 1
            }
        }
        for row in 1..<offsets.count { columns[offsets[row - 1]..<offsets[row]].sort() }
        return InteractionMatrix(
            offsets: offsets, columns: columns, values: nil, columnCount: chosenColumns.count * source.columnCount)
    }
}
