import Basics
import Formats
import Kernels
import Synchronization

/// Reads NumPy archives of one kind into a log, slice by slice, in parallel. Beyond the log, memory is that of the slices at
/// work; of a compressed archive it is that of its inflated arrays as well.
///
/// As ``TextReader`` does, it takes ids for small integers first, and begins again with a column's ids interned where they
/// are not.
struct ArrayReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    /// Rows a slice. The result does not depend on it.
    let sliceSize: Int

    private struct Slice {
        let table: Int
        let rows: Range<Int>
    }

    /// Whether a file is a ZIP archive, of which NPZ is one kind.
    static func reads(_ file: MappedFile) -> Bool {
        file.bytes.starts(with: [0x50, 0x4B, 3, 4]) || file.bytes.starts(with: [0x50, 0x4B, 5, 6])
    }

    func read(_ files: [MappedFile]) throws -> (log: InteractionLog, report: IngestionReport) {
        let tables = try files.map { try ArrayTable($0, options, workers: workers) }
        for table in tables.dropFirst() where !table.isLike(tables[0]) {
            throw StarlingError(
                .badData, "its arrays are not those of \(tables[0].file)", at: .init(file: table.file),
                remedy: "read files of different form one by one")
        }
        var slices: [Slice] = []
        var starts: [Int] = []
        var capacity = 0
        for (index, table) in tables.enumerated() {
            for rows in LineGrid.cuts(0..<table.count, size: sliceSize) {
                slices.append(Slice(table: index, rows: rows))
                starts.append(capacity)
                capacity += rows.count
            }
        }
        guard capacity > 0 else {
            throw StarlingError(
                .badData, "its arrays hold no interactions", at: .init(file: files[0].path),
                remedy: "name a file that holds interactions")
        }
        var columns = LogColumns(
            capacity: capacity, hasValues: tables[0].values != nil, hasTimes: tables[0].times != nil)
        let parsed = try parse(tables, slices, starts, &columns)
        return try columns.log(
            of: parsed, starts: starts, format: tables[0].name, files: files.map(\.path),
            remedy: "name arrays with --columns user=…,item=…", workers: workers)
    }

    private func parse(
        _ tables: [ArrayTable], _ slices: [Slice], _ starts: [Int], _ columns: inout LogColumns
    ) throws -> [ParsedChunk] {
        var (internsUsers, internsItems) = (false, false)
        let total = tables.reduce(0) { $0 + $1.count * $1.bytesPerRow }
        while true {
            let metTextUsers = Atomic<Bool>(false)
            let metTextItems = Atomic<Bool>(false)
            let done = Atomic<Int>(0)
            var parsed = [ParsedChunk?](repeating: nil, count: slices.count)
            let outcome = Result {
                try columns.withPointers { pointers in
                    try parsed.withUnsafeMutableBufferPointer { parsed in
                        try workers.forEach(slices.count) { index, worker in
                            if let cancellation, cancellation.isCancelled {
                                throw StarlingError(.interrupted, "reading was stopped")
                            }
                            let (table, rows) = (tables[slices[index].table], slices[index].rows)
                            var parser = ArrayParser(
                                table, output: pointers.advanced(by: starts[index]),
                                users: IDSink(isInterning: internsUsers), items: IDSink(isInterning: internsItems))
                            defer { parsed[index] = parser.chunk }
                            if metTextUsers.load(ordering: .relaxed) || metTextItems.load(ordering: .relaxed) { return }
                            try parser.parse(rows, skipsBadRows: options.skipsBadRows)
                            if parser.users.hasMetText { metTextUsers.store(true, ordering: .relaxed) }
                            if parser.items.hasMetText { metTextItems.store(true, ordering: .relaxed) }
                            parser.release(rows)
                            let bytes = done.add(rows.count * table.bytesPerRow, ordering: .relaxed).newValue
                            if worker == 0 { progress?(bytes, total) }
                        }
                    }
                }
            }
            let (users, items) = (metTextUsers.load(ordering: .relaxed), metTextItems.load(ordering: .relaxed))
            if !users && !items {
                try outcome.get()
                progress?(total, total)
                return parsed.map { $0! }
            }
            if let cancellation, cancellation.isCancelled { try outcome.get() }
            (internsUsers, internsItems) = (internsUsers || users, internsItems || items)
        }
    }
}
