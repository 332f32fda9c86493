package import Formats

/// A request, ready to be sent.
package struct WebRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", put = "PUT", post = "POST", delete = "DELETE" }

    package enum Body: Sendable {
        case file(MappedFile)
        case bytes([UInt8])
    }

    package var method: Method
    package var address: WebAddress
    /// Names in lower case.
    package var headers: [String: String]
    package var body: Body?

    package init(
        method: Method = .get, address: WebAddress, headers: [String: String] = [:], body: Body? = nil
    ) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
    }
}

/// What a server answers, but for the body.
package struct WebHead: Sendable {
    package let status: Int
    /// Names in lower case; of repeated ones the last.
    package let headers: [String: String]

    /// Bytes of the body, where the server says it.
    var length: Int? { headers["content-length"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }

    /// What makes a later request conditional on the same content: a strong entity tag or else the date; nil for none.
    var validator: String? {
        if let tag = headers["etag"], tag.hasPrefix("\"") { return tag }
        return headers["last-modified"]
    }

    /// The first byte and the whole length that a partial answer states.
    var range: (start: Int, total: Int?)? {
        guard let text = headers["content-range"], text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        guard let first = parts.first?.split(separator: "-").first.flatMap({ Int($0) }) else { return nil }
        return (first, parts.count == 2 ? Int(parts[1]) : nil)
    }
}
