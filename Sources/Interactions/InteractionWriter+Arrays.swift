public import Basics
import Formats
public import Kernels

extension InteractionWriter {
    /// How NumPy archives hold interactions.
    public enum ArrayForm: Sendable {
        /// Arrays `users` and `items`, and `values` (float32) and `times` (int64) where the log has them. Ids are int64
        /// where all are whole numbers, text otherwise.
        case columns
        /// One array of int64, `[n × 2]`: user and item a row, in the order of the log. Ids must be whole numbers of 0 or
        /// more; values and times are left out.
        case pairs
        /// What `scipy.sparse.load_npz` opens: a CSR matrix of float32, users × items, whose row and column numbers are
        /// the ids, which must be whole numbers of 0 or more. A pair that stands several times has an entry each time;
        /// times are left out.
        case sparse
    }

    /// Writes a NumPy archive (`.npz`) that the reader takes back, whole or not at all; pairs also as a single array, if the
    /// name ends in `.npy`.
    ///
    /// - Parameter compressed: deflates it, as `numpy.savez_compressed` does.
    /// - Throws: `badData` for ids that the form cannot hold; `usage` for an `.npy` of another form, or compressed.
    /// - Complexity: O(interactions). Columns and pairs are streamed; `sparse` makes the matrix first.
    public static func writeArrays(
        _ log: InteractionLog, as form: ArrayForm, to path: String, compressed: Bool = false,
        workers: Workers = Workers(), cancellation: Cancellation? = nil, progress: Progress? = nil
    ) throws {
        let arrays = try arrays(of: log, as: form, for: path, workers)
        let total = max(1, arrays.reduce(0) { $0 + $1.byteCount })
        var done = 0
        let observed = arrays.map { array in
            array.observed { bytes in
                if cancellation?.isCancelled == true {
                    throw StarlingError(.interrupted, "stopped while writing \(path)")
                }
                done += bytes
                progress?(Int(Double(done) / Double(total) * Double(log.count)), log.count)
            }
        }
        guard path.lowercased().hasSuffix(".npy") else {
            return try NPZ.write(observed, to: path, compressed: compressed)
        }
        guard form == .pairs, !compressed else {
            throw StarlingError(
                .usage, "an .npy file holds one array, and not compressed", at: .init(file: path),
                remedy: "write an .npz, or pairs without compression")
        }
        try NPY.write(observed[0], to: path)
    }

    private static func arrays(
        of log: InteractionLog, as form: ArrayForm, for path: String, _ workers: Workers
    ) throws -> [NPYSource] {
        switch form {
        case .columns: return columns(log)
        case .pairs:
            let users = try numbers(log.users.ids, UserRow.noun, form)
            let items = try numbers(log.items.ids, ItemRow.noun, form)
            let pairs = TensorSource(name: "arr_0", elementType: .int64, shape: [log.count, 2]) { sink in
                try emit(2 * log.count, sink) { place in
                    place % 2 == 0 ? users[Int(log.userRows[place / 2])] : items[Int(log.itemRows[place / 2])]
                }
            }
            return [NPYSource(pairs)]
        case .sparse:
            let users = try numbers(log.users.ids, UserRow.noun, form)
            let items = try numbers(log.items.ids, ItemRow.noun, form)
            let matrix = SparseSource(log.userMatrix(workers: workers), rows: users, columns: items)
            return try matrix.arrays(for: path)
        }
    }

    private static func columns(_ log: InteractionLog) -> [NPYSource] {
        func column<Row>(_ name: String, _ vocabulary: Vocabulary<Row>, _ rows: [UInt32]) -> NPYSource {
            switch vocabulary.ids {
            case .integers(let ids):
                NPYSource(
                    TensorSource(name: name, elementType: .int64, shape: [rows.count]) { sink in
                        try emit(rows.count, sink) { ids[Int(rows[$0])] }
                    })
            case .strings:
                NPYSource(name: name, strings: rows.lazy.map { vocabulary.ids[Int($0)] })
            }
        }
        var arrays = [column("users", log.users, log.userRows), column("items", log.items, log.itemRows)]
        if let values = log.values { arrays.append(NPYSource(TensorSource(name: "values", values))) }
        if let times = log.times { arrays.append(NPYSource(TensorSource(name: "times", times))) }
        return arrays
    }

    static func numbers<Row>(_ ids: Vocabulary<Row>.IDs, _ noun: String, _ form: ArrayForm) throws -> [Int64] {
        if case .integers(let numbers) = ids, numbers.allSatisfy({ $0 >= 0 }) { return numbers }
        throw StarlingError(
            .badData, "the ids of some \(noun)s are not whole numbers of 0 or more, which \(form) need",
            remedy: "write them as columns, which hold text as well")
    }

    /// Hands numbers over in blocks.
    static func emit<Number: BitwiseCopyable>(
        _ count: Int, _ sink: (UnsafeRawBufferPointer) throws -> Void, _ number: (Int) -> Number
    ) throws {
        let size = 1 << 16
        for start in stride(from: 0, to: count, by: size) {
            try (start..<min(count, start + size)).map(number).withUnsafeBytes(sink)
        }
    }
}

/// A CSR matrix on its way into the archive that SciPy reads, its rows and columns renumbered.
private struct SparseSource {
    private let matrix: InteractionMatrix<UserRow, ItemRow>
    private let rows: [Int64]
    private let columns: [Int64]

    /// - Parameters:
    ///   - rows: the number of each row in the file.
    ///   - columns: the number of each column in the file.
    init(_ matrix: InteractionMatrix<UserRow, ItemRow>, rows: [Int64], columns: [Int64]) {
        (self.matrix, self.rows, self.columns) = (matrix, rows, columns)
    }

    /// In SciPy's order and types.
    func arrays(for path: String) throws -> [NPYSource] {
        let shape = [(rows.max() ?? -1) + 1, (columns.max() ?? -1) + 1]
        let entries = matrix.entryCount
        guard shape[0] <= Int64(1 << 20 + 64 * entries) else {
            throw StarlingError(
                .badData,
                "the greatest user id is \(shape[0] - 1): a matrix of so many rows for \(entries) interactions is mostly empty",
                at: .init(file: path), remedy: "write columns or pairs")
        }
        let isNarrow = max(Int64(entries), shape.max()!) <= Int64(Int32.max)
        func integers(_ name: String, _ count: Int, _ number: @escaping (Int) -> Int64) -> NPYSource {
            let type: ElementType = isNarrow ? .int32 : .int64
            return NPYSource(
                TensorSource(name: name, elementType: type, shape: [count]) { sink in
                    if isNarrow {
                        try InteractionWriter.emit(count, sink) { Int32(number($0)) }
                    } else {
                        try InteractionWriter.emit(count, sink, number)
                    }
                })
        }
        // Rows of the matrix by rising number, and the entries before each.
        let order = rows.indices.sorted { rows[$0] < rows[$1] }
        var sizes = [Int64](repeating: 0, count: Int(shape[0]) + 1)
        for row in order { sizes[Int(rows[row]) + 1] = Int64(matrix.offsets[row + 1] - matrix.offsets[row]) }
        for number in sizes.indices.dropFirst() { sizes[number] += sizes[number - 1] }
        let offsets = sizes
        let isSorted = zip(order, order.dropFirst()).allSatisfy { $0 < $1 }
        // Rows stand in the file by number; where the matrix has them otherwise, entries are looked up.
        let places = isSorted ? nil : order.flatMap { matrix.offsets[$0]..<matrix.offsets[$0 + 1] }
        func place(_ entry: Int) -> Int { places?[entry] ?? entry }
        return [
            integers("indices", entries) { columns[Int(matrix.columns[place($0)])] },
            integers("indptr", offsets.count) { offsets[$0] },
            NPYSource(name: "format", strings: ["csr"], shape: []),
            NPYSource(TensorSource(name: "shape", shape)),
            NPYSource(
                TensorSource(name: "data", elementType: .float32, shape: [entries]) { sink in
                    try InteractionWriter.emit(entries, sink) { matrix.values?[place($0)] ?? 1 }
                }),
        ]
    }
}
