import Torch

// Changes of some rows of a table, on any device.
extension Tensor {
    private static let addRows = TorchOperator("aten::index_add_")
    private static let copyRows = TorchOperator("aten::index_copy_")
    private static let root = TorchOperator("aten::sqrt")

    /// Adds `parts` `[n × …]`, times a factor, to the rows `[n]` (any may come again), and gives itself.
    @discardableResult
    func addToRows(_ rows: Tensor, _ parts: Tensor, times factor: Double = 1) throws -> Tensor {
        try Self.addRows.call(
            [.tensor(self), .integer(0), .tensor(rows), .tensor(parts)], named: ["alpha": .number(factor)])
        return self
    }

    /// Sets the rows `[n]` (int64), each once.
    func setRows(_ rows: Tensor, _ values: Tensor) throws {
        try Self.copyRows.call([.tensor(self), .integer(0), .tensor(rows), .tensor(values)])
    }

    func squareRoot() throws -> Tensor { try Self.root.tensor(.tensor(self)) }
}
