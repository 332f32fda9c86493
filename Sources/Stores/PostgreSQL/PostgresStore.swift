public import Basics
public import Interactions
public import Training

/// A PostgreSQL database, through libpq: any of its addresses and TLS modes.
///
/// Ratings come by one binary `COPY`; vectors go by a binary `COPY` into a temporary table and from there, in the same
/// transaction, into the target. A connection that is lost leaves everything as it was.
public struct PostgresStore: Store {
    private let connection: PostgresAddress
    private let table: String

    /// - Parameter location: `postgres://USER@HOST/DATABASE?table=ratings`, with any other parameter of libpq's; without `table`
    ///   ratings are read from `ratings`.
    /// - Throws: `usage` for what is no such address.
    public init(_ location: String) throws {
        connection = try PostgresAddress(location)
        table = connection.table ?? "ratings"
    }

    public var location: String { connection.shown }
    public var place: String { String(connection.shown.prefix { $0 != "?" }) }
    public var address: String { connection.shown }
    public var form: String { "PostgreSQL table “\(table)”" }

    public func columnNames() throws -> [String] { try PostgresColumn.all(of: table, connect(), location).map(\.name) }

    public func rows(
        _ columns: NamedColumns, to collector: inout InteractionCollector, cancellation: Cancellation?,
        progress: (Int, Int) -> Void
    ) throws {
        let connection = try connect()
        let there = try PostgresColumn.all(of: table, connection, location)
        func column(_ name: String) throws -> PostgresColumn {
            guard let found = there.first(where: { $0.name == name }) else {
                throw StarlingError(.badData, "column “\(name)” is there no more", at: .init(file: location))
            }
            return found
        }
        let (user, item) = (try column(columns.user).asID, try column(columns.item).asID)
        let value = try columns.value.map { try column($0).asValue(location) }
        let time = try columns.time.map { try column($0).asTime(location) }
        let wanted = [user, item] + [value, time].compactMap(\.self)
        let estimate = try connection.run(
            "SELECT greatest(reltuples, 0)::int8 FROM pg_class WHERE oid = to_regclass($1)", [SQLName.table(table)])
        let total = estimate.first?.first.flatMap(\.self).flatMap { Int($0) } ?? 0
        var (reader, done) = (BinaryRows.Reader(), 0)
        try connection.copyOut(
            "COPY (SELECT \(wanted.map(\.expression).joined(separator: ", ")) FROM \(SQLName.table(table))) TO STDOUT (FORMAT binary)"
        ) { piece in
            try reader.take(piece) { fields in
                let (userCell, itemCell) = (try user.cell(&fields), try item.cell(&fields))
                let valueCell = try value?.cell(&fields) ?? .null
                try collector.add(user: userCell, item: itemCell, value: valueCell, time: time?.cell(&fields) ?? .null)
                done += 1
                guard done & 0xFFF == 0 else { return }
                if cancellation?.isCancelled == true { throw StarlingError(.interrupted, "reading was stopped") }
                progress(done, max(done, total))
            }
        }
        if done == 0 { try explainEmptiness(connection) }
    }

    /// A table that shows no row may hide them.
    private func explainEmptiness(_ connection: PostgresConnection) throws {
        let hidden = try connection.run(
            "SELECT current_user WHERE row_security_active(to_regclass($1))", [SQLName.table(table)])
        guard let role = hidden.first?.first.flatMap(\.self) else { return }
        throw StarlingError(
            .unavailable, "row-level security shows role “\(role)” no row of “\(table)”", at: .init(file: location),
            remedy: "give it a policy for SELECT, or connect as a role that bypasses row-level security")
    }

    public func check(_ tables: [VectorTable]) throws {
        let connection = try connect()
        for table in tables { try PostgresExport(table, RunStamp(run: ""), location).check(connection) }
    }

    public func write(
        _ tables: [VectorTable], stamp: RunStamp, cancellation: Cancellation?,
        progress: @Sendable (Int, Int) -> Void
    ) throws -> [String] {
        let connection = try connect()
        let total = tables.reduce(0) { $0 + $1.rowCount }
        var before = 0
        try connection.transaction {
            for table in tables {
                try PostgresExport(table, stamp, location).run(on: connection) { done in
                    if cancellation?.isCancelled == true {
                        throw StarlingError(.interrupted, "the export was stopped; the tables are as they were")
                    }
                    progress(before + done, total)
                }
                before += table.rowCount
            }
        }
        return []
    }

    private func connect() throws -> PostgresConnection { try PostgresConnection(connection) }
}
