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
        let slices = try TableSlices(
            of: tables.map { LineGrid.cuts(0..<$0.count, size: sliceSize) }, file: files[0].path)
        var columns = LogColumns(
            capacity: slices.count, hasValues: tables[0].values != nil, hasTimes: tables[0].times != nil)
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        let total = tables.reduce(0) { $0 + $1.count * $1.bytesPerRow }
        let parsed = try parsing.run(starts: slices.starts, bytes: total, into: &columns) { index, task in
            let slice = slices.slices[index]
            let (table, rows) = (tables[slice.table], slice.rows)
            var parser = ArrayParser(table, output: task.output, users: task.users, items: task.items)
            try parser.parse(rows, skipsBadRows: options.skipsBadRows)
            parser.release(rows)
            _ = try task.goesOn(after: rows.count * table.bytesPerRow)
            return parser.chunk
        }
        return try columns.log(
            of: parsed, starts: slices.starts, format: tables[0].name, files: files.map(\.path),
            remedy: "name arrays with --columns user=…,item=…", workers: workers)
    }
}
