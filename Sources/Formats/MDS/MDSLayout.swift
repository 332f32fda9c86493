/// Where the cells of a sample stand: the sizes of cells of variable size first, then all cells.
struct MDSLayout: Sendable {
    struct Cell: Sendable {
        /// nil for a cell of variable size.
        let size: Int?
        /// Cells of variable size before this one.
        let variablesBefore: Int
        /// Bytes of the cells of fixed size before this one.
        let fixedBefore: Int
    }

    /// One for each column, in order.
    let cells: [Cell]
    let variables: Int
    /// Bytes of all cells of fixed size.
    let fixed: Int

    init(_ columns: [MDSColumn]) {
        var cells: [Cell] = []
        var (variables, fixed) = (0, 0)
        for column in columns {
            let size = column.encoding.size
            cells.append(Cell(size: size, variablesBefore: variables, fixedBefore: fixed))
            if let size { fixed += size } else { variables += 1 }
        }
        (self.cells, self.variables, self.fixed) = (cells, variables, fixed)
    }

    /// Bytes a sample has at least.
    var smallest: Int { 4 * variables + fixed }

    /// Bytes of every sample, if all cells are of fixed size.
    var stride: Int? { variables == 0 ? fixed : nil }
}
