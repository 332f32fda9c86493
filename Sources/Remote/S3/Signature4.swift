import Basics
import Crypto

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// AWS Signature Version 4, in the `Authorization` header.
///
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
package struct Signature4: Sendable {
    let credentials: Credentials
    let region: String
    let service: String

    package init(credentials: Credentials, region: String, service: String = "s3") {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// SHA-256 of no bytes.
    package static let noPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Adds the headers that prove who asks. All headers that the request has by then are signed.
    ///
    /// - Parameters:
    ///   - payload: SHA-256 of the body, hexadecimal.
    ///   - seconds: the time, since 1970.
    package func sign(_ request: inout WebRequest, payload: String, at seconds: Double) {
        let time = Signature4.timestamp(seconds)
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        request.headers["x-amz-date"] = time
        if service == "s3" { request.headers["x-amz-content-sha256"] = payload }
        if let token = credentials.sessionToken { request.headers["x-amz-security-token"] = token }

        var signed = request.headers
        signed["host"] = request.address.authority
        let names = signed.keys.sorted()
        let canonical =
            ([request.method.rawValue, request.address.path, Signature4.sorted(request.address.query)]
            + names.map { $0 + ":" + Signature4.collapsed(signed[$0]!) }
            + ["", names.joined(separator: ";"), payload]).joined(separator: "\n")
        let text = ["AWS4-HMAC-SHA256", time, scope, Signature4.hash(canonical)].joined(separator: "\n")

        var key = SymmetricKey(data: Array("AWS4".utf8) + Array(credentials.secret.utf8))
        for part in [String(time.prefix(8)), region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        let signature = Signature4.hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
        request.headers["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(credentials.keyID)/\(scope), "
            + "SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
    }

    /// `20130524T000000Z`.
    static func timestamp(_ seconds: Double) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + String(value) }
        return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
    }

    /// The parameters in order of their names, each with `=`.
    private static func sorted(_ query: String) -> String {
        query.split(separator: "&").map { $0.contains("=") ? String($0) : $0 + "=" }
            .map { pair in (pair.prefix { $0 != "=" }, pair) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map(\.1).joined(separator: "&")
    }

    /// Without spaces at the ends, and with single ones within.
    private static func collapsed(_ value: String) -> String { value.split(separator: " ").joined(separator: " ") }

    static func hash(_ text: String) -> String { hex(SHA256.hash(data: Array(text.utf8))) }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
