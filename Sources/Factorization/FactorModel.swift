public import Basics
public import Formats
public import Interactions
public import Kernels
public import Ranking

/// A trained factor model: r̂ = μ + b_u + b_i + p_u·q_i, or p_u·q_i alone where it has no biases.
///
/// For ranking, biases fold into two more dimensions, `[p_u, μ + b_u, 1]` and `[q_i, 1, b_i]`, so that a score is one
/// dot product.
public final class FactorModel: QueryEncoder, Sendable {
    /// `[users × factors]` and `[items × factors]`, biases apart.
    public let userFactors: FactorTable, itemFactors: FactorTable
    /// `[users]`, `[items]` and μ; nil for a model without biases.
    public let biases: Biases?

    public struct Biases: Sendable {
        public let users: [Float]
        public let items: [Float]
        public let mean: Float
    }

    /// Reads the tensors `user_factors`, `item_factors` and, where they are there, `user_biases`, `item_biases`,
    /// `global_mean`.
    ///
    /// - Throws: `failed`, naming the file and the tensor that is missing or has another shape.
    public init(_ file: SafeTensorsFile) throws {
        userFactors = try Self.table("user_factors", of: file)
        itemFactors = try Self.table("item_factors", of: file)
        guard userFactors.width == itemFactors.width else {
            throw StarlingError(
                .failed, "user_factors has \(userFactors.width) columns and item_factors \(itemFactors.width)",
                at: .init(file: file.path))
        }
        guard file.contains("user_biases") else {
            biases = nil
            return
        }
        let (users, items) = (try file.tensor("user_biases"), try file.tensor("item_biases"))
        let mean = try file.tensor("global_mean")
        try users.expect(.float32, shape: [userFactors.rows])
        try items.expect(.float32, shape: [itemFactors.rows])
        try mean.expect(.float32, shape: [])
        biases = Biases(users: try users.floats(), items: try items.floats(), mean: try mean.floats()[0])
    }

    /// k.
    public var factors: Int { userFactors.width }

    /// Floats in a folded vector: k, or k + 2 with biases.
    public var dimensions: Int { factors + (biases == nil ? 0 : 2) }

    public func encode(_ users: [UserRow], into table: borrowing FactorTable) {
        for (position, user) in users.enumerated() { writeUser(user, to: table.row(position)) }
    }

    /// Folded user vectors, `[users × dimensions]`.
    public func foldedUsers() -> FactorTable {
        let table = FactorTable(rows: userFactors.rows, width: dimensions)
        for user in 0..<userFactors.rows { writeUser(UserRow(user), to: table.row(user)) }
        return table
    }

    /// Folded item vectors, `[items × dimensions]`.
    public func foldedItems() -> FactorTable {
        let table = FactorTable(rows: itemFactors.rows, width: dimensions)
        for item in 0..<itemFactors.rows {
            let row = table.row(item)
            _ = row.update(from: itemFactors.row(item))
            if let biases { (row[factors], row[factors + 1]) = (1, biases.items[item]) }
        }
        return table
    }

    /// The tensors that ``init(_:)`` reads.
    public var tensors: [TensorSource] {
        let factors = [rows("user_factors", of: userFactors), rows("item_factors", of: itemFactors)]
        guard let biases else { return factors }
        return factors + [
            TensorSource(name: "user_biases", biases.users), TensorSource(name: "item_biases", biases.items),
            TensorSource(name: "global_mean", [biases.mean], shape: []),
        ]
    }

    private func rows(_ name: String, of table: borrowing FactorTable) -> TensorSource {
        let (base, stride, width, rows) = (table.base, table.stride, table.width, table.rows)
        return TensorSource(name: name, elementType: .float32, shape: [rows, width]) { [self] sink in
            try withExtendedLifetime(self) {
                for row in 0..<rows { try sink(UnsafeRawBufferPointer(start: base + row * stride, count: 4 * width)) }
            }
        }
    }

    private func writeUser(_ user: UserRow, to row: UnsafeMutableBufferPointer<Float>) {
        _ = row.update(from: userFactors.row(user.index))
        if let biases { (row[factors], row[factors + 1]) = (biases.mean + biases.users[user.index], 1) }
    }

    private static func table(_ name: String, of file: SafeTensorsFile) throws -> FactorTable {
        let tensor = try file.tensor(name)
        guard tensor.shape.count == 2, tensor.shape[1] >= 1 else {
            throw StarlingError(.failed, "\(name) is not a matrix", at: .init(file: file.path))
        }
        try tensor.expect(.float32, shape: tensor.shape)
        let table = FactorTable(rows: tensor.shape[0], width: tensor.shape[1])
        let size = table.width * MemoryLayout<Float>.size
        for row in 0..<table.rows {
            UnsafeMutableRawBufferPointer(table.row(row)).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: tensor.bytes[row * size..<(row + 1) * size]))
        }
        return table
    }
}
