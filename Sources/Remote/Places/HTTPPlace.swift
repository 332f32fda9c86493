import Basics
import Formats

/// A folder of a web server, which takes no files.
struct HTTPPlace: Place {
    let base: WebAddress

    var location: String { base.shown }
    var identity: String { base.shown }
    var isWritable: Bool { false }

    init(_ address: String) throws {
        base = try WebAddress(address)
    }

    func request(
        _ method: WebRequest.Method, _ name: String, headers: [String: String], body: MappedFile?
    ) throws -> WebRequest {
        WebRequest(method: method, address: base.appending(name), headers: headers, body: body.map { .file($0) })
    }

    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError {
        refusal(
            head.status, "", subject,
            access: base.query.isEmpty
                ? "check the address; the server wants to know who asks, and nothing in the address tells it"
                : "check the address, and whether the access token in it is still good")
    }
}
