import Basics
import Torch

/// What a part of a batch uses of the tables that are cut: the rows it names, each once, here as long as it is worked on. All
/// ranks make one at the same time, those without a part too.
struct FetchedVectors {
    private let tables: [SequenceTable]
    /// Of each table, rising.
    private var rows: [[UInt32]] = []
    /// `[rows × width]` of each table, which get gradients.
    private var vectors: [Tensor] = []

    /// Fetches the rows that inputs and candidates name, and gives these the rows' numbers among what was fetched. Without
    /// tables that are cut, it does nothing.
    ///
    /// - Complexity: sends as ``FetchedRows`` does.
    init(of tables: [SequenceTable], _ inputs: inout SequenceInputs, _ candidates: inout [UInt32]) throws {
        self.tables = tables.filter { $0.cut != nil }
        guard let ranks = self.tables.first?.ranks else { return }
        for table in self.tables {
            switch table.numbers {
            case .users:
                var users = inputs.users!.map { UInt32($0) }
                rows.append(Self.number(&users, of: table.rows))
                inputs.users = users.map { Int64($0) }
            case .items, .candidates:
                var items = inputs.items.map { UInt32($0) } + (table.numbers == .candidates ? candidates : [])
                rows.append(Self.number(&items, of: table.rows))
                let count = inputs.items.count
                inputs.items = items[..<count].map { Int64($0) }
                if table.numbers == .candidates { candidates = Array(items[count...]) }
            }
        }
        let fetched = try FetchedRows(rows, of: self.tables.map { $0.cut! }, ranks)
        for (index, table) in self.tables.enumerated() {
            let rows = try Tensor.empty([rows[index].count, table.width])
            fetched.copy(table: index, to: ShardRows(base: try rows.floats(), stride: table.width))
            vectors.append(try rows.requiringGrad())
            table.vectors = rows
        }
    }

    /// Adds the gradients that a backward pass left at the vectors to those of the ranks' shards, in the order of ranks.
    ///
    /// - Complexity: sends as ``RowGradients`` does.
    func sendGradients() throws {
        guard let ranks = tables.first?.ranks else { return }
        try withoutGradients {
            var gradients = try RowGradients(of: rows, tables.map { $0.cut! }, ranks)
            for (index, table) in tables.enumerated() {
                // A table of which a batch uses nothing is changed all the same.
                if try table.own.gradient == nil { try table.own.setGradient(Tensor.zeros(table.own.shape)) }
                guard let sums = try vectors[index].gradient?.contiguous() else { continue }
                gradients.add(table: index, ShardRows(base: try sums.floats(), stride: table.width))
            }
            try gradients.send { shard, rows, gradients in try shard.add(gradients, of: rows) }
        }
    }

    /// Gives rows their numbers among those that are there, which it returns.
    private static func number(_ numbers: inout [UInt32], of rows: Int) -> [UInt32] {
        let touched = TouchedRows(
            FeatureBags("", tableRows: rows, rows: numbers), numbers.indices.map { UInt32($0) })
        for place in touched.rows.indices {
            for sample in touched.starts[place]..<touched.starts[place + 1] {
                numbers[Int(touched.samples[Int(sample)])] = UInt32(place)
            }
        }
        return touched.rows
    }
}
