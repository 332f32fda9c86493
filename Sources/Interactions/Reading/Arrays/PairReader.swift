import Basics
import Formats
import Kernels
import Synchronization

/// Reads NumPy archives that each hold one array of pairs, `[n × 2]`: a user and an item a row, as the generator of the
/// synthetic MovieLens sets (“x16x32”) writes them with `numpy.savez_compressed`.
///
/// A file is read from front to back, inflated through a window, by one thread; several files in parallel. So nothing
/// but the log and a window a thread is in memory, and there is never a second copy of the pairs.
///
/// As ``TextReader`` does, it takes ids for small integers first, and begins again with a column's ids interned where they
/// are not.
struct PairReader {
    let options: ReadingOptions
    let workers: Workers
    let cancellation: Cancellation?
    let progress: ((Int, Int) -> Void)?
    /// Pairs a window. The result does not depend on it.
    let windowSize: Int

    /// Whether a NumPy archive holds pairs: one array of two axes, or one without elements, which is what NumPy makes of
    /// no pairs.
    static func reads(_ file: MappedFile, _ options: ReadingOptions) throws -> Bool {
        guard options.columns == nil else { return false }
        let archive = try NPZFile(file)
        guard archive.names.count == 1 else { return false }
        let stream = try archive.stream(archive.names[0])
        return stream.shape.count == 2 || stream.shape == [0]
    }

    func read(_ files: [MappedFile]) throws -> (log: InteractionLog, report: IngestionReport) {
        guard options.separator == nil else {
            throw StarlingError(
                .usage, "--separator has no meaning for arrays", at: .init(file: files[0].path), remedy: "leave it out")
        }
        let tables = try files.map { try PairTable($0) }
        var starts: [Int] = []
        var capacity = 0
        for table in tables {
            starts.append(capacity)
            capacity += table.count
        }
        guard capacity > 0 else {
            throw StarlingError(
                .badData, "its arrays hold no interactions", at: .init(file: files[0].path),
                remedy: "name a file that holds interactions")
        }
        var columns = LogColumns(capacity: capacity, hasValues: false, hasTimes: false)
        let parsed = try parse(tables, starts, &columns)
        return try columns.log(
            of: parsed, starts: starts, format: "NumPy arrays of pairs: user, item", files: files.map(\.path),
            remedy: "correct the arrays", workers: workers)
    }

    private func parse(_ tables: [PairTable], _ starts: [Int], _ columns: inout LogColumns) throws -> [ParsedChunk] {
        var (internsUsers, internsItems) = (false, false)
        let total = tables.reduce(0) { $0 + $1.byteCount }
        while true {
            let metTextUsers = Atomic<Bool>(false)
            let metTextItems = Atomic<Bool>(false)
            let done = Atomic<Int>(0)
            var parsed = [ParsedChunk?](repeating: nil, count: tables.count)
            let outcome = Result {
                try columns.withPointers { pointers in
                    try parsed.withUnsafeMutableBufferPointer { parsed in
                        try workers.forEach(tables.count) { index, worker in
                            var parser = PairParser(
                                tables[index], output: pointers.advanced(by: starts[index]),
                                users: IDSink(isInterning: internsUsers), items: IDSink(isInterning: internsItems))
                            defer { parsed[index] = parser.chunk }
                            try parser.parse(window: windowSize, skipsBadRows: options.skipsBadRows) { bytes in
                                if let cancellation, cancellation.isCancelled {
                                    throw StarlingError(.interrupted, "reading was stopped")
                                }
                                let sum = done.add(bytes, ordering: .relaxed).newValue
                                if worker == 0 { progress?(sum, total) }
                                return !metTextUsers.load(ordering: .relaxed) && !metTextItems.load(ordering: .relaxed)
                            }
                            if parser.users.hasMetText { metTextUsers.store(true, ordering: .relaxed) }
                            if parser.items.hasMetText { metTextItems.store(true, ordering: .relaxed) }
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
