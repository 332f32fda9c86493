package import Basics

/// What a ``WebSession`` asks of what it talks to.
package protocol WebServer: Sendable {
    /// Whether an answer taught something that makes the same request worth making anew, at once.
    func learn(from head: WebHead) -> Bool

    /// Whether a status means that the same request may succeed later.
    func isBusy(_ status: Int) -> Bool

    /// What the body of an answer says of why; nil where nothing that people can use.
    func reason(of body: String) -> String?

    /// The error that an answer means.
    ///
    /// - Parameter subject: what the request was about, for messages.
    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError
}

extension WebServer {
    package func reason(of body: String) -> String? { nil }

    package func learn(from head: WebHead) -> Bool { false }

    package func isBusy(_ status: Int) -> Bool {
        switch status {
        case 408, 429, 500, 502...504, 506...599: true
        default: false
        }
    }
}
