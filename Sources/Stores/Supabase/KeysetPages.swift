import Basics
import Interactions
import Kernels
import Synchronization

/// All rows of a table, each once, page by page in the order of a key: `id` where there is one, else user and item.
///
/// A page begins where the one before ended, by the key's value and not by a count of rows, so that pages cost the same wherever
/// they lie and rows that come or go meanwhile shift nothing. The key need not be unique: the last key of a page is read again. If
/// it is a whole number, its range is cut into parts that are read at the same time.
final class KeysetPages: Sendable {
    private let client: SupabaseClient
    private let table: String
    private let select: String
    private let key: [String]
    /// Values of the first key column at which parts begin; the last is past the greatest.
    private let cuts: [Int]
    /// How many rows there may be.
    let estimate: Int
    /// The most rows that came at once: a shorter page is the last.
    private let fullPage = Atomic<Int>(1)

    init(_ client: SupabaseClient, _ table: String, _ columns: NamedColumns) throws {
        (self.client, self.table) = (client, table)
        let key = try client.has("id", in: table) ? ["id"] : [columns.user, columns.item]
        self.key = key
        let names = [columns.user, columns.item, columns.value, columns.time].compactMap(\.self) + key
        select = names.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            .map(SupabaseClient.name).joined(separator: ",")
        let first = SupabaseClient.name(key[0])
        func end(_ order: String) throws -> Int? {
            let query = [("select", first), (first, "not.is.null"), ("order", "\(first).\(order)"), ("limit", "1")]
            guard case .integer(let number)? = try client.rows(table, query).first?[key[0]] else { return nil }
            return number
        }
        estimate = try client.count(table)
        guard let least = try end("asc"), let greatest = try end("desc"), least <= greatest, greatest < .max else {
            cuts = []
            return
        }
        let width = UInt(bitPattern: greatest &- least)
        let parts = max(1, min(estimate / 5_000, 4_096, Int(clamping: width)))
        cuts = (0..<parts).map { least &+ Int(bitPattern: width / UInt(parts) &* UInt($0)) } + [greatest + 1]
    }

    /// Lends all pages, in order, on this thread.
    func forEach(_ body: ([SupabaseClient.Row]) throws -> Void) throws {
        let names = key.map(SupabaseClient.name)
        let anyNull = names.count == 1 ? [(names[0], "is.null")] : [("or", "(\(names[0]).is.null,\(names[1]).is.null)")]
        try offsets(anyNull, from: 0, body)
        guard cuts.count > 2 else { return try part(nil, body) }
        let atOnce = client.server.settings.parallel
        let workers = Workers(threads: atOnce)
        for wave in stride(from: 0, to: cuts.count - 1, by: atOnce * 4) {
            let parts = wave..<min(cuts.count - 1, wave + atOnce * 4)
            let found = Mutex([[SupabaseClient.Row]](repeating: [], count: parts.count))
            try workers.forEach(parts.count) { index, _ in
                var rows: [SupabaseClient.Row] = []
                try part(cuts[parts.lowerBound + index]..<cuts[parts.lowerBound + index + 1]) { rows += $0 }
                found.withLock { [rows] in $0[index] = rows }
            }
            for rows in found.withLock({ $0 }) { try body(rows) }
        }
    }

    /// The pages of a range of the first key column, or all.
    private func part(_ range: Range<Int>?, _ body: ([SupabaseClient.Row]) throws -> Void) throws {
        let names = key.map(SupabaseClient.name)
        var bounds = names.map { ($0, "not.is.null") }
        if let range { bounds += [(names[0], "gte.\(range.lowerBound)"), (names[0], "lt.\(range.upperBound)")] }
        var from: [(String, String)] = []
        while true {
            let page = try rows(bounds + from, limit: client.server.settings.pageRows)
            guard let last = page.last.map(keyValues) else { return }
            if isLast(page) { return try body(page) }
            let head = page.prefix { keyValues($0) != last }
            if head.isEmpty {
                // A page of one key: its rows are counted, and the next page begins behind it.
                try body(page)
                try offsets(zip(names, last).map { ($0, "eq.\(Self.plain($1))") }, from: page.count, body)
                from = after(names, last, "gt")
            } else {
                try body(Array(head))
                from = after(names, last, "gte")
            }
        }
    }

    /// Rows that meet conditions, from a number on.
    private func offsets(
        _ conditions: [(String, String)], from start: Int, _ body: ([SupabaseClient.Row]) throws -> Void
    ) throws {
        var start = start
        while true {
            let page = try rows(
                conditions + [("offset", "\(start)")], limit: client.server.settings.pageRows)
            guard !page.isEmpty else { return }
            try body(page)
            if isLast(page) { return }
            start += page.count
        }
    }

    private func rows(_ conditions: [(String, String)], limit: Int) throws -> [SupabaseClient.Row] {
        let order = key.map { SupabaseClient.name($0) + ".asc" }.joined(separator: ",")
        let page = try client.rows(
            table, [("select", select), ("order", order), ("limit", "\(limit)")] + conditions)
        fullPage.max(page.count, ordering: .relaxed)
        return page
    }

    /// Whether a page is shorter than one that came: then nothing is behind it.
    private func isLast(_ page: [SupabaseClient.Row]) -> Bool { page.count < fullPage.load(ordering: .relaxed) }

    private func keyValues(_ row: SupabaseClient.Row) -> [JSONValue] { key.map { row[$0] ?? .null } }

    /// The condition that a row comes after a key, or is at it.
    private func after(_ names: [String], _ last: [JSONValue], _ comparison: String) -> [(String, String)] {
        guard names.count == 2 else { return [(names[0], "\(comparison).\(Self.plain(last[0]))")] }
        let (first, second) = (SupabaseClient.quoted(last[0]), SupabaseClient.quoted(last[1]))
        return [("or", "(\(names[0]).gt.\(first),and(\(names[0]).eq.\(first),\(names[1]).\(comparison).\(second)))")]
    }

    /// A value in a condition of its own, which takes it as it is.
    private static func plain(_ value: JSONValue) -> String { value.string ?? SupabaseClient.quoted(value) }
}
