public import Basics
import GRDB
public import Interactions
public import Training

/// A table of an SQLite file, through GRDB.
///
/// Vectors are written in one transaction: `embedding` is a JSON list, which SQLite's `json_each` and every language read.
public struct SQLiteStore: Store {
    private let path: String
    private let table: String

    /// - Parameters:
    ///   - path: the file; made by ``write(_:stamp:cancellation:progress:)`` where it is not there.
    ///   - table: the one to read interactions from.
    public init(_ path: String, table: String = "ratings") { (self.path, self.table) = (path, table) }

    /// `sqlite:PATH[?table=NAME]`.
    /// - Throws: `usage` for anything else.
    init(address: String) throws {
        let parts = address.dropFirst("sqlite:".count).split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var table = "ratings"
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            guard option.hasPrefix("table="), option.count > 6 else {
                throw StarlingError(
                    .usage, "“\(option)” is no option of SQLite", remedy: "write sqlite:FILE?table=NAME")
            }
            table = String(option.dropFirst(6))
        }
        guard let path = parts.first, !path.isEmpty else {
            throw StarlingError(.usage, "the address names no file", remedy: "write sqlite:FILE?table=NAME")
        }
        self.init(String(path), table: table)
    }

    public var location: String { path }
    public var place: String { path }
    public var address: String { "sqlite:\(path)?table=\(table)" }
    public var form: String { "SQLite table “\(table)”" }

    public func columnNames() throws -> [String] {
        try reading { database in
            let names = try database.columns(in: table).map(\.name)
            guard !names.isEmpty else { throw DatabaseError(resultCode: .SQLITE_ERROR, message: "no such table") }
            return names
        }
    }

    public func rows(
        _ columns: NamedColumns, to collector: inout InteractionCollector, cancellation: Cancellation?,
        progress: (Int, Int) -> Void
    ) throws {
        try reading { database in
            let names = [columns.user, columns.item] + [columns.value, columns.time].compactMap(\.self)
            let list = names.map { SQLName.quoted($0) }.joined(separator: ", ")
            let total = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(SQLName.quoted(table))") ?? 0
            let cursor = try Row.fetchCursor(database, sql: "SELECT \(list) FROM \(SQLName.quoted(table))")
            let timeIndex = columns.value == nil ? 2 : 3
            while let row = try cursor.next() {
                // Texts live as long as their row.
                try Self.withCell(row, 0) { user in
                    try Self.withCell(row, 1) { item in
                        try Self.withCell(row, columns.value == nil ? nil : 2) { value in
                            try Self.withCell(row, columns.time == nil ? nil : timeIndex) { time in
                                try collector.add(user: user, item: item, value: value, time: time)
                            }
                        }
                    }
                }
                guard collector.rowCount & 0xFFFF == 0 else { continue }
                if cancellation?.isCancelled == true { throw StarlingError(.interrupted, "reading was stopped") }
                progress(collector.rowCount, total)
            }
        }
    }

    private static func withCell(
        _ row: Row, _ index: Int?, _ body: (InteractionCollector.Cell) throws -> Void
    ) throws {
        guard let index else { return try body(.null) }
        switch (row[index] as DatabaseValue).storage {
        case .null: try body(.null)
        case .int64(let number): try body(.integer(number))
        case .double(let number): try body(.number(number))
        case .string(var text): try text.withUTF8 { try body(.text($0)) }
        case .blob: try body(.other("bytes"))
        }
    }

    public func check(_ tables: [VectorTable]) throws {
        guard Files.kind(path) != nil else { return }
        try reading { database in
            for table in tables where try database.tableExists(table.name) { try prepare(table, database) }
        }
    }

    public func write(
        _ tables: [VectorTable], stamp: RunStamp, cancellation: Cancellation?,
        progress: @Sendable (Int, Int) -> Void
    ) throws -> [String] {
        try guarded {
            var configuration = Configuration()
            configuration.busyMode = .timeout(30)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            let total = tables.reduce(0) { $0 + $1.rowCount }
            var done = 0
            try queue.write { database in
                for table in tables {
                    try prepare(table, database)
                    let (target, id) = (SQLName.quoted(table.name), SQLName.quoted(table.idColumn))
                    let there = try Set(database.columns(in: table.name).map(\.name))
                    let optional = ["bias", "run_id", "exported_at"].filter(there.contains)
                    let names = ([id, "embedding"] + optional).joined(separator: ", ")
                    let marks = [String](repeating: "?", count: 2 + optional.count).joined(separator: ", ")
                    try database.execute(sql: "DELETE FROM \(target)")
                    let insert = try database.makeStatement(sql: "INSERT INTO \(target) (\(names)) VALUES (\(marks))")
                    for row in 0..<table.rowCount {
                        let raw = table.id(row)
                        var values: [DatabaseValue] = [
                            table.hasIntegerIDs ? Int64(raw)!.databaseValue : raw.databaseValue,
                            table.list(row).databaseValue,
                        ]
                        for name in optional {
                            switch name {
                            case "bias": values.append(table.bias.map { Double($0(row)).databaseValue } ?? .null)
                            case "run_id": values.append(stamp.run.databaseValue)
                            default: values.append(stamp.time.databaseValue)
                            }
                        }
                        try insert.execute(arguments: StatementArguments(values))
                        done += 1
                        guard done & 0xFFF == 0 else { continue }
                        if cancellation?.isCancelled == true {
                            throw StarlingError(.interrupted, "the export was stopped; the tables are as they were")
                        }
                        progress(done, total)
                    }
                }
            }
            progress(total, total)
        }
        return []
    }

    /// Makes the table, or sees to it that one that is there can take the vectors.
    private func prepare(_ table: VectorTable, _ database: Database) throws {
        guard try database.tableExists(table.name) else {
            return try database.execute(
                sql: """
                    CREATE TABLE \(SQLName.quoted(table.name)) (\
                    \(SQLName.quoted(table.idColumn)) \(table.hasIntegerIDs ? "INTEGER" : "TEXT") PRIMARY KEY, \
                    embedding TEXT NOT NULL, bias REAL, run_id TEXT, exported_at INTEGER)
                    """)
        }
        let there = try database.columns(in: table.name).map(\.name)
        for name in [table.idColumn, "embedding"] where !there.contains(name) {
            throw StarlingError(
                .badData, "table “\(table.name)” has no column “\(name)”", at: .init(file: path),
                remedy: "add it, export to another table, or drop the table so that it is made anew")
        }
    }

    private func reading<Result>(_ body: (Database) throws -> Result) throws -> Result {
        guard Files.kind(path) == .file else {
            throw StarlingError(.badData, "there is no such file", at: .init(file: path), remedy: "check the path")
        }
        return try guarded {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(30)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read(body)
        }
    }

    /// SQLite's errors as ours.
    private func guarded<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            let message = error.message ?? "SQLite failed"
            let (code, remedy): (StarlingError.Code, String?) =
                switch error.resultCode {
                case .SQLITE_NOTADB, .SQLITE_CORRUPT: (.badData, "name a file of SQLite")
                case .SQLITE_ERROR where message.hasPrefix("no such table"):
                    (.badData, "name another table with ?table=…")
                case .SQLITE_FULL: (.failed, "make room on the disk; the tables are as they were")
                case .SQLITE_BUSY, .SQLITE_LOCKED: (.unavailable, "another program holds the file; try again")
                case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: (.failed, "check path and permissions")
                case .SQLITE_CONSTRAINT: (.badData, "drop the table so that it is made anew")
                default: (.failed, nil)
                }
            let named = message.hasPrefix("no such table") ? "there is no table “\(table)”" : message
            throw StarlingError(code, named, at: .init(file: path), remedy: remedy)
        }
    }
}
