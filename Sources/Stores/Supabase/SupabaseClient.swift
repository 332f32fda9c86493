import Basics
import Remote
import Synchronization

/// Requests to PostgREST, at most so many a second, and their answers.
final class SupabaseClient: Sendable {
    let server: PostgREST
    private let session: WebSession
    private let cancellation: Cancellation?
    /// When the next request may go, in seconds of the clock.
    private let next = Mutex(0.0)

    init(_ server: PostgREST, cancellation: Cancellation?) {
        (self.server, self.cancellation) = (server, cancellation)
        session = WebSession(server: server, options: server.settings.patience)
    }

    typealias Row = [String: JSONValue]

    /// Rows of a table: `select=…&order=…`.
    func rows(_ table: String, _ query: [(String, String)]) throws -> [Row] {
        let location = server.location(of: table)
        let bytes = try send(table) { server.request(.get, table, query) }
        return try JSON.decode([Row].self, from: bytes, file: location)
    }

    /// About how many rows a table has; 0 where the server does not say.
    func count(_ table: String, exactly: Bool = false) throws -> Int {
        let head = try session.answer(server.location(of: table), accepting: [416], cancellation) {
            try waitForTurn()
            return server.request(
                .get, table, [("select", "*"), ("limit", "1")], prefer: exactly ? "count=exact" : "count=estimated")
        }.head
        return head.headers["content-range"].flatMap { $0.split(separator: "/").last }.flatMap { Int($0) } ?? 0
    }

    /// The same, for requests that must not be sent twice.
    var impatient: SupabaseClient {
        get throws {
            var settings = server.settings
            settings.patience.attempts = 1
            return SupabaseClient(try PostgREST(settings), cancellation: cancellation)
        }
    }

    /// Sends rows, or takes some away; nothing comes back.
    func change(
        _ method: WebRequest.Method, _ table: String, _ query: [(String, String)], prefer: String, body: [UInt8]? = nil
    ) throws {
        _ = try send(table) { server.request(method, table, query, prefer: prefer, body: body) }
    }

    /// Whether a table has a column.
    /// - Throws: `badData` if there is no such table.
    func has(_ column: String, in table: String) throws -> Bool {
        do {
            _ = try rows(table, [("select", Self.name(column)), ("limit", "0")])
            return true
        } catch let error as StarlingError where error.refusal?.code == "42703" {
            return false
        }
    }

    private func send(_ table: String, _ make: () -> WebRequest) throws -> [UInt8] {
        try session.answer(server.location(of: table), cancellation) {
            try waitForTurn()
            return make()
        }.body
    }

    private func waitForTurn() throws {
        guard let rate = server.settings.requestsPerSecond else { return }
        let turn = next.withLock { next in
            let turn = max(next, Host.now())
            next = turn + 1 / rate
            return turn
        }
        while Host.now() < turn {
            if cancellation?.isCancelled == true { throw StarlingError(.interrupted, "stopped while waiting") }
            Host.sleep(min(0.05, max(0, turn - Host.now())))
        }
    }

    /// A column's name where commas, dots and the like would mean something else.
    static func name(_ column: String) -> String {
        column.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
            ? column : "\"\(column)\""
    }

    /// A value in a list or a nested condition.
    static func quoted(_ value: JSONValue) -> String {
        switch value {
        case .integer(let number): String(number)
        case .number(let number): "\(number)"
        case .string(let text):
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .bool(let flag): "\(flag)"
        default: "null"
        }
    }
}
