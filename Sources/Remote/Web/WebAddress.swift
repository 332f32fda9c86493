import Basics

/// An `http` or `https` address in its parts. What it may hold of secrets, the query, never shows in messages.
package struct WebAddress: Sendable, Equatable {
    var isSecure: Bool
    var host: String
    var port: Int?
    /// Percent-encoded, beginning with `/`.
    var path: String
    /// Percent-encoded, without `?`.
    var query = ""

    /// - Throws: `usage` for what is no such address, and for user names or passwords in it.
    package init(_ text: String) throws {
        let scheme = text.prefix(8).lowercased()
        guard scheme.hasPrefix("https://") || scheme.hasPrefix("http://") else {
            throw StarlingError(.usage, "an address begins with https:// or http://")
        }
        isSecure = scheme.hasPrefix("https://")
        let rest = text.dropFirst(isSecure ? 8 : 7).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw StarlingError(
                .usage, "an address holds a user name or password", remedy: "leave it out; nothing here uses it")
        }
        (host, port) = try WebAddress.split(authority)
        let tail = rest.dropFirst(authority.count)
        let path = tail.prefix { $0 != "?" }
        self.path = WebAddress.cleaned(path.isEmpty ? "/" : String(path))
        query = WebAddress.cleaned(String(tail.dropFirst(path.count + 1)))
    }

    private static func split(_ authority: Substring) throws -> (String, Int?) {
        var (host, port): (Substring, Int?) = (authority, nil)
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            port = Int(authority[colon...].dropFirst())
            if port == nil || !(1...65535).contains(port!) { host = "" }
        }
        let isPlain = host.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-._:[]".utf8.contains($0)
            }
        }
        guard !host.isEmpty, isPlain else { throw StarlingError(.usage, "the address names no usable server") }
        return (host.lowercased(), port)
    }

    /// `host`, or `host:port` where the port is not the scheme's own: what the header `Host` says.
    var authority: String {
        guard let port, port != (isSecure ? 443 : 80) else { return host }
        return "\(host):\(port)"
    }

    /// Whether nobody else can listen.
    var isThisMachine: Bool { host == "localhost" || host.hasPrefix("127.") || host == "[::1]" }

    /// The whole, as it is sent. Not for messages.
    package var text: String { shown + (query.isEmpty ? "" : "?" + query) }

    /// For messages: without the query.
    package var shown: String { (isSecure ? "https://" : "http://") + authority + path }

    /// The address of a file below this one; a query, such as an access token, is kept.
    package func appending(_ name: String) -> WebAddress {
        var result = self
        result.path += (path.hasSuffix("/") ? "" : "/") + WebAddress.encoded(name, keeping: "/")
        return result
    }

    /// The same address with these names and values behind it, besides what stands there.
    package func with(query more: [(name: String, value: String)]) -> WebAddress {
        var result = self
        let texts = more.map { "\($0.name)=" + WebAddress.encoded($0.value, keeping: ",.()*:") }
        result.query = ((query.isEmpty ? [] : [query]) + texts).joined(separator: "&")
        return result
    }

    /// Where a `Location` leads; nil where that is no address, or leads from https to http.
    package func redirected(to location: String) -> WebAddress? {
        var result: WebAddress?
        if location.hasPrefix("//") {
            result = try? WebAddress((isSecure ? "https:" : "http:") + location)
        } else if location.hasPrefix("/") {
            result = try? WebAddress((isSecure ? "https://" : "http://") + authority + location)
        } else {
            result = try? WebAddress(location)
        }
        return isSecure && result?.isSecure == false ? nil : result
    }

    /// Percent-encodes all but letters, digits, `-._~` and those to keep: RFC 3986, as Signature V4 has it.
    static func encoded(_ text: String, keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: bytes.append(byte)
            case _ where "-._~".utf8.contains(byte) || kept.utf8.contains(byte): bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Encodes only what may not stand in an address at all, so that what somebody encoded stays as it is.
    private static func cleaned(_ text: String) -> String { encoded(text, keeping: "/%!$&'()*+,;=:@?") }
}
