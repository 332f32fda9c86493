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
    /// The log of all chunks, in order, and its report: closes gaps, and turns ids into rows.
    ///
    /// - Parameter starts: where each chunk's rows begin.
    /// - Throws: `badData` if no row is left, with that way out.
    mutating func log(
        of chunks: [ParsedChunk], starts: [Int], format: String, files: [String], remedy: String, workers: Workers
    ) throws -> (log: InteractionLog, report: IngestionReport) {
        var tally = RefusalTally()
        for chunk in chunks { tally.add(chunk.tally) }
        let rows = chunks.map(\.rows)
        compact(starts: starts, rows: rows)
        let report = IngestionReport(format: format, files: files, rowsAccepted: count, tally: tally)
        guard count > 0 else {
            let counts = report.refused.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            throw StarlingError(
                .badData,
                tally.total == 0
                    ? "it holds no interaction" : "no row can be read: " + counts.joined(separator: ", "),
                at: .init(file: files[0]), remedy: remedy)
        }
        let (users, items) = withPointers { [count] pointers in
            func vocabulary<Row>(
                _ column: UnsafeMutablePointer<UInt32>, _ sinks: [IDSink], _: Row.Type
            ) -> Vocabulary<Row> {
                let column = UnsafeMutableBufferPointer(start: column, count: count)
                return IDColumn(column: column, workers: workers).vocabulary(sinks, rows: rows)
            }
            return (
                vocabulary(pointers.users, chunks.map(\.users), UserRow.self),
                vocabulary(pointers.items, chunks.map(\.items), ItemRow.self)
            )
        }
        let log = InteractionLog(
            users: users, items: items, userRows: self.users, itemRows: self.items, values: values, times: times)
        return (log, report)
    }
}
