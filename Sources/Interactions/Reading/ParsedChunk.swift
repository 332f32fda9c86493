import Basics
import Kernels

/// What a chunk of a source came to. Its rows stand in the columns from the chunk's start on.
struct ParsedChunk: Sendable {
    var rows = 0
    var tally = RefusalTally()
    var users: IDSink
    var items: IDSink
}

extension LogColumns {
    /// The log of all chunks of all ranks, in order, and its report: closes gaps, turns ids into rows and joins the ranks' parts.
    ///
    /// - Parameters:
    ///   - chunks: of this rank; none is fine where another has some.
    ///   - starts: where each chunk's rows begin.
    ///   - ranks: all call this.
    /// - Throws: `badData` if no row is left, with that way out; on all ranks the same.
    mutating func log(
        of chunks: [ParsedChunk], starts: [Int], format: String, files: [String], remedy: String, workers: Workers,
        ranks: any Communicator
    ) throws -> (log: InteractionLog, report: IngestionReport) {
        var tally = RefusalTally()
        for chunk in chunks { tally.add(chunk.tally) }
        let rows = chunks.map(\.rows)
        compact(starts: starts, rows: rows)
        let joining = RankJoining(ranks: ranks, workers: workers)
        let report = try joining.report(
            IngestionReport(format: format, files: files, rowsAccepted: count, tally: tally), &self)
        guard report.rowsKept > 0 else {
            let counts = report.refused.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            throw StarlingError(
                .badData,
                counts.isEmpty
                    ? "it holds no interaction" : "no row can be read: " + counts.joined(separator: ", "),
                at: .init(file: files[0]), remedy: remedy)
        }
        func vocabulary<Row>(_ column: inout [UInt32], _ sinks: [IDSink]) throws -> Vocabulary<Row> {
            let own: Vocabulary<Row>.IDs =
                column.isEmpty
                ? .integers([])
                : column.withUnsafeMutableBufferPointer {
                    IDColumn(column: $0, workers: workers).ids(sinks, rows: rows)
                }
            return Vocabulary(try joining.ids(own, of: &column))
        }
        let users: Vocabulary<UserRow> = try vocabulary(&self.users, chunks.map(\.users))
        let items: Vocabulary<ItemRow> = try vocabulary(&self.items, chunks.map(\.items))
        try joining.gather(&self)
        let log = InteractionLog(
            users: users, items: items, userRows: self.users, itemRows: self.items, values: values, times: times)
        return (log, report)
    }
}
