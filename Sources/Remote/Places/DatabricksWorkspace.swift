package import Basics

/// A Databricks workspace, as the environment names it.
package struct DatabricksWorkspace: Sendable {
    package let host: WebAddress
    package let token: String

    package static let remedy =
        "set DATABRICKS_HOST to the workspace's address and DATABRICKS_TOKEN to an access token"

    /// - Parameter missing: makes the error for variables that are not set: `DATABRICKS_HOST and DATABRICKS_TOKEN`.
    /// - Throws: what `missing` makes; `usage` for a host that is no address, or would show the token to the network.
    package init(_ environment: Environment, missing: (_ names: String) -> StarlingError) throws {
        guard let host = environment["DATABRICKS_HOST"], let token = environment["DATABRICKS_TOKEN"] else {
            let names = ["DATABRICKS_HOST", "DATABRICKS_TOKEN"].filter { environment[$0] == nil }
            throw missing(names.joined(separator: " and "))
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
}
