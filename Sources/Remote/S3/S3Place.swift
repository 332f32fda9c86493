import Basics
import Formats
import Synchronization

/// A prefix in a bucket of Amazon S3 or of a service that speaks its language.
final class S3Place: Place {
    private let bucket: String
    /// Empty, or with a slash at the end.
    private let prefix: String
    private let settings: AWSSettings
    /// The settings' until the service says that the bucket lies in another.
    private let region: Mutex<String>

    let location: String
    var isWritable: Bool { true }
    var identity: String { "s3|\(settings.endpoint?.shown ?? "")|\(bucket)|\(prefix)" }

    /// - Parameter location: `s3://BUCKET/PREFIX`.
    init(_ location: String, _ environment: Environment) throws {
        let address = location.dropFirst(5)
        bucket = String(address.prefix { $0 != "/" })
        let prefix = address.dropFirst(bucket.count).drop { $0 == "/" }
        self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? String(prefix) : String(prefix) + "/"
        self.location = "s3://" + address
        let isPlain = bucket.utf8.allSatisfy {
            "._-".utf8.contains($0) || $0 >= 0x30 && $0 <= 0x39 || ($0 | 32) >= 0x61 && ($0 | 32) <= 0x7A
        }
        guard isPlain, bucket.utf8.count >= 3 else {
            throw StarlingError(
                .usage, "“\(bucket)” is not a bucket", at: .init(file: location), remedy: "write s3://BUCKET/PREFIX")
        }
        settings = try AWSSettings(environment)
        region = Mutex(settings.region)
    }

    func request(
        _ method: WebRequest.Method, _ name: String, headers: [String: String], body: MappedFile?
    ) throws -> WebRequest {
        var request = WebRequest(
            method: method, address: webAddress(of: prefix + name), headers: headers, body: body.map { .file($0) })
        if let body, body.bytes.count > 5 << 30 {
            throw StarlingError(
                .usage, "is larger than the 5 GiB that one request to S3 may hold", at: .init(file: body.path),
                remedy: "write it in several files")
        }
        sign(&request)
        return request
    }

    private func sign(_ request: inout WebRequest) {
        guard let credentials = settings.credentials else { return }
        var payload = Signature4.noPayload
        if case .file(let body)? = request.body { payload = body.sha256() }
        // What proxies may change on the way, such as a range, is not signed.
        let unsigned = request.headers
        request.headers = [:]
        Signature4(credentials: credentials, region: region.withLock { $0 })
            .sign(&request, payload: payload, at: Host.now())
        request.headers.merge(unsigned) { signed, _ in signed }
    }

    /// In the style of host names at Amazon's own, where the bucket's name allows it, else in that of paths.
    private func webAddress(of key: String) -> WebAddress {
        if let endpoint = settings.endpoint { return endpoint.appending(bucket + "/" + key) }
        let region = region.withLock { $0 }
        let service = "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
        let text = AWSSettings.isPlain(bucket) ? "https://\(bucket).\(service)/" : "https://\(service)/\(bucket)/"
        // The bucket and the region were checked: this is an address.
        return try! WebAddress(text).appending(key)
    }

    func learn(from head: WebHead) -> Bool {
        guard [301, 307, 400, 403].contains(head.status), let actual = head.headers["x-amz-bucket-region"],
            AWSSettings.isPlain(actual)
        else { return false }
        return region.withLock { region in
            defer { region = actual }
            return region != actual
        }
    }

    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError {
        let code = S3Place.errorCode(body)
        return refusal(head.status, code, subject, access: advice(code))
    }

    /// The word for what is wrong, out of XML that only a machine writes.
    private static func errorCode(_ xml: String) -> String {
        guard let open = xml.firstRange(of: "<Code>"),
            let close = xml[open.upperBound...].firstRange(of: "</Code>")
        else { return "" }
        return Credentials.plainWord(xml[open.upperBound..<close.lowerBound])
    }

    private func advice(_ code: String) -> String {
        guard let credentials = settings.credentials else {
            return "nothing says who asks: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and no profile has "
                + "keys; set them, or AWS_PROFILE (for roles: eval \"$(aws configure export-credentials --format env)\")"
        }
        let source = credentials.source
        return switch code {
        case "ExpiredToken", "TokenRefreshRequired": "the session of \(source) has ended: sign in again"
        case "RequestTimeTooSkewed": "set this machine's clock"
        case "InvalidAccessKeyId", "InvalidToken":
            "the service does not know the key of \(source): check it, AWS_SESSION_TOKEN, and the endpoint"
        case "SignatureDoesNotMatch":
            "the secret does not belong to the key of \(source): check AWS_SECRET_ACCESS_KEY or the profile, and the "
                + "region (\(region.withLock { $0 }))"
        default:
            "the key of \(source) may not do this: check its rights (s3:GetObject, s3:PutObject) and "
                + "the bucket's and the file's names"
        }
    }
}
