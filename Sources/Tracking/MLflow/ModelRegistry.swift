import Basics
import Formats
import Remote

/// MLflow's registry of models: names, each with versions.
struct ModelRegistry {
    let client: MLflowClient

    private var calls: String { client.server.hasCatalogs ? "mlflow/unity-catalog/" : "mlflow/" }

    /// Checks a name before anything is trained.
    ///
    /// - Throws: `usage` for one that the registry cannot have.
    static func check(_ name: String, hasCatalogs: Bool) throws {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !hasCatalogs || parts.count == 3 && parts.allSatisfy({ !$0.isEmpty }) else {
            throw StarlingError(
                .usage, "“\(name)” is no name of a model in Unity Catalog",
                remedy: "give three parts: --register-model catalog.schema.model")
        }
        guard !name.isEmpty, !name.contains("/"), !name.contains(":") else {
            throw StarlingError(.usage, "“\(name)” is no name of a model", remedy: "leave out / and :")
        }
    }

    /// Adds a version under a name, which is made if it is not there.
    ///
    /// - Parameters:
    ///   - run: the server's id of the run.
    ///   - root: where the run's files are; the model is `model` among them.
    ///   - files: the model's own, by the paths they have in it.
    /// - Returns: the version.
    func add(_ name: String, run: String, root: String, files: [(path: String, file: String)]) throws -> String {
        do {
            _ = try client.call(.post, calls + "registered-models/create", ["name": .string(name)])
        } catch let error as StarlingError where error.refusal?.code == "RESOURCE_ALREADY_EXISTS" {}
        if !client.server.hasCatalogs, let known = try version(of: name, from: run) { return known }
        let answer = try client.call(
            .post, calls + "model-versions/create",
            ["name": .string(name), "source": .string(root + "/model"), "run_id": .string(run)])
        guard let version = answer["model_version"]?["version"]?.description else { throw client.isNoServer() }
        if client.server.hasCatalogs { try fill(name, version, files) }
        return version
    }

    /// The version that the run has already; nil for none.
    private func version(of name: String, from run: String) throws -> String? {
        let found = try client.call(.get, "mlflow/model-versions/search", query: [("filter", "run_id='\(run)'")])
        guard case .array(let versions)? = found["model_versions"] else { return nil }
        return versions.first { $0["name"]?.string == name }?["version"]?.description
    }

    /// A version in Unity Catalog has files of its own.
    private func fill(_ name: String, _ version: String, _ files: [(path: String, file: String)]) throws {
        let place = "fs/files/Models/" + name.replacing(".", with: "/") + "/" + version + "/"
        for (path, file) in files {
            let content = try MappedFile(file)
            try client.send(client.server.uri) {
                client.server.request(.put, place + path, query: [("overwrite", "true")], body: .file(content))
            }
        }
        _ = try client.call(
            .post, calls + "model-versions/finalize", ["name": .string(name), "version": .string(version)])
    }
}
