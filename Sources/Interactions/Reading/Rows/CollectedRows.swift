import Basics
import Kernels

/// Rows that came one after another, or batch by batch, until they are a log.
struct CollectedRows {
    var users = CollectedIDs()
    var items = CollectedIDs()
    var values = PartedColumn<Float>()
    var times = PartedColumn<Int64>()
    var tally = RefusalTally()
    let hasValues, hasTimes: Bool

    /// - Parameter columns: nil where another rank collects the rows.
    init(_ columns: NamedColumns?) { (hasValues, hasTimes) = (columns?.value != nil, columns?.time != nil) }

    /// The log of the rows of all ranks; they are forgotten here.
    ///
    /// - Throws: as ``LogColumns/log(of:starts:format:files:remedy:workers:ranks:)``.
    mutating func log(
        format: String, location: String, remedy: String, workers: Workers, ranks: any Communicator
    ) throws -> (log: InteractionLog, report: IngestionReport) {
        let count = users.column.count
        var columns = LogColumns(capacity: count, hasValues: hasValues, hasTimes: hasTimes)
        users.column.move(to: &columns.users)
        items.column.move(to: &columns.items)
        if hasValues { values.move(to: &columns.values!) }
        if hasTimes { times.move(to: &columns.times!) }
        let chunk = ParsedChunk(rows: count, tally: tally, users: users.sink, items: items.sink)
        return try columns.log(
            of: [chunk], starts: [0], format: format, files: [location], remedy: remedy, workers: workers, ranks: ranks)
    }
}
