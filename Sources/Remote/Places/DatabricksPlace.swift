import Basics
import Formats

/// A folder in a Unity Catalog volume, through the Databricks Files API.
///
/// https://docs.databricks.com/api/workspace/files
struct DatabricksPlace: Place {
    private let host: WebAddress
    private let token: String
    /// `/Volumes/catalog/schema/volume…`, without a slash at the end.
    private let path: String

    var location: String { "dbfs:" + path }
    var identity: String { "databricks|\(host.authority)|\(path)" }
    var isWritable: Bool { true }

    /// - Throws: `usage` if `DATABRICKS_HOST` or `DATABRICKS_TOKEN` is missing.
    init(_ path: String, _ environment: Environment) throws {
        self.path = path
        guard let host = environment["DATABRICKS_HOST"], let token = environment["DATABRICKS_TOKEN"] else {
            let missing = ["DATABRICKS_HOST", "DATABRICKS_TOKEN"].filter { environment[$0] == nil }
            throw StarlingError(
                .usage,
                "the volume is not mounted here, and \(missing.joined(separator: " and ")) "
                    + (missing.count == 1 ? "is not set" : "are not set"),
                at: .init(file: "dbfs:" + path),
                remedy: "set DATABRICKS_HOST to the workspace's address and DATABRICKS_TOKEN to an access token")
        }
        do {
            self.host = try WebAddress(host.contains("://") ? host : "https://" + host)
        } catch {
            throw StarlingError(.usage, "DATABRICKS_HOST is not the address of a workspace", cause: error)
        }
        guard self.host.isSecure || self.host.isThisMachine else {
            throw StarlingError(
                .usage, "DATABRICKS_HOST begins with http://, which would show the token to the network",
                remedy: "use https://")
        }
        self.token = token
    }

    func request(
        _ method: WebRequest.Method, _ name: String, headers: [String: String], body: MappedFile?
    ) throws -> WebRequest {
        var address = host
        address.path = "/"
        address = address.appending("api/2.0/fs/files\(path)/\(name)")
        address.query = method == .put ? "overwrite=true" : ""
        var request = WebRequest(method: method, address: address, headers: headers)
        request.headers["authorization"] = "Bearer " + token
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
