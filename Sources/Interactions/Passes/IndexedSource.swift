package import Basics
import Formats
package import Kernels

/// A source that is gone through in passes, with the vocabularies of its ids.
package final class IndexedSource: Sendable {
    let source: PassableSource
    private let tables: [any PassedTable]
    /// Where each table's interactions begin, and the end.
    private let starts: [Int]
    package let users: Vocabulary<UserRow>
    package let items: Vocabulary<ItemRow>
    private let userRows: RowLookup
    private let itemRows: RowLookup
    /// How reading went.
    package let report: IngestionReport

    /// Goes through the source for its ids: the vocabularies are those of ``InteractionReader``.
    ///
    /// - Parameter progress: called now and then on the calling thread, with interactions.
    /// - Throws: `badData` for what ``InteractionReader`` refuses, and for ids that are no whole numbers below 2³² − 1; `interrupted`
    ///   when cancelled.
    /// - Complexity: O(bytes), of which stored arrays and hashes of shards are compared with their checksums. In memory are a slice
    ///   a thread, a bit an id and the result.
    package convenience init(
        _ source: PassableSource, workers: Workers, cancellation: Cancellation? = nil,
        progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws {
        let watch = Stopwatch()
        let (users, items) = (IDMarks(), IDMarks())
        let buffers = source.buffers(workers)
        let told = PassProgress(total: source.count, cancellation: cancellation, progress: progress)
        let tables = try source.openTables(verifying: true, workers) { tables, units in
            try workers.forEach(units.count) { index, worker in
                for rows in LineGrid.cuts(units[index].rows, size: source.sliceSize) {
                    let columns = buffers[worker].columns
                    let table = units[index].table
                    let chunk = try tables[table].parse(rows, into: columns)
                    try source.requireNumbers(chunk, table)
                    users.mark(columns.users, count: rows.count, greatest: chunk.users.greatest)
                    items.mark(columns.items, count: rows.count, greatest: chunk.items.greatest)
                    try told.advance(by: rows.count, worker)
                }
            }
        }
        told.finish()
        let (userIDs, itemIDs) = (users.ids, items.ids)
        self.init(
            source, tables, Vocabulary(.integers(userIDs.map { Int64($0) })),
            Vocabulary(.integers(itemIDs.map { Int64($0) })), RowLookup(userIDs), RowLookup(itemIDs), watch.seconds)
    }

    /// The same for a source whose vocabularies are known. Nothing is compared with checksums: that it is the source shows its
    /// fingerprint.
    ///
    /// - Throws: `badData` if these are no vocabularies of such a source.
    package convenience init(
        _ source: PassableSource, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>, workers: Workers
    ) throws {
        guard let userRows = RowLookup(users), let itemRows = RowLookup(items) else { throw source.changed(0) }
        let tables = try source.openTables(verifying: false, workers) { _, _ in }
        self.init(source, tables, users, items, userRows, itemRows, 0)
    }

    private init(
        _ source: PassableSource, _ tables: [any PassedTable], _ users: Vocabulary<UserRow>,
        _ items: Vocabulary<ItemRow>, _ userRows: RowLookup, _ itemRows: RowLookup, _ seconds: Double
    ) {
        (self.source, self.tables, self.users, self.items) = (source, tables, users, items)
        (self.userRows, self.itemRows) = (userRows, itemRows)
        starts = source.counts.reduce(into: [0]) { $0.append($0.last! + $1) }
        var report = IngestionReport(
            format: source.format, files: source.files, rowsAccepted: source.count, tally: RefusalTally())
        (report.users, report.items, report.seconds) = (users.count, items.count, seconds)
        self.report = report
    }

    /// Interactions.
    package var count: Int { source.count }
    package var hasValues: Bool { source.hasValues }
    package var hasTimes: Bool { source.hasTimes }

    /// Bytes of the tables by which ids find their rows, and of a slice a thread.
    package func memory(workers: Workers) -> Int {
        userRows.size + itemRows.size + workers.count * source.bufferSize
    }

    /// Reads a stretch of the log into columns, as rows of the vocabularies.
    ///
    /// - Throws: `badData` if the source is not what it was.
    func read(_ range: Range<Int>, into columns: ColumnPointers) throws {
        var table = starts.partitioningIndex { $0 > range.lowerBound } - 1
        var next = range.lowerBound
        while next < range.upperBound {
            let end = min(range.upperBound, starts[table + 1])
            let rows = next - starts[table]..<end - starts[table]
            let chunk = try tables[table].parse(rows, into: columns.advanced(by: next - range.lowerBound))
            guard !chunk.users.hasMetText, !chunk.items.hasMetText else { throw source.changed(table) }
            next = end
            table += 1
        }
        guard userRows.replace(columns.users, count: range.count) == nil,
            itemRows.replace(columns.items, count: range.count) == nil
        else { throw source.changed(starts.partitioningIndex { $0 > range.lowerBound } - 1) }
    }
}

extension PassableSource {
    /// Bytes of a slice.
    var bufferSize: Int { min(sliceSize, count) * (8 + (hasValues ? 4 : 0) + (hasTimes ? 8 : 0)) }

    /// Room for a slice a thread.
    func buffers(_ workers: Workers) -> [SliceBuffer] {
        (0..<workers.count).map { _ in
            SliceBuffer(capacity: min(sliceSize, count), hasValues: hasValues, hasTimes: hasTimes)
        }
    }

    /// Opens the files, compared with their checksums if so wished, some at a time, and calls `body` for these: stretches of them
    /// that can be read in parallel.
    fileprivate func openTables(
        verifying: Bool, _ workers: Workers,
        _ body: (_ tables: [any PassedTable], _ units: [(table: Int, rows: Range<Int>)]) throws -> Void
    ) throws -> [any PassedTable] {
        if case .shards(let folder, let roles) = content {
            let shards = try OpenShards(
                folder, verifying: verifying && folder.verifiesHashes, most: workers.count + 1)
            let tables = counts.indices.map { ShardTable(shards: shards, number: $0, roles: roles) }
            // A shard is opened by whom reads it.
            try body(tables, counts.enumerated().map { ($0.offset, 0..<$0.element) })
            return tables
        }
        var tables: [any PassedTable] = []
        var units: [(table: Int, rows: Range<Int>)] = []
        for number in counts.indices {
            switch content {
            case .pairs(let files):
                tables.append(try PairTable(files[number], verifying: verifying).checked(by: workers))
            case .arrays(let files, let outlines):
                tables.append(
                    try ArrayTable(files[number], outlines[number], verifying: verifying, workers: workers))
            case .shards: preconditionFailure("shards are no arrays")
            }
            units += LineGrid.cuts(0..<counts[number], size: sliceSize).map { (number, $0) }
            // What was compared with a checksum is read while the system still has it.
            if units.count >= 8 * workers.count || number == counts.count - 1 {
                try body(tables, units)
                units = []
            }
        }
        return tables
    }

    /// - Throws: `badData` for ids that are texts or beyond 32 bits.
    fileprivate func requireNumbers(_ chunk: ParsedChunk, _ table: Int) throws {
        for (noun, sink) in [("user", chunk.users), ("item", chunk.items)] {
            guard let id = sink.firstText else { continue }
            throw StarlingError(
                .badData,
                "the \(noun) id “\(id)” is no whole number below \(Numerals.grouped(Int(UInt32.max))), and data that is gone through "
                    + "in passes is numbered in 32 bits", at: .init(file: name(table)),
                remedy: "number users and items from 0 on, or train where memory holds the data")
        }
    }

    /// What is thrown when a pass finds something else than the ones before it.
    func changed(_ table: Int) -> StarlingError {
        StarlingError(
            .badData, "the data has changed since it was first gone through", at: .init(file: name(table)),
            remedy: "start again, with data that stays as it is")
    }

    private func name(_ table: Int) -> String { files.count == counts.count ? files[table] : files[0] }
}

/// Columns of a slice, which are written again and again.
final class SliceBuffer {
    let columns: ColumnPointers

    init(capacity: Int, hasValues: Bool, hasTimes: Bool) {
        columns = ColumnPointers(
            users: .allocate(capacity: capacity), items: .allocate(capacity: capacity),
            values: hasValues ? .allocate(capacity: capacity) : nil,
            times: hasTimes ? .allocate(capacity: capacity) : nil)
    }

    deinit {
        columns.users.deallocate()
        columns.items.deallocate()
        columns.values?.deallocate()
        columns.times?.deallocate()
    }
}
