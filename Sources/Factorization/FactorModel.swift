import Basics
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
    /// The samples that a Bayesian model is made of; nil for others.
    public let posterior: PosteriorSamples?
    private let itemBiasColumn: FloatColumn?

    public struct Biases: Sendable {
        public let users: [Float]
        public let items: [Float]
        public let mean: Float
    }

    /// Reads the tensors `user_factors`, `item_factors` and, where they are there, `user_biases`, `item_biases`,
    /// `global_mean`.
    ///
    /// - Throws: `failed`, naming the file and the tensor that is missing or has another shape.
    public convenience init(_ file: SafeTensorsFile) throws {
        let posterior =
            file.contains(PosteriorSamples.marker)
            ? try PosteriorSamples(file, items: file.tensor("item_factors").shape.first ?? 0) : nil
        try self.init(file.path, hasBiases: file.contains("user_biases"), posterior) { name in
            let tensor = try file.tensor(name)
            return (try tensor.expect(.float32, shape: tensor.shape).floats(), tensor.shape)
        }
    }

    /// The same of tensors on their way out, such as a trainer's weights; ``posterior`` is left out.
    public convenience init(_ tensors: [TensorSource]) throws {
        let named = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        try self.init("weights", hasBiases: named["user_biases"] != nil, nil) { name in
            guard let tensor = named[name], tensor.elementType == .float32 else {
                throw StarlingError(.failed, "the weights have no tensor “\(name)” of 32-bit floats")
            }
            var values: [Float] = []
            values.reserveCapacity(tensor.byteCount / MemoryLayout<Float>.size)
            try tensor.emit { bytes in
                for place in stride(from: 0, to: bytes.count, by: MemoryLayout<Float>.size) {
                    values.append(bytes.loadUnaligned(fromByteOffset: place, as: Float.self))
                }
            }
            return (values, tensor.shape)
        }
    }

    private init(
        _ source: String, hasBiases: Bool, _ posterior: PosteriorSamples?,
        _ tensor: (String) throws -> (values: [Float], shape: [Int])
    ) throws {
        let (users, items) = (try tensor("user_factors"), try tensor("item_factors"))
        guard users.shape.count == 2, items.shape.count == 2, users.shape[1] == items.shape[1], users.shape[1] >= 1
        else {
            throw StarlingError(
                .failed, "user_factors \(users.shape) and item_factors \(items.shape) do not go together",
                at: .init(file: source))
        }
        guard posterior.map({ $0.count >= 1 && users.shape[1] == $0.count * ($0.priors[0].mean.count - 1) }) ?? true
        else {
            throw StarlingError(.failed, "the samples do not go with the factors", at: .init(file: source))
        }
        self.posterior = posterior
        userFactors = Self.table(users.values, shape: users.shape)
        itemFactors = Self.table(items.values, shape: items.shape)
        guard hasBiases else {
            biases = nil
            itemBiasColumn = nil
            return
        }
        let found = Biases(
            users: try tensor("user_biases").values, items: try tensor("item_biases").values,
            mean: try tensor("global_mean").values.first ?? .nan)
        guard found.users.count == users.shape[0], found.items.count == items.shape[0], found.mean.isFinite else {
            throw StarlingError(.failed, "the biases do not go with the factors", at: .init(file: source))
        }
        biases = found
        let column = FloatColumn(count: found.items.count)
        column.base.update(from: found.items, count: found.items.count)
        itemBiasColumn = column
    }

    /// ``Biases/items`` where kernels may read them.
    var itemBiases: UnsafePointer<Float>? { itemBiasColumn.map { UnsafePointer($0.base) } }

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

    /// The tensors that ``init(_:)`` reads, ``posterior`` apart.
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

    private static func table(_ values: [Float], shape: [Int]) -> FactorTable {
        let table = FactorTable(rows: shape[0], width: shape[1])
        values.withUnsafeBufferPointer { values in
            for row in 0..<shape[0] { _ = table.row(row).update(from: values[row * shape[1]..<(row + 1) * shape[1]]) }
        }
        return table
    }
}
