/// Who asks, for Signature V4.
package struct Credentials: Sendable {
    package let keyID: String
    package let secret: String
    package let sessionToken: String?
    /// Where they came from, for messages.
    package let source: String

    package init(keyID: String, secret: String, sessionToken: String?, source: String) {
        self.keyID = keyID
        self.secret = secret
        self.sessionToken = sessionToken
        self.source = source
    }

    /// A server's word for what is wrong, if it is one plain word.
    static func plainWord(_ text: some StringProtocol) -> String {
        text.utf8.count <= 64
            && text.utf8.allSatisfy({ "_-.".utf8.contains($0) || ($0 | 32) >= 0x61 && ($0 | 32) <= 0x7A })
            ? String(text) : ""
    }
}
