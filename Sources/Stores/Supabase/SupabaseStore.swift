public import Basics
public import Interactions
public import Training

/// A table of a Supabase project, or of any PostgREST, over its REST interface.
///
/// For large tables the project's own PostgreSQL address is better: ``PostgresStore`` reads at the speed of the network.
public struct SupabaseStore: Store {
    private let server: PostgREST
    private let table: String

    /// - Throws: `usage` for an address or key that cannot be one.
    public init(_ settings: SupabaseSettings, table: String) throws {
        try self.init(settings, table: table, address: "supabase:\(table)")
    }

    init(_ settings: SupabaseSettings, table: String, address: String) throws {
        (server, self.table, self.address) = (try PostgREST(settings), table, address)
    }

    public var location: String { server.location(of: table) }
    public var form: String { "Supabase table “\(table)”" }

    public var place: String { server.settings.url }
    public let address: String

    public func columnNames() throws -> [String] {
        let client = SupabaseClient(server, cancellation: nil)
        guard let row = try client.rows(table, [("select", "*"), ("limit", "1")]).first else {
            throw StarlingError(
                .badData, "“\(table)” shows no row", at: .init(file: location),
                remedy:
                    "if it has rows, row-level security hides them from this key: use the service key, or add a policy")
        }
        return row.keys.sorted()
    }

    public func rows(
        _ columns: NamedColumns, to collector: inout InteractionCollector, cancellation: Cancellation?,
        progress: (Int, Int) -> Void
    ) throws {
        let client = SupabaseClient(server, cancellation: cancellation)
        let pages = try KeysetPages(client, table, columns)
        try pages.forEach { rows in
            for row in rows {
                func cell(_ name: String?, _ body: (InteractionCollector.Cell) throws -> Void) throws {
                    switch name.flatMap({ row[$0] }) ?? .null {
                    case .null: try body(.null)
                    case .integer(let number): try body(.integer(Int64(number)))
                    case .number(let number): try body(.number(number))
                    case .string(var text): try text.withUTF8 { try body(.text($0)) }
                    case .bool(let flag): try body(.integer(flag ? 1 : 0))
                    case .array: try body(.other("a list"))
                    case .object: try body(.other("an object"))
                    }
                }
                try cell(columns.user) { user in
                    try cell(columns.item) { item in
                        try cell(columns.value) { value in
                            try cell(columns.time) { try collector.add(user: user, item: item, value: value, time: $0) }
                        }
                    }
                }
            }
            progress(collector.rowCount, max(collector.rowCount, pages.estimate))
        }
    }

    public func check(_ tables: [VectorTable]) throws {
        let client = SupabaseClient(server, cancellation: nil)
        for table in tables { _ = try SupabaseExport(table, RunStamp(run: ""), client) }
    }

    public func write(
        _ tables: [VectorTable], stamp: RunStamp, cancellation: Cancellation?,
        progress: @Sendable (Int, Int) -> Void
    ) throws -> [String] {
        let client = SupabaseClient(server, cancellation: cancellation)
        let total = tables.reduce(0) { $0 + $1.rowCount }
        // What is wrong with one table is found before the other is touched.
        let exports = try tables.map { try SupabaseExport($0, stamp, client) }
        var (before, notices) = (0, [String]())
        for (table, export) in zip(tables, exports) {
            notices += try export.run { [before] in progress(before + $0, total) }
            before += table.rowCount
        }
        return notices
    }
}
