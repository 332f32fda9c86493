public import Basics
public import Kernels

/// Interactions that lie elsewhere as rows of a table, such as a database's, and come one after another.
///
/// ```swift
/// let loaded = try InteractionReader.read(SQLiteStore("ratings.db", table: "ratings"), options: .init(), workers: Workers())
/// ```
public protocol InteractionSource {
    /// Where they lie, for messages and the report: without secrets.
    var location: String { get }
    /// What it is, for the report: `PostgreSQL table`.
    var form: String { get }

    /// The names of its columns.
    /// - Throws: `badData` for a table that is not there, `unavailable` for a server that is not.
    func columnNames() throws -> [String]

    /// Hands over all rows.
    ///
    /// - Parameters:
    ///   - progress: to be called now and then with the rows that were handed over and how many there may be.
    /// - Throws: what the collector throws; `unavailable` if the source is lost on the way; `interrupted`.
    func rows(
        _ columns: NamedColumns, to collector: inout InteractionCollector, cancellation: Cancellation?,
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws
}

extension InteractionReader {
    /// Reads interactions from a source of rows, in one pass: beyond the log, memory is that of a part of its columns and of
    /// whatever the source holds. Of several ranks the first reads, and all have the log.
    ///
    /// - Throws: `badData` that names the first row that cannot be read; what the source throws; otherwise as the other forms.
    public static func read(
        _ source: some InteractionSource, options: ReadingOptions, workers: Workers, cancellation: Cancellation? = nil,
        progress: ((_ rowsDone: Int, _ rowsTotal: Int) -> Void)? = nil, ranks: any Communicator = OneRank()
    ) throws -> LoadedInteractions {
        guard options.separator == nil, options.fraction == 1 else {
            throw StarlingError(
                .usage, "--separator and --fraction have no meaning for a table", at: .init(file: source.location),
                remedy: "leave them out")
        }
        return try load(source.location, options, workers) {
            var (rows, format) = try ranks.together {
                ranks.rank == 0 ? try collect(source, options, cancellation, progress) : (CollectedRows(nil), "")
            }
            return try rows.log(
                format: format, location: source.location,
                remedy: "check that the table has rows and that you may read them", workers: workers, ranks: ranks)
        }
    }

    private static func collect(
        _ source: some InteractionSource, _ options: ReadingOptions, _ cancellation: Cancellation?,
        _ progress: ((Int, Int) -> Void)?
    ) throws -> (rows: CollectedRows, format: String) {
        let columns = try NamedColumns(
            source.columnNames(), options.columns,
            of: .init(
                path: source.location, noun: "column", whole: "table",
                remedy: "name columns user_id, item_id, rating, time", times: ["created_at"]))
        var collector = InteractionCollector(source.location, columns, skipsBadRows: options.skipsBadRows)
        try source.rows(columns, to: &collector, cancellation: cancellation, progress: progress ?? { _, _ in })
        return (collector.rows, "\(source.form): \(columns.description)")
    }
}
