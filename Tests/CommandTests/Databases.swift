import Basics
import Foundation
import Stores
import Testing

/// Tests of stores with real servers, one after another: they share a database, restart it and set faults.
@Suite(TestDatabase.isThere, .serialized) struct DatabaseTests {}

/// A Python script that serves as long as this object lives: of `Tests/StoresTests/standin`, whose need STARLING_PYTHON to have
/// psycopg, or another folder's.
final class StandIn: @unchecked Sendable {
    /// What it printed when it was ready.
    let facts: JSONValue
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()

    static let folder = Files.parent(Files.parent(#filePath)) + "/StoresTests/standin"
    static let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] ?? "python3"

    init(_ script: String, _ arguments: [String], in folder: String = StandIn.folder) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [Self.python, folder + "/" + script] + arguments
        process.standardOutput = output
        process.standardInput = input
        process.standardError = FileHandle.nullDevice
        try process.run()
        facts = try Self.line(output, script)
    }

    deinit { process.terminate() }

    func send(_ signal: Int32) throws -> JSONValue {
        kill(process.processIdentifier, signal)
        return try Self.line(output, "an answer to a signal")
    }

    /// Sends a line, and waits for the line that it answers.
    @discardableResult func ask(_ line: String) throws -> JSONValue {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
        return try Self.line(output, line)
    }

    private static func line(_ output: Pipe, _ what: String) throws -> JSONValue {
        var line = Data()
        while !line.contains(10) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            line += more
        }
        return try JSON.decode(JSONValue.self, from: line, file: what)
    }
}

/// A real PostgreSQL server with the roles that Supabase has, and a stand-in for PostgREST before it.
final class TestDatabase: Sendable {
    static let shared = Result { try TestDatabase() }
    static let isThere: ConditionTrait = .enabled(
        if: (try? shared.get()) != nil, "needs PostgreSQL's server, and STARLING_PYTHON with psycopg")

    private let folder: TemporaryFolder
    private let database: StandIn
    private let rest: StandIn

    private init() throws {
        folder = try TemporaryFolder()
        // The server runs as another user, who must reach it.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.url.path)
        database = try StandIn("database.py", ["--folder", folder.path("cluster")])
        rest = try StandIn(
            "postgrest.py",
            [
                "--database", #require(database.facts["authenticator"]?.string), "--port", "0", "--anon-role", "anon",
                "--jwt-secret", "a secret of at least thirty-two bytes",
            ])
    }

    /// `postgres://postgres@127.0.0.1:PORT/postgres`.
    var url: String { database.facts["url"]!.string! }
    /// `http://127.0.0.1:PORT`, of the stand-in.
    var project: String { "http://127.0.0.1:\(rest.facts["port"]!.int!)" }
    var serviceKey: String { rest.facts["service_role"]!.string! }
    var anonymousKey: String { rest.facts["anon"]!.string! }
    /// For commands that use the stand-in.
    var environment: [String: String] { ["SUPABASE_URL": project, "SUPABASE_KEY": serviceKey] }

    /// Runs statements on a connection of their own; the rows of the last.
    @discardableResult func run(_ statements: String...) throws -> [[String?]] {
        let connection = try PostgresConnection(PostgresAddress(url))
        return try statements.reduce([]) { try connection.run($1) }
    }

    /// As after a crash.
    func restart() throws { _ = try database.send(SIGHUP) }

    /// Adds a fault of the stand-in's, or lists of them.
    func add(fault: String) throws { try ask("POST", "/__faults", fault) }
    func clear() throws {
        try ask("DELETE", "/__faults")
        try ask("DELETE", "/__log")
    }

    /// The stand-in's requests: method and path.
    func log() throws -> [String] {
        let list = try JSONSerialization.jsonObject(with: Data(ask("GET", "/__log").utf8)) as? [[String: Any]]
        return try #require(list).map { "\($0["method"]!) \($0["path"]!)" }
    }

    @discardableResult private func ask(_ method: String, _ path: String, _ body: String = "") throws -> String {
        let code = """
            import sys, urllib.request as r
            data = sys.argv[3].encode() or None
            print(r.urlopen(r.Request(sys.argv[2], data, {}, method=sys.argv[1])).read().decode())
            """
        let quoted = [method, project + path, body].map { "'\($0)'" }.joined(separator: " ")
        let answer = try shell("\(Self.python) -c '\(code)' \(quoted)")
        try #require(answer.status == 0, "\(answer.error)")
        return answer.output
    }

    private static var python: String { StandIn.python }
}
