import CKernels
import Formats
import Kernels
import Torch

/// A table of vectors, or a shard of one, with the optimiser's state, trained by kernels of our own: gradients stay sparse,
/// and a row is summed and changed in one pass.
final class EmbeddingTable: TableShard {
    let name: String
    /// `[rows × width]`
    let table: FactorTable
    private let optimizer: EmbeddingOptimizer
    /// `[rows]`; see ``sk_embed``.
    let rowState: FloatColumn
    /// `[rows × stride]` or `[rows × 2·stride]`; one row where it is not used.
    let state: FactorTable
    private let isa: InstructionSet

    /// - Parameters:
    ///   - rows: those of the whole table that this one has.
    ///   - columns: likewise, of `width`. nil is all.
    init(
        _ name: String, rows: Range<Int>, columns: Range<Int>? = nil, width: Int, _ optimizer: EmbeddingOptimizer,
        seed: UInt64, index: UInt64, isa: InstructionSet
    ) {
        (self.name, self.optimizer, self.isa) = (name, optimizer, isa)
        table = Self.initial(rows: rows, columns: columns ?? 0..<width, width: width, seed: seed, index: index)
        rowState = FloatColumn(count: rows.count)
        let floats = optimizer.stateWidth(stride: table.stride)
        state = floats > 0 ? FactorTable(rows: rows.count, width: floats) : FactorTable(rows: 1, width: 1)
    }

    /// Rows uniform within ±1/√width, each of a random stream of its own: whichever part of a table is made, its numbers are
    /// those of the whole.
    static func initial(
        rows: Range<Int>, columns: Range<Int>, width: Int, seed: UInt64, index: UInt64
    ) -> FactorTable {
        let table = FactorTable(rows: rows.count, width: columns.count)
        let bound = Float(1 / Double(width).squareRoot())
        for row in rows {
            var random = RandomStream(
                seed: seed, .initialisation, index: index, counter: UInt64(row) * UInt64(width + 1))
            for column in 0..<columns.upperBound {
                let value = (2 * Float(random.uniform()) - 1) * bound
                if column >= columns.lowerBound { table[row - rows.lowerBound, column - columns.lowerBound] = value }
            }
        }
        return table
    }

    /// Writes the mean of each bag's rows to `out`, `outStride` floats apart.
    func pool(
        _ bags: FeatureBags, _ entities: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<Float>,
        _ outStride: Int
    ) {
        Self.pool(table, bags, entities, into: out, outStride, isa)
    }

    /// The same of any table of vectors.
    static func pool(
        _ table: borrowing FactorTable, _ bags: FeatureBags, _ entities: UnsafeBufferPointer<UInt32>,
        into out: UnsafeMutablePointer<Float>, _ outStride: Int, _ isa: InstructionSet
    ) {
        let (base, stride, width) = (table.base, table.stride, table.width)
        func pool(_ offsets: UnsafePointer<UInt64>?) {
            sk_embed_pool(
                base, stride, width, offsets, bags.values, entities.baseAddress, entities.count, out, outStride,
                isa.rawValue)
        }
        if let offsets = bags.offsets { offsets.withUnsafeBufferPointer { pool($0.baseAddress) } } else { pool(nil) }
    }

    /// Changes rows by the gradients of pooled vectors: `gradients` + i·`stride` is that of sample i.
    func update(
        _ touched: TouchedRows, _ gradients: UnsafePointer<Float>, _ gradientStride: Int, on library: TorchLibrary
    ) throws {
        var embed = sk_embed(
            kind: optimizer.kernel, rate: Float(optimizer.learningRate), epsilon: Float(optimizer.epsilon),
            beta1: 0.9, beta2: 0.999, width: table.width, stride: table.stride, table: table.base, rows: rowState.base,
            state: state.base)
        let stride = table.stride
        try withUnsafePointer(to: &embed) { embed in
            nonisolated(unsafe) let embed = embed
            try library.parallel(touched.rows.count) { part in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: stride) { sum in
                    sk_embed_update(
                        embed, touched.rows, touched.starts, part.lowerBound, part.upperBound, touched.samples,
                        touched.weights, gradients, gradientStride, sum.baseAddress!, isa.rawValue)
                }
            }
        }
    }

    var vectors: ShardRows { ShardRows(base: table.base, stride: table.stride) }

    /// The vectors; a part of the model.
    func weights(_ prefix: String) -> TensorSource { source(prefix + name, table) }

    /// The optimiser's state.
    func optimizerState(_ prefix: String) -> [TensorSource] {
        let rows = TensorSource(
            name: prefix + name + ".rows", elementType: .float32, shape: [rowState.count],
            emit: { [self] sink in try sink(UnsafeRawBufferPointer(start: rowState.base, count: 4 * rowState.count)) })
        return (optimizer.hasRowState ? [rows] : [])
            + (hasState ? [source(prefix + name + optimizer.stateName, state)] : [])
    }

    func restore(_ prefix: String, weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        try fill(table, from: weights.tensor(prefix + name))
        if optimizer.hasRowState { try fillRows(from: file.tensor(prefix + name + ".rows")) }
        if hasState { try fill(state, from: file.tensor(prefix + name + optimizer.stateName)) }
    }

    private var hasState: Bool { optimizer.stateWidth(stride: table.stride) > 0 }

    private func source(_ name: String, _ table: borrowing FactorTable) -> TensorSource {
        let (base, stride, width, rows) = (table.base, table.stride, table.width, table.rows)
        return TensorSource(name: name, elementType: .float32, shape: [rows, width]) { [self] sink in
            try withExtendedLifetime(self) {
                for row in 0..<rows { try sink(UnsafeRawBufferPointer(start: base + row * stride, count: 4 * width)) }
            }
        }
    }

    private func fill(_ table: borrowing FactorTable, from tensor: TensorView) throws {
        let values = try tensor.expect(.float32, shape: [table.rows, table.width]).floats()
        values.withUnsafeBufferPointer { values in
            for row in 0..<table.rows {
                _ = table.row(row).update(from: values[row * table.width..<(row + 1) * table.width])
            }
        }
    }

    private func fillRows(from tensor: TensorView) throws {
        let stored = try StoredRowStates(tensor, rows: rowState.count)
        for row in 0..<rowState.count { rowState.base[row] = stored.mean(row) }
    }

    /// Of vectors and state in memory.
    var bytes: Int { 4 * (table.rows * table.stride + rowState.count + (hasState ? state.rows * state.stride : 0)) }
}

/// What a checkpoint holds of a whole table's rows, where it lies: one list, or one of each shard of columns.
struct StoredRowStates {
    let shards: Int
    private let rows: Int
    private let tensor: TensorView

    init(_ tensor: TensorView, rows: Int) throws {
        shards = tensor.shape.count == 2 ? tensor.shape[0] : 1
        self.rows = rows
        self.tensor = try tensor.expect(.float32, shape: tensor.shape.count == 2 ? [shards, rows] : [rows])
    }

    subscript(shard: Int, row: Int) -> Float {
        tensor.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * (shard * rows + row), as: Float.self) }
    }

    /// Of lists for shards of columns: what it would be of rows that are not cut.
    func mean(_ row: Int) -> Float { (0..<shards).reduce(Float(0)) { $0 + self[$1, row] } / Float(shards) }
}
