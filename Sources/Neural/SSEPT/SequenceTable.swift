import Basics
import Formats
import Kernels
package import Torch

/// Vectors of users or items in a network: all of them here, or cut among ranks. Of a table that is cut, a rank trains its
/// shard, and lookups are of the rows that were fetched for its part of a batch, under their numbers there
/// (``FetchedVectors``). Gradients are dense, as those of a table that is here: each step changes every row.
package final class SequenceTable: Module {
    /// Whose numbers a batch has for it.
    enum Numbers {
        /// Users of its histories.
        case users
        /// Items that go in.
        case items
        /// The same, and those that are to come next, with what is drawn against them.
        case candidates
    }

    let name: String
    let rows, width: Int
    let numbers: Numbers
    let ranks: any Communicator
    /// What this rank trains: `[rows × width]`, or of a table that is cut its shard, of no rows where it has none.
    let own: Tensor
    /// nil where all of it is here.
    let cut: ShardedTable<TensorShard>?
    /// What lookups are of.
    var vectors: Tensor

    private static let lookup = TorchOperator("aten::embedding")

    /// Zeros.
    ///
    /// - Parameter plan: of a table of this name for as many ranks; nil, and one that is data-parallel, leave it whole.
    init(
        _ name: String, rows: Int, width: Int, _ numbers: Numbers, _ plan: EmbeddingShardingPlan?,
        _ ranks: any Communicator, on device: Device
    ) throws {
        (self.name, self.rows, self.width, self.numbers, self.ranks) = (name, rows, width, numbers, ranks)
        let plan = plan?.tables.first { $0.name == name && $0.kind != .dataParallel && ranks.size > 1 }
        let cut = try plan.map { try ShardedTable($0, ranks) { try TensorShard($0) } }
        self.cut = cut
        own =
            cut == nil
            ? try Tensor.zeros([rows, width], on: device).requiringGrad()
            : try cut!.shards.lazy.compactMap(\.own).first?.tensor ?? Tensor.zeros([0, width]).requiringGrad()
        vectors = own
    }

    package var parameters: [(name: String, tensor: Tensor)] { [("weight", own)] }

    /// The vectors of rows, `[count × width]`; where these are nil, the average of all: of people who were not in training.
    func callAsFunction(_ rows: [Int64]?, _ count: Int) throws -> Tensor {
        let device = vectors.device
        if let rows { return try Self.lookup.tensor(.tensor(vectors), .tensor(.indices(rows, on: device))) }
        precondition(cut == nil, "an average of a table that is cut")
        let mean = try vectors.sum(axes: [0], keepingAxes: true).multiplied(by: 1 / Double(self.rows))
        return try Tensor.full([count, 1], 1, on: device).multiplied(by: mean)
    }

    /// All vectors, on every rank; all make it at the same time.
    ///
    /// - Complexity: of a table that is cut, sends this rank's shard to each of the others.
    func all() throws -> FactorTable {
        guard cut != nil else { return try own.table() }
        let all = FactorTable(rows: rows, width: width)
        try forEachPart(of: 1 << 16) { first, part in
            for row in 0..<part.rows { _ = all.row(first + row).update(from: part.row(row)) }
        }
        return all
    }

    /// The same, so many rows at a time.
    func forEachPart(of rows: Int, _ body: (_ first: Int, borrowing FactorTable) throws -> Void) throws {
        guard let cut else { return try body(0, own.table()) }
        for first in stride(from: 0, to: self.rows, by: rows) {
            let some = first..<min(self.rows, first + rows)
            let part = FactorTable(rows: some.count, width: width)
            try FetchedRows([some.map { UInt32($0) }], of: [cut], ranks)
                .copy(table: 0, to: ShardRows(base: part.base, stride: part.stride))
            try body(first, part)
        }
    }

    /// Normal numbers of the table's own random stream, whatever of it is here.
    func fillNormal(deviation: Double, seed: UInt64, index: UInt64) throws {
        guard let cut else { return try own.fillNormal(deviation: deviation, seed: seed, index: index) }
        guard let shard = cut.shards.first(where: { $0.own != nil }) else { return }
        var random = RandomStream(seed: seed, .initialisation, index: index)
        let (vectors, columns) = (shard.own!.vectors, shard.cut.columns)
        for row in 0..<shard.cut.rows.upperBound {
            for column in 0..<width {
                let value = Float(deviation * random.normal())
                guard shard.cut.rows.contains(row), columns.contains(column) else { continue }
                vectors.base[(row - shard.cut.rows.lowerBound) * vectors.stride + column - columns.lowerBound] = value
            }
        }
    }
}

/// A rank's part of a table: a tensor `[rows × columns]` that an optimiser changes like any other.
final class TensorShard: TableShard {
    let tensor: Tensor
    let vectors: ShardRows

    /// Zeros.
    init(_ cut: EmbeddingShardingPlan.Shard) throws {
        tensor = try Tensor.zeros([cut.rows.count, cut.columns.count]).requiringGrad()
        vectors = ShardRows(base: try tensor.floats(), stride: cut.columns.count)
    }

    /// Adds parts of rows' gradients, `[rows × columns]`, to the shard's; a row may come again.
    func add(_ gradients: [Float], of rows: [UInt32]) throws {
        let columns = vectors.stride
        try tensor.gradient!.withMemory(as: Float.self) { sums in
            for (index, row) in rows.enumerated() {
                for column in 0..<columns { sums[Int(row) * columns + column] += gradients[index * columns + column] }
            }
        }
    }
}
