import Basics
import Foundation
import Testing

/// A real MLflow server of the suite's own.
final class TestMLflow: Sendable {
    static let shared = Result { try TestMLflow() }
    static let isThere: ConditionTrait = .enabled(
        if: (try? shared.get()) != nil, "needs STARLING_PYTHON to have mlflow")
    static let scripts = Files.parent(#filePath) + "/mlflow"

    private let folder: TemporaryFolder
    private let server: StandIn

    init(_ flags: [String] = []) throws {
        folder = try TemporaryFolder()
        server = try StandIn("server.py", [folder.path("server")] + flags, in: Self.scripts)
    }

    var uri: String { server.facts["uri"]!.string! }

    /// As in a crash.
    func kill() throws { try server.ask("kill") }
    func start() throws { try server.ask("start") }

    /// What the server has of an experiment, read by MLflow's own client: runs by their names.
    func runs(_ experiment: String) throws -> [String: [TrackedAs]] {
        try JSON.decode(
            [String: [TrackedAs]].self, from: JSON.bytes(server.ask("read " + experiment)), file: "server.py")
    }

    /// The one run of that name.
    func run(_ name: String, in experiment: String) throws -> TrackedAs {
        let found = try runs(experiment)
        try #require(found[name]?.count == 1, "\(found.mapValues(\.count))")
        return found[name]![0]
    }

    /// Runs a statement with MLflow's own `client`.
    func run(_ statement: String) throws { try server.ask("do " + statement) }
}

/// A run as MLflow's client gives it.
struct TrackedAs: Decodable {
    let id: String
    let status: String
    let ended: Bool
    let parameters: [String: String]
    let tags: [String: String]
    /// By name: step and value of each point; values that are no numbers as texts.
    let metrics: [String: [[JSONValue]]]
    let files: [String: Int]
    let versions: [String: String]

    /// The values by step, if there is one at each.
    func values(_ name: String) -> [Int: Double] {
        let points = metrics[name] ?? []
        let values = Dictionary(points.map { ($0[0].int ?? -1, $0[1].double ?? .nan) }) { first, _ in first }
        return values.count == points.count ? values : [:]
    }
}

/// A script of `mlflow/odd.py`.
struct OddServer {
    let script: StandIn
    var uri: String { script.facts["uri"]!.string! }

    init(_ kind: String) throws { script = try StandIn("odd.py", [kind], in: TestMLflow.scripts) }

    /// Method, path, body and secret of each request so far.
    func requests() throws -> [[String]] {
        let answer = try script.ask("requests")
        guard case .array(let list)? = answer["requests"] else { return [] }
        return list.map { if case .array(let parts) = $0 { parts.map { $0.string ?? "" } } else { [] } }
    }
}
