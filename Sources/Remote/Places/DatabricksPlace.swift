import Basics
import Formats

/// A folder in a Unity Catalog volume, through the Databricks Files API.
///
/// https://docs.databricks.com/api/workspace/files
struct DatabricksPlace: Place {
    private let workspace: DatabricksWorkspace
    /// `/Volumes/catalog/schema/volume…`, without a slash at the end.
    private let path: String

    var location: String { "dbfs:" + path }
    var identity: String { "databricks|\(workspace.host.authority)|\(path)" }
    var isWritable: Bool { true }

    /// - Throws: `usage` if `DATABRICKS_HOST` or `DATABRICKS_TOKEN` is missing.
    init(_ path: String, _ environment: Environment) throws {
        self.path = path
        workspace = try DatabricksWorkspace(environment) { names in
            StarlingError(
                .usage,
                "the volume is not mounted here, and \(names) \(names.contains(" and ") ? "are" : "is") not set",
                at: .init(file: "dbfs:" + path), remedy: DatabricksWorkspace.remedy)
        }
    }

    func request(
        _ method: WebRequest.Method, _ name: String, headers: [String: String], body: MappedFile?
    ) throws -> WebRequest {
        var address = workspace.host
        address.path = "/"
        address = address.appending("api/2.0/fs/files\(path)/\(name)")
        address.query = method == .put ? "overwrite=true" : ""
        var request = WebRequest(method: method, address: address, headers: headers)
        request.headers["authorization"] = "Bearer " + workspace.token
        request.body = body.map { .file($0) }
        if body != nil { request.headers["content-type"] = "application/octet-stream" }
        return request
    }

    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError {
        struct Refusal: Decodable { let error_code: String? }
        let code = try? JSON.decode(Refusal.self, from: Array(body.utf8), file: location).error_code
        return refusal(
            head.status, Credentials.plainWord(code ?? ""), subject,
            access: "check that the token in DATABRICKS_TOKEN belongs to the workspace in DATABRICKS_HOST, is still "
                + "good, and may read the volume")
    }
}
