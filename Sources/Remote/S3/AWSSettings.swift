import Basics

/// What the usual variables and files say of S3: who asks, where the service is.
package struct AWSSettings: Sendable {
    /// Nil to ask without saying who.
    package let credentials: Credentials?
    package let region: String
    /// Nil for Amazon's own.
    package let endpoint: WebAddress?

    /// The variables first, then the profile.
    ///
    /// - Throws: `usage` for half of a pair of variables, a profile that is not there or gets its credentials in a way
    ///   that is not supported, and an endpoint that is no address.
    package init(_ environment: Environment) throws {
        let profile = try AWSProfile(environment)
        credentials = try AWSSettings.credentials(environment, profile)
        region = environment.first("AWS_REGION", "AWS_DEFAULT_REGION") ?? profile["region"] ?? "us-east-1"
        guard AWSSettings.isPlain(region) else {
            throw StarlingError(
                .usage, "“\(region)” is not a region", remedy: "check AWS_REGION and AWS_DEFAULT_REGION")
        }
        let names = ["AWS_ENDPOINT_URL_S3", "S3_ENDPOINT_URL", "AWS_ENDPOINT_URL"]
        let named = names.first { environment[$0] != nil }
        let address = named.flatMap { environment[$0] } ?? profile["endpoint_url"]
        do {
            endpoint = try address.map { try WebAddress($0) }
        } catch let error as StarlingError {
            throw StarlingError(
                .usage, "\(named ?? "endpoint_url of profile \(profile.name)"): \(error.what)", remedy: error.remedy)
        }
    }

    /// Whether a region, or a bucket, can be a part of a host's name: lower-case letters, digits and `-`.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x7A }
    }

    private static func credentials(_ environment: Environment, _ profile: AWSProfile) throws -> Credentials? {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        let missing = names.filter { environment[$0] == nil }
        if let id = environment[names[0]], let secret = environment[names[1]] {
            return Credentials(
                keyID: id, secret: secret, sessionToken: environment["AWS_SESSION_TOKEN"],
                source: "AWS_ACCESS_KEY_ID"
                    + (environment["AWS_SESSION_TOKEN"] == nil ? " (AWS_SESSION_TOKEN is not set)" : ""))
        }
        if missing.count == 1 {
            throw StarlingError(
                .usage, "\(missing[0]) is not set, but its counterpart is", remedy: "set both, or neither")
        }
        if let id = profile["aws_access_key_id"], let secret = profile["aws_secret_access_key"] {
            return Credentials(
                keyID: id, secret: secret, sessionToken: profile["aws_session_token"],
                source: "profile \(profile.name)")
        }
        let indirect = ["credential_process", "sso_session", "sso_start_url", "role_arn", "web_identity_token_file"]
        if let way = indirect.first(where: { profile[$0] != nil }) {
            throw StarlingError(
                .usage, "profile \(profile.name) gets its credentials by \(way), which is not supported",
                remedy: "put them into the environment: eval \"$(aws configure export-credentials --format env)\"")
        }
        return nil
    }
}
