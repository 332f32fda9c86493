import Basics
import Formats
import Kernels

/// Reads NumPy archives of one kind into a log, slice by slice, in parallel. Beyond the log, memory is that of the slices at
/// work; of a compressed archive it is that of its inflated arrays as well. Several ranks each read some slices, of a compressed
/// archive or a sparse matrix one rank all.
struct ArrayReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    /// Rows a slice. The result does not depend on it.
    let sliceSize: Int
    let ranks: any Communicator

    /// Whether a file is a ZIP archive, of which NPZ is one kind.
    static func reads(_ file: MappedFile) -> Bool {
        file.bytes.starts(with: [0x50, 0x4B, 3, 4]) || file.bytes.starts(with: [0x50, 0x4B, 5, 6])
    }

    func read(_ files: [MappedFile]) throws -> (log: InteractionLog, report: IngestionReport) {
        let (outlines, tables, slices) = try ranks.together { try open(files) }
        var columns = LogColumns(
            capacity: max(1, slices.count), hasValues: outlines[0].hasValues, hasTimes: outlines[0].hasTimes)
        let parsed = try ranks.together { try parse(tables, slices, &columns) }
        return try columns.log(
            of: parsed, starts: slices.starts, format: outlines[0].name, files: files.map(\.path),
            remedy: "name arrays with --columns user=…,item=…", workers: workers, ranks: ranks)
    }

    /// What the files hold, which slices are this rank's, and the tables that they are of.
    private func open(
        _ files: [MappedFile]
    ) throws -> (outlines: [ArrayOutline], tables: [Int: ArrayTable], slices: TableSlices) {
        let outlines = try Self.outlines(of: files, options)
        let slices = try TableSlices(of: outlines.map { $0.slices(of: sliceSize) }, file: files[0].path)
            .share(of: ranks)
        var tables: [Int: ArrayTable] = [:]
        for table in slices.tables { tables[table] = try ArrayTable(files[table], outlines[table], workers: workers) }
        return (outlines, tables, slices.cut(to: sliceSize))
    }

    /// - Throws: `badData` naming the first file whose arrays are not those of the first.
    static func outlines(of files: [MappedFile], _ options: ReadingOptions) throws -> [ArrayOutline] {
        let outlines = try files.map { try ArrayOutline($0, options) }
        for (file, outline) in zip(files, outlines) where !outline.isLike(outlines[0]) {
            throw StarlingError(
                .badData, "its arrays are not those of \(files[0].path)", at: .init(file: file.path),
                remedy: "read files of different form one by one")
        }
        return outlines
    }

    private func parse(
        _ tables: [Int: ArrayTable], _ slices: TableSlices, _ columns: inout LogColumns
    ) throws -> [ParsedChunk] {
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        let total = slices.slices.reduce(0) { $0 + $1.rows.count * tables[$1.table]!.bytesPerRow }
        return try parsing.run(starts: slices.starts, bytes: total, into: &columns) { index, task in
            let slice = slices.slices[index]
            let (table, rows) = (tables[slice.table]!, slice.rows)
            var parser = ArrayParser(table, output: task.output, users: task.users, items: task.items)
            try parser.parse(rows, skipsBadRows: options.skipsBadRows)
            parser.release(rows)
            _ = try task.goesOn(after: rows.count * table.bytesPerRow)
            return parser.chunk
        }
    }
}
