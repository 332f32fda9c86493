import Basics
import Formats

/// What differs between kinds of places on the network. Makes requests and understands refusals; sends nothing itself.
protocol Place: WebServer {
    /// For messages: without secrets.
    var location: String { get }
    /// What the cache knows the place by; nothing secret.
    var identity: String { get }
    /// Whether it takes files.
    var isWritable: Bool { get }

    /// A request for a file, with all that proves who asks. Header names in lower case.
    func request(
        _ method: WebRequest.Method, _ name: String, headers: [String: String], body: MappedFile?
    ) throws -> WebRequest
}

extension Place {
    /// For messages.
    func address(of name: String) -> String { location + (location.hasSuffix("/") ? "" : "/") + name }

    /// What all kinds of places mean by a status. `access` says what to check where access was refused.
    func refusal(_ status: Int, _ detail: String, _ subject: String, access: String) -> StarlingError {
        let place = StarlingError.Place(file: subject)
        let said = "(\(status)\(detail.isEmpty ? "" : " " + detail))"
        return switch status {
        case 401, 403: StarlingError(.unavailable, "access is refused \(said)", at: place, remedy: access)
        case 404, 410:
            StarlingError(.badData, "is not there \(said)", at: place, remedy: "check the address and the name")
        default: StarlingError(.unavailable, "the server answered \(said)", at: place, remedy: "check the address")
        }
    }
}
