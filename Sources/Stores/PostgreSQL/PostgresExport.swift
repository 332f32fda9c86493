import Basics
import Training

/// One table of vectors on its way into PostgreSQL, inside a transaction.
///
/// A table that is not there is made: the id as primary key, `embedding` as `vector(k)` where pgvector is installed, with an HNSW
/// index for inner products, else as `real[]`; `bias`, `run_id`, `exported_at`. One that is there keeps its form, its other columns,
/// grants and policies: `embedding` may be `vector`, `halfvec`, an array of floats, `json`, `jsonb` or text; the last three columns
/// are filled where they are.
struct PostgresExport {
    private let vectors: VectorTable
    private let stamp: RunStamp
    private let location: String

    init(_ vectors: VectorTable, _ stamp: RunStamp, _ location: String) {
        (self.vectors, self.stamp, self.location) = (vectors, stamp, location)
    }

    private var target: String { SQLName.table(vectors.name) }
    private var id: String { SQLName.quoted(vectors.idColumn) }
    private let staging = "pg_temp.starling_staging"

    func run(on connection: PostgresConnection, progress: (Int) throws -> Void) throws {
        if try connection.run("SELECT 1 WHERE to_regclass($1) IS NOT NULL", [target]).isEmpty {
            let hasVector = try !connection.run("SELECT 1 WHERE to_regtype('vector') IS NOT NULL").isEmpty
            for statement in Self.creation(vectors, vector: hasVector) { try connection.run(statement) }
        }
        // Another export waits until this one is done.
        try connection.run("LOCK TABLE \(target) IN SHARE ROW EXCLUSIVE MODE")
        let columns = try PostgresColumn.all(of: vectors.name, connection, location)
        let idType = vectors.hasIntegerIDs ? "int8" : "text"
        try connection.run(
            "CREATE TEMPORARY TABLE starling_staging (id \(idType), embedding real[], bias real) ON COMMIT DROP")
        try connection.copyIn("COPY \(staging) FROM STDIN (FORMAT binary)") { put in
            var writer = BinaryRows.Writer()
            func send() throws {
                try writer.bytes.withUnsafeBytes { try put($0) }
                writer.removeAll()
            }
            for row in 0..<vectors.rowCount {
                writer.begin(fields: 3)
                if vectors.hasIntegerIDs { writer.add(Int64(vectors.id(row))!) } else { writer.add(vectors.id(row)) }
                writer.add(vectors.vector(row))
                writer.add(vectors.bias?(row))
                if writer.bytes.count > 1 << 18 {
                    try send()
                    try progress(row + 1)
                }
            }
            writer.end()
            try send()
        }
        let isUnique = try !connection.run(
            """
            SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
            WHERE indrelid = to_regclass($1) AND attname = $2 AND indisunique AND indnkeyatts = 1 AND indpred IS NULL
            """, [target, vectors.idColumn]
        ).isEmpty
        for statement in try statements(columns, isUnique: isUnique) { try connection.run(statement) }
        let count = try connection.run("SELECT count(*) FROM \(target)")[0][0] ?? ""
        guard count == String(vectors.rowCount) else {
            throw StarlingError(
                .badData,
                "“\(vectors.name)” would hold \(count) rows for \(vectors.rowCount) vectors, so that nothing was changed",
                at: .init(file: location),
                remedy:
                    "a policy may keep rows from being deleted, or the type of \(vectors.idColumn) may not tell ids apart"
            )
        }
        try connection.run("DROP TABLE \(staging)")
        try progress(vectors.rowCount)
    }

    /// Sees to it that a table that is there can take the vectors.
    func check(_ connection: PostgresConnection) throws {
        guard try !connection.run("SELECT 1 WHERE to_regclass($1) IS NOT NULL", [target]).isEmpty else { return }
        _ = try statements(PostgresColumn.all(of: vectors.name, connection, location), isUnique: true)
    }

    /// What makes the table.
    static func creation(_ vectors: VectorTable, vector: Bool) -> [String] {
        let (target, id) = (SQLName.table(vectors.name), SQLName.quoted(vectors.idColumn))
        // pgvector indexes up to 2,000 dimensions.
        let isIndexed = vector && vectors.width <= 2000
        return [
            """
            CREATE TABLE \(target) (\(id) \(vectors.hasIntegerIDs ? "bigint" : "text") PRIMARY KEY, \
            embedding \(vector ? "vector(\(vectors.width))" : "real[]") NOT NULL, bias real, run_id text, \
            exported_at timestamptz)
            """
        ] + (isIndexed ? ["CREATE INDEX ON \(target) USING hnsw (embedding vector_ip_ops)"] : [])
    }

    /// What brings the staged rows into the table, and takes others out.
    private func statements(_ columns: [PostgresColumn], isUnique: Bool) throws -> [String] {
        func column(_ name: String) throws -> PostgresColumn {
            guard let found = columns.first(where: { $0.name == name }) else {
                throw StarlingError(
                    .badData, "table “\(vectors.name)” has no column “\(name)”", at: .init(file: location),
                    remedy: "add it, export to another table, or drop the table so that it is made anew")
            }
            return found
        }
        let type = try column(vectors.idColumn).type
        // An explicit cast would cut texts that are too long.
        let cast = type.hasPrefix("character") ? "" : "::\(type)"
        var values = [(id, "id\(cast)")]
        values.append(("embedding", try expression(for: column("embedding"))))
        for (name, text) in [
            ("bias", "bias"), ("run_id", "'\(stamp.run)'"), ("exported_at", "to_timestamp(\(stamp.time))"),
        ] where columns.contains(where: { $0.name == name }) {
            values.append((name, text))
        }
        let names = values.map(\.0).joined(separator: ", ")
        let insert =
            "INSERT INTO \(target) (\(names)) SELECT \(values.map(\.1).joined(separator: ", ")) FROM \(staging)"
        guard isUnique else { return ["DELETE FROM \(target)", insert] }
        let updates = values.dropFirst().map { "\($0.0) = excluded.\($0.0)" }.joined(separator: ", ")
        return [
            insert + " ON CONFLICT (\(id)) DO UPDATE SET " + updates,
            "DELETE FROM \(target) t WHERE NOT EXISTS (SELECT 1 FROM \(staging) s WHERE s.id\(cast.isEmpty ? "::text" : cast) = t.\(id))",
        ]
    }

    /// The staged vector in the column's type.
    private func expression(for column: PostgresColumn) throws -> String {
        switch column.type {
        case let type where type.hasPrefix("vector") || type.hasPrefix("halfvec"):
            guard hasWidth(type) else {
                throw StarlingError(
                    .badData,
                    "column “embedding” of “\(vectors.name)” is \(type), the run's vectors have \(vectors.width)",
                    at: .init(file: location), remedy: "train with as many factors, or export to another table")
            }
            return "embedding::\(type)"
        case "real[]": return "embedding"
        case "double precision[]", "numeric[]": return "embedding::\(column.type)"
        case "json": return "to_json(embedding)"
        case "jsonb": return "to_jsonb(embedding)"
        case "text",
            _ where column.type.hasPrefix("character varying"):
            return "to_json(embedding)::text"
        default:
            throw StarlingError(
                .badData, "column “embedding” of “\(vectors.name)” is \(column.type)", at: .init(file: location),
                remedy: "make it vector(\(vectors.width)), real[], jsonb or text")
        }
    }

    /// Whether a type without a length, or with this one, holds the vectors.
    private func hasWidth(_ type: String) -> Bool {
        guard let open = type.firstIndex(of: "(") else { return true }
        return Int(type[open...].dropFirst().dropLast()) == vectors.width
    }
}
