import Basics
import Formats
import Remote

/// The files that go along with a run, and where an MLflow server takes them.
struct MLflowArtifacts {
    let client: MLflowClient
    let run: String
    /// Where the server says that the run's files are: `mlflow-artifacts:/1/RUN/artifacts`.
    let root: String

    /// The files of a run's folder by the paths they get: the run as it is, so that what is fetched from the server can be used as
    /// one, and what people look for at its top.
    static func files(of folder: String) throws -> [(path: String, file: String)] {
        var files: [(String, String)] = []
        func add(_ name: String, as path: String) throws {
            let file = folder + "/" + name
            switch Files.kind(file) {
            case .file?: files.append((path, file))
            case .directory?: for inner in try Files.list(file) { try add(name + "/" + inner, as: path + "/" + inner) }
            default: break
            }
        }
        try add("mlflow-model", as: "model")
        for name in ["run.json", "metrics.jsonl", "model"] { try add(name, as: "run/" + name) }
        for name in ["report.html", "tune.json", "trials.jsonl"] { try add(name, as: name) }
        for name in try Files.list(folder) where name.hasSuffix(".pth") { try add(name, as: name) }
        return files
    }

    /// Sends a file.
    ///
    /// - Throws: `unavailable` where the server does not take files itself.
    func put(_ file: String, as path: String) throws {
        let body = WebRequest.Body.file(try MappedFile(file))
        if root.hasPrefix("dbfs:") { return try putSigned(body, path) }
        let place = try proxied() + "/" + path
        try client.send(client.server.uri) {
            client.server.request(.put, "mlflow-artifacts/artifacts/" + place, body: body)
        }
    }

    /// The run's place behind the server's proxy.
    private func proxied() throws -> String {
        for prefix in ["mlflow-artifacts://", "mlflow-artifacts:"] where root.hasPrefix(prefix) {
            // After `//` comes the proxy's own host, which is this server.
            let rest = root.dropFirst(prefix.count)
            let path = prefix.hasSuffix("//") ? rest.drop { $0 != "/" } : rest
            return String(path.drop { $0 == "/" })
        }
        if let range = root.firstRange(of: "/api/2.0/mlflow-artifacts/artifacts/") {
            return String(root[range.upperBound...])
        }
        throw StarlingError(
            .unavailable, "the server keeps files at \(root.prefix { $0 != "?" }), which only its own clients reach",
            at: .init(file: client.server.uri),
            remedy: "start it with --serve-artifacts and an --artifacts-destination",
            cause: ServerRefusal(status: 501, code: nil))
    }

    /// Databricks gives an address for each file.
    private func putSigned(_ body: WebRequest.Body, _ path: String) throws {
        let answer = try client.call(
            .post, "mlflow/artifacts/credentials-for-write", ["run_id": .string(run), "path": [.string(path)]])
        guard case .array(let infos)? = answer["credential_infos"], let info = infos.first,
            let address = try info["signed_uri"]?.string.map({ try WebAddress($0) })
        else { throw client.isNoServer() }
        var headers: [String: String] = [:]
        if case .array(let entries)? = info["headers"] {
            for entry in entries { headers[entry["name"]?.string?.lowercased() ?? ""] = entry["value"]?.string }
        }
        if info["type"]?.string?.hasPrefix("AZURE") == true { headers["x-ms-blob-type"] = "BlockBlob" }
        try client.send(address.shown) {
            WebRequest(method: .put, address: address, headers: headers, body: body)
        }
    }
}
