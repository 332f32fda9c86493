import Basics
import Remote

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Where an MLflow server is and what opens it: `http(s)://…`, or `databricks`, whose workspace and token the environment names.
/// Secrets come from the environment alone and show nowhere.
struct MLflowServer: WebServer {
    /// As it was given: what the run remembers.
    let uri: String
    private let base: WebAddress
    private let authorization: String?
    /// Whether registered models have names of three parts, `catalog.schema.model`.
    let hasCatalogs: Bool

    /// - Throws: `usage` for what is no such address, or `databricks` without a workspace or token.
    init(_ uri: String, _ environment: Environment) throws {
        var uri = uri
        while uri.hasSuffix("/") && !uri.hasSuffix("//") { uri.removeLast() }
        self.uri = uri
        if uri == "databricks" || uri == "databricks-uc" {
            hasCatalogs = uri == "databricks-uc" || environment["MLFLOW_REGISTRY_URI"] == "databricks-uc"
            let workspace = try DatabricksWorkspace(environment) {
                StarlingError(.usage, "MLflow at Databricks needs \($0)", remedy: DatabricksWorkspace.remedy)
            }
            (base, authorization) = (workspace.host, "Bearer " + workspace.token)
            return
        }
        hasCatalogs = false
        guard !uri.hasPrefix("databricks") else {
            throw StarlingError(
                .usage, "“\(uri)” names a profile, which is not read",
                remedy: "give databricks, and " + DatabricksWorkspace.remedy)
        }
        guard uri.lowercased().hasPrefix("http://") || uri.lowercased().hasPrefix("https://") else {
            let store = uri.contains("://") || uri.hasPrefix("file:") ? uri : "sqlite:///mlflow.db"
            throw StarlingError(
                .usage, "“\(uri)” is no address of an MLflow server",
                remedy: "start one over the store, mlflow server --backend-store-uri \(store) --port 5000, and give "
                    + "http://127.0.0.1:5000")
        }
        do {
            base = try WebAddress(uri)
        } catch let error as StarlingError {
            throw StarlingError(
                .usage, "the address of the MLflow server: \(error.what)",
                remedy: "a user and a password come from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        }
        if let user = environment["MLFLOW_TRACKING_USERNAME"], let word = environment["MLFLOW_TRACKING_PASSWORD"] {
            authorization = "Basic " + Data("\(user):\(word)".utf8).base64EncodedString()
        } else {
            authorization = environment["MLFLOW_TRACKING_TOKEN"].map { "Bearer " + $0 }
        }
    }

    /// A request to `api/2.0/…`.
    func request(
        _ method: WebRequest.Method, _ call: String, query: [(String, String)] = [], body: WebRequest.Body? = nil
    ) -> WebRequest {
        var address = base.appending("api/2.0/" + call)
        if !query.isEmpty { address = address.with(query: query.map { (name: $0.0, value: $0.1) }) }
        var request = WebRequest(method: method, address: address, body: body)
        request.headers["authorization"] = authorization
        switch body {
        case .bytes?: request.headers["content-type"] = "application/json"
        case .file?: request.headers["content-type"] = "application/octet-stream"
        case nil: break
        }
        return request
    }

    private struct Said: Decodable {
        let error_code: String?
        let message: String?
    }

    private func said(_ body: String) -> Said? {
        var text = body
        if let secret = authorization?.split(separator: " ").last { text = text.replacing(secret, with: "***") }
        return try? JSON.decode(Said.self, from: Array(text.utf8), file: "")
    }

    func reason(of body: String) -> String? { said(body)?.message.map { String($0.prefix(300)) } }

    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError {
        let said = said(body)
        let what = reason(of: body) ?? "the MLflow server answered \(head.status)"
        let remedy: String? =
            switch head.status {
            case 401:
                "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            case 403: "the user or token may not do this there"
            case 404 where said == nil: "check that the address is an MLflow server's"
            default: nil
            }
        return StarlingError(
            .unavailable, what, at: .init(file: subject), remedy: remedy,
            cause: ServerRefusal(status: head.status, code: said?.error_code))
    }
}
