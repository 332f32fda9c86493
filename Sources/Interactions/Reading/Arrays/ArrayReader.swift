import Basics
import Formats
import Kernels

/// Reads NumPy archives of one kind into a log, slice by slice, in parallel. Beyond the log, memory is that of the slices at
/// work; of a compressed archive it is that of its inflated arrays as well.
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
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        let total = tables.reduce(0) { $0 + $1.count * $1.bytesPerRow }
        let parsed = try parsing.run(starts: starts, bytes: total, into: &columns) { index, task in
            let (table, rows) = (tables[slices[index].table], slices[index].rows)
            var parser = ArrayParser(table, output: task.output, users: task.users, items: task.items)
            try parser.parse(rows, skipsBadRows: options.skipsBadRows)
            parser.release(rows)
            _ = try task.goesOn(after: rows.count * table.bytesPerRow)
            return parser.chunk
        }
        return try columns.log(
            of: parsed, starts: starts, format: tables[0].name, files: files.map(\.path),
            remedy: "name arrays with --columns user=…,item=…", workers: workers)
    }
}
