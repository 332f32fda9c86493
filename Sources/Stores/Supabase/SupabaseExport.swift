import Basics
import Interactions
import Kernels
import Remote
import Synchronization
import Training

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One table of vectors on its way into a Supabase table, which must be there.
///
/// Rows are upserted in batches, several at once, and rows of others are removed in the end. REST has no transaction over
/// requests: until then readers may see rows of two runs, which the column `run_id` tells apart; where there is a table
/// `starling_exports`, a row of it says whether an export is under way. An export of the same weights that was broken off goes on
/// with the rows that are missing.
struct SupabaseExport {
    private let vectors: VectorTable
    private let stamp: RunStamp
    private let client: SupabaseClient
    /// Those of `bias`, `run_id`, `exported_at` that the table has.
    private let optional: [String]
    private let hasManifest: Bool
    private let time: String

    static let manifest = "starling_exports"

    /// - Throws: `badData` for a table that is not there or lacks a column.
    init(_ vectors: VectorTable, _ stamp: RunStamp, _ client: SupabaseClient) throws {
        (self.vectors, self.client) = (vectors, client)
        // What is written in another form is another export.
        self.stamp = RunStamp(run: stamp.run + (client.server.settings.sendsTexts ? "-text" : ""), time: stamp.time)
        for column in [vectors.idColumn, "embedding"] where try !client.has(column, in: vectors.name) {
            throw StarlingError(
                .badData, "table “\(vectors.name)” has no column “\(column)”",
                at: .init(file: client.server.location(of: vectors.name)), remedy: "docs/supabase.md has the statements"
            )
        }
        optional = try ["bias", "run_id", "exported_at"].filter { try client.has($0, in: vectors.name) }
        hasManifest = (try? client.has("run_id", in: Self.manifest)) ?? false
        time = Date(timeIntervalSince1970: Double(stamp.time)).formatted(.iso8601)
    }

    private var namesRun: Bool { optional.contains("run_id") }
    private var id: String { SupabaseClient.name(vectors.idColumn) }

    func run(progress: @Sendable (Int) -> Void) throws -> [String] {
        try note(finished: false)
        let there = namesRun ? try ids([("run_id", "eq.\(stamp.run)")]) : []
        let rows = (0..<vectors.rowCount).filter { !there.contains(vectors.id($0)) }
        let done = Atomic(vectors.rowCount - rows.count)
        func sent(_ count: Int) { progress(done.add(count, ordering: .relaxed).newValue) }
        progress(done.load(ordering: .relaxed))
        let batches = batches(rows)
        var notices: [String] = []
        do {
            // The first shows whether the id is unique.
            if let first = batches.first { try upsert(first, sent) }
            try Workers(threads: client.server.settings.parallel).forEach(max(0, batches.count - 1)) { index, _ in
                try upsert(batches[index + 1], sent)
            }
            try removeOthers()
            try checkCount()
        } catch let error as StarlingError where error.refusal?.code == "42P10" {
            notices.append(
                "“\(vectors.name)”: \(vectors.idColumn) is not unique, so that all rows were removed before the new ones came; "
                    + "a primary key on it makes exports that go on")
            try replaceAll(sent)
            try checkCount()
        }
        try note(finished: true)
        if !namesRun, !hasManifest {
            notices.append(
                "“\(vectors.name)” has no column run_id, and there is no table \(Self.manifest): nothing in it tells rows of "
                    + "an export that was broken off (docs/supabase.md)")
        }
        return notices
    }

    /// Rows that fit into one body, by their usual length.
    private func batches(_ rows: [Int]) -> [ArraySlice<Int>] {
        let size = max(1, client.server.settings.bodyBytes / (vectors.width * 12 + 120))
        return stride(from: 0, to: rows.count, by: size).map { rows[$0..<min(rows.count, $0 + size)] }
    }

    private func upsert(_ rows: ArraySlice<Int>, _ sent: (Int) -> Void) throws {
        try send(rows, [("on_conflict", id)], "resolution=merge-duplicates,return=minimal", client, sent)
    }

    /// Sends rows, in halves if they are too many bytes for us or for the server.
    private func send(
        _ rows: ArraySlice<Int>, _ query: [(String, String)], _ prefer: String, _ client: SupabaseClient,
        _ sent: (Int) -> Void
    ) throws {
        func halves() throws {
            let middle = (rows.startIndex + rows.endIndex) / 2
            for half in [rows[..<middle], rows[middle...]] { try send(half, query, prefer, client, sent) }
        }
        let body = try Array(("[" + rows.map(json).joined(separator: ",") + "]").utf8)
        if body.count > client.server.settings.bodyBytes, rows.count > 1 { return try halves() }
        do {
            try client.change(.post, vectors.name, query, prefer: prefer, body: body)
        } catch let error as StarlingError where error.refusal?.status == 413 && rows.count > 1 {
            return try halves()
        }
        sent(rows.count)
    }

    /// A row as an object.
    private func json(_ row: Int) throws -> String {
        let raw = vectors.id(row)
        let list = vectors.list(row)
        guard !list.contains("n") else {
            throw StarlingError(.failed, "the vector of “\(raw)” is not finite", remedy: "train the run again")
        }
        var members = try [
            "\(JSON.text(vectors.idColumn)):\(vectors.hasIntegerIDs ? raw : JSON.text(raw))",
            client.server.settings.sendsTexts ? "\"embedding\":\"\(list)\"" : "\"embedding\":\(list)",
        ]
        for name in optional {
            switch name {
            case "bias": members.append("\"bias\":" + (vectors.bias.map { "\($0(row))" } ?? "null"))
            case "run_id": members.append("\"run_id\":\"\(stamp.run)\"")
            default: members.append("\"exported_at\":\"\(time)\"")
            }
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// Takes out rows that are not of this run.
    private func removeOthers() throws {
        if namesRun {
            return try client.change(
                .delete, vectors.name, [("or", "(run_id.neq.\(stamp.run),run_id.is.null)")], prefer: "return=minimal")
        }
        let own = Set((0..<vectors.rowCount).map(vectors.id))
        let others = try ids([]).subtracting(own).sorted()
        for start in stride(from: 0, to: others.count, by: 200) {
            let list = others[start..<min(others.count, start + 200)].map { SupabaseClient.quoted(.string($0)) }
            try client.change(
                .delete, vectors.name, [(id, "in.(\(list.joined(separator: ",")))")], prefer: "return=minimal")
        }
    }

    /// Whether the table holds as many rows as were sent.
    private func checkCount() throws {
        let count = try client.count(vectors.name, exactly: true)
        guard count != vectors.rowCount else { return }
        throw StarlingError(
            .unavailable, "“\(vectors.name)” shows \(count) rows after an export of \(vectors.rowCount)",
            at: .init(file: client.server.location(of: vectors.name)),
            remedy:
                "a policy may hide rows or keep them from being deleted: use the service key; or another export runs: try again"
        )
    }

    /// For tables without a unique id: everything out, then the rows in. A batch whose answer is lost is not sent again, since it
    /// might be there twice then.
    private func replaceAll(_ sent: (Int) -> Void) throws {
        try client.change(.delete, vectors.name, [(id, "not.is.null")], prefer: "return=minimal")
        let once = try client.impatient
        for batch in batches(Array(0..<vectors.rowCount)) { try send(batch, [], "return=minimal", once, sent) }
    }

    /// Ids that are in the table.
    private func ids(_ conditions: [(String, String)]) throws -> Set<String> {
        var found = Set<String>()
        var after: [(String, String)] = []
        while true {
            let query = [("select", id), ("order", "\(id).asc"), ("limit", "\(client.server.settings.pageRows)")]
            let page = try client.rows(vectors.name, query + conditions + after)
            guard let last = page.last?[vectors.idColumn] else { return found }
            for row in page {
                if let value = row[vectors.idColumn] { found.insert(value.string ?? SupabaseClient.quoted(value)) }
            }
            after = [(id, "gt.\(last.string ?? SupabaseClient.quoted(last))")]
        }
    }

    /// Says in the manifest how far the export is.
    private func note(finished: Bool) throws {
        guard hasManifest else { return }
        let row: [String: JSONValue] = [
            "table_name": .string(vectors.name), "run_id": .string(stamp.run), "rows": .integer(vectors.rowCount),
            "started_at": .string(time),
            "finished_at": finished ? .string(Date().formatted(.iso8601)) : .null,
        ]
        try client.change(
            .post, Self.manifest, [("on_conflict", "table_name")], prefer: "resolution=merge-duplicates,return=minimal",
            body: JSON.bytes([row]))
    }
}
