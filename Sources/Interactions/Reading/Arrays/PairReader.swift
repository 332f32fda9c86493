import Basics
import Formats
import Kernels

/// Reads NumPy files that each hold one array of pairs, `[n × 2]`: a user and an item a row, as the generator of the
/// synthetic MovieLens sets (“x16x32”) writes them with `numpy.savez_compressed`; `.npz`, stored or compressed, and `.npy`.
///
/// Arrays that are not compressed are read where they lie, slice by slice, in parallel. A compressed one is read from front to
/// back, inflated through a window, by one thread; several of them in parallel. So nothing but the log and a window a thread
/// is in memory, and there is never a second copy of the pairs. Several ranks each read some slices, so of a compressed array one
/// rank all.
struct PairReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    /// Pairs a window. The result does not depend on it.
    let windowSize: Int
    let ranks: any Communicator

    static let format = "NumPy arrays of pairs: user, item"

    /// Whether a file holds pairs: it is one array, or an archive of one array, of two axes or without elements, which is
    /// what NumPy makes of no pairs.
    static func reads(_ file: MappedFile, _ options: ReadingOptions) throws -> Bool {
        if NPYView.reads(file) { return true }
        guard ArrayReader.reads(file), options.columns == nil else { return false }
        let archive = try NPZFile(file)
        guard archive.names.count == 1 else { return false }
        let stream = try archive.stream(archive.names[0])
        return stream.shape.count == 2 || stream.shape == [0]
    }

    func read(_ files: [MappedFile]) throws -> (log: InteractionLog, report: IngestionReport) {
        let (tables, slices) = try ranks.together { try open(files) }
        var columns = LogColumns(capacity: max(1, slices.count), hasValues: false, hasTimes: false)
        let parsed = try ranks.together { try parse(tables, slices, &columns) }
        return try columns.log(
            of: parsed, starts: slices.starts, format: Self.format, files: files.map(\.path),
            remedy: "correct the arrays", workers: workers, ranks: ranks)
    }

    /// The slices that are this rank's, and the tables that they are of.
    private func open(_ files: [MappedFile]) throws -> (tables: [Int: PairTable], slices: TableSlices) {
        let heads = try Self.heads(of: files, options)
        let slices = try TableSlices(of: heads.map { $0.slices(of: 16 * windowSize) }, file: files[0].path)
            .share(of: ranks)
        var tables: [Int: PairTable] = [:]
        for table in slices.tables { tables[table] = try heads[table].checked(by: workers) }
        return (tables, slices)
    }

    /// - Parameter verifying: compare arrays that are not compressed with their checksums before they are read.
    /// - Throws: `usage` for options that do not fit; `badData` for a file that holds no pairs.
    static func heads(of files: [MappedFile], _ options: ReadingOptions, verifying: Bool = true) throws -> [PairTable] {
        for (option, isGiven) in [("separator", options.separator != nil), ("columns", options.columns != nil)] {
            guard !isGiven else {
                throw StarlingError(
                    .usage, "--\(option) has no meaning for arrays of pairs", at: .init(file: files[0].path),
                    remedy: "leave it out")
            }
        }
        return try files.map { try PairTable($0, verifying: verifying) }
    }

    private func parse(
        _ tables: [Int: PairTable], _ slices: TableSlices, _ columns: inout LogColumns
    ) throws -> [ParsedChunk] {
        let parsing = ChunkedParsing(workers: workers, cancellation: cancellation, progress: progress)
        let total = slices.slices.reduce(0) { $0 + $1.rows.count * 2 * tables[$1.table]!.type.size }
        return try parsing.run(starts: slices.starts, bytes: total, into: &columns) { index, task in
            let slice = slices.slices[index]
            let table = tables[slice.table]!
            var parser = PairParser(table, output: task.output, users: task.users, items: task.items)
            try table.forEachWindow(of: slice.rows, size: windowSize) { rows, pairs in
                try parser.parse(rows, pairs, skipsBadRows: options.skipsBadRows)
                return try !parser.hasMetText && task.goesOn(after: rows.count * 2 * table.type.size)
            }
            return parser.chunk
        }
    }
}
