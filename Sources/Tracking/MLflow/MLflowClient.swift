import Basics
import Formats
import Remote

/// MLflow's REST calls, as far as a run needs them ([rest-api](https://mlflow.org/docs/latest/rest-api.html)).
struct MLflowClient: Sendable {
    let server: MLflowServer
    private let session: WebSession
    private let cancellation: Cancellation

    /// - Parameter patience: how a server that does not answer is dealt with.
    init(_ server: MLflowServer, patience: RemoteOptions, cancellation: Cancellation) {
        (self.server, self.cancellation) = (server, cancellation)
        session = WebSession(server: server, options: patience)
    }

    /// Calls `api/2.0/…` and gives its answer, an object.
    ///
    /// - Throws: `unavailable`, with ``ServerRefusal`` as its cause where the server said no.
    func call(
        _ method: WebRequest.Method, _ name: String, query: [(String, String)] = [], _ body: JSONValue? = nil
    ) throws -> JSONValue {
        let bytes = try body.map { try JSON.bytes($0) }
        let answer = try session.answer(server.uri, cancellation) {
            server.request(method, name, query: query, body: bytes.map { .bytes($0) })
        }.body
        let value = answer.isEmpty ? [:] : try? JSON.decode(JSONValue.self, from: answer, file: server.uri)
        guard case .object? = value else { throw isNoServer() }
        return value!
    }

    /// What answers is something else.
    func isNoServer() -> StarlingError {
        StarlingError(
            .unavailable, "what answers there is no MLflow server", at: .init(file: server.uri),
            remedy: "check the address", cause: ServerRefusal(status: 200, code: nil))
    }

    /// The id of an experiment, which is made if it is not there.
    ///
    /// - Throws: `unavailable` for one that was deleted.
    func experiment(_ name: String) throws -> String {
        if let found = try found(name) {
            guard let id = found["experiment_id"]?.string else { throw isNoServer() }
            guard found["lifecycle_stage"]?.string != "deleted" else {
                throw StarlingError(
                    .unavailable, "the experiment “\(name)” was deleted", at: .init(file: server.uri),
                    remedy:
                        "restore it (mlflow experiments restore --experiment-id \(id)) or choose another --experiment",
                    cause: ServerRefusal(status: 404, code: "RESOURCE_DOES_NOT_EXIST"))
            }
            return id
        }
        do {
            let made = try call(.post, "mlflow/experiments/create", ["name": .string(name)])
            guard let id = made["experiment_id"]?.string else { throw isNoServer() }
            return id
        } catch let error as StarlingError where error.refusal?.code == "RESOURCE_ALREADY_EXISTS" {
            // Another process was faster.
            return try experiment(name)
        }
    }

    private func found(_ experiment: String) throws -> JSONValue? {
        do {
            return try call(.get, "mlflow/experiments/get-by-name", query: [("experiment_name", experiment)])[
                "experiment"]
        } catch let error as StarlingError where error.refusal?.code == "RESOURCE_DOES_NOT_EXIST" {
            return nil
        }
    }

    /// A run of the experiment that has the tag; nil if there is none.
    func run(tagged key: String, in experiment: String) throws -> JSONValue? {
        let found = try call(
            .post, "mlflow/runs/search",
            [
                "experiment_ids": [.string(experiment)], "max_results": 1, "run_view_type": "ALL",
                "filter": .string("tags.`\(Self.keyTag)` = '\(key)'"),
            ])
        guard case .array(let runs)? = found["runs"] else { return nil }
        return runs.first
    }

    /// The tag by which a run is found again where the answer to its making was lost.
    static let keyTag = "starling.key"

    /// Makes a run and gives it as the server has it.
    func makeRun(_ name: String, in experiment: String, start: Int, tags: [String: String]) throws -> JSONValue {
        let answer = try call(
            .post, "mlflow/runs/create",
            [
                "experiment_id": .string(experiment), "run_name": .string(name), "start_time": .integer(start),
                "tags": Self.entries(tags),
            ])
        guard let run = answer["run"] else { throw isNoServer() }
        return run
    }

    /// Sets a run's status; `end` in milliseconds since 1970.
    func update(_ run: String, status: String, end: Int?) throws {
        var body: [String: JSONValue] = ["run_id": .string(run), "status": .string(status)]
        if let end { body["end_time"] = .integer(end) }
        _ = try call(.post, "mlflow/runs/update", .object(body))
    }

    /// Removes a tag; nothing if it is not there.
    func forget(_ tag: String, of run: String) throws {
        do {
            _ = try call(.post, "mlflow/runs/delete-tag", ["run_id": .string(run), "key": .string(tag)])
        } catch let error as StarlingError where error.refusal?.status == 404 {}
    }

    /// Says that the run's files hold a model, so that the server's pages show one.
    func announceModel(_ run: String) throws {
        let flavor: JSONValue = ["python_function": ["loader_module": "mlflow.pyfunc.model"]]
        let model: JSONValue = [
            "run_id": .string(run), "artifact_path": "model", "utc_time_created": .string(Host.timestamp()),
            "flavors": flavor,
        ]
        _ = try call(
            .post, "mlflow/runs/log-model", ["run_id": .string(run), "model_json": .string(JSON.text(model))])
    }

    /// Logs figures, parameters and tags, as many at once as the server takes.
    func log(
        _ run: String, metrics: [JSONValue] = [], parameters: [String: String] = [:], tags: [String: String] = [:]
    ) throws {
        func send(_ key: String, _ entries: [JSONValue], atOnce: Int) throws {
            for start in stride(from: 0, to: entries.count, by: atOnce) {
                let part = Array(entries[start..<min(start + atOnce, entries.count)])
                _ = try call(.post, "mlflow/runs/log-batch", ["run_id": .string(run), .init(key): .array(part)])
            }
        }
        func list(_ texts: [String: String]) -> [JSONValue] {
            if case .array(let entries) = Self.entries(texts) { entries } else { [] }
        }
        try send("params", list(parameters), atOnce: 100)
        try send("tags", list(tags), atOnce: 100)
        try send("metrics", metrics, atOnce: Self.metricsAtOnce)
    }

    static let metricsAtOnce = 1000

    /// A figure as the server takes it.
    static func metric(_ name: String, _ value: JSONValue, step: Int, time: Int) -> JSONValue {
        ["key": .string(key(name)), "value": value, "step": .integer(step), "timestamp": .integer(time)]
    }

    /// A name as the server takes it: `ndcg@10` is `ndcg_at_10`, as MLflow's own metrics spell it.
    static func key(_ name: String) -> String {
        let spelt = name.replacing("@", with: "_at_").map { character in
            character.isASCII && (character.isLetter || character.isNumber) || "_-./ ".contains(character)
                ? character : "_"
        }
        return String(spelt.prefix(250))
    }

    private static func entries(_ texts: [String: String]) -> JSONValue {
        .array(
            texts.sorted { $0.key < $1.key }.map { name, text in
                ["key": .string(key(name)), "value": .string(cut(text))]
            })
    }

    /// Servers before 2.8 take 500 characters.
    private static func cut(_ text: String) -> String { text.count <= 500 ? text : text.prefix(499) + "…" }

    /// Sends a request that is no call, such as a file's.
    func send(_ subject: String, _ request: () throws -> WebRequest) throws {
        _ = try session.answer(subject, cancellation, request)
    }
}
