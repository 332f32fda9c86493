import Basics

/// A PostgreSQL database and a table in it, as one address: `postgres://USER@HOST/DATABASE?table=ratings&sslmode=require`.
///
/// What stands behind `?` is libpq's, but for `table`. The password may stand in the address; better places are `PGPASSWORD`,
/// `~/.pgpass` and a service file, which libpq reads.
package struct PostgresAddress: Sendable, Equatable {
    /// What libpq takes. Holds the password.
    package let connection: String
    /// For messages: without the password.
    package let shown: String
    /// What must not show in messages.
    package let secrets: [String]
    /// Perhaps with a schema before it; nil if the address names none.
    package let table: String?

    /// - Throws: `usage` for what is no such address.
    package init(_ text: String) throws {
        guard let scheme = ["postgres://", "postgresql://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            throw StarlingError(.usage, "an address of PostgreSQL begins with postgres:// or postgresql://")
        }
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var (options, table): ([Substring], String?) = ([], nil)
        var secrets: [Substring] = []
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let value = option.drop { $0 != "=" }.dropFirst()
            switch option.prefix(while: { $0 != "=" }).lowercased() {
            case "table": table = Self.decoded(value)
            case let name:
                options.append(option)
                if name.contains("password") { secrets.append(value) }
            }
        }
        let body = parts[0].dropFirst(scheme.count)
        let authority = body.prefix { $0 != "/" }
        var plain = body[...]
        if let at = authority.lastIndex(of: "@") {
            let user = authority[..<at].prefix { $0 != ":" }
            secrets.append(authority[..<at].dropFirst(user.count).dropFirst())
            plain = user + body[at...]
        }
        connection = parts[0] + (options.isEmpty ? "" : "?" + options.joined(separator: "&"))
        let harmless = options.filter { !$0.lowercased().contains("password") } + (table.map { ["table=\($0)"] } ?? [])
        shown = scheme + plain + (harmless.isEmpty ? "" : "?" + harmless.joined(separator: "&"))
        self.secrets = secrets.flatMap { [String($0), Self.decoded($0)] }.filter { !$0.isEmpty }
        self.table = table
    }

    /// A message without what must not show.
    package func harmless(_ message: String) -> String {
        secrets.reduce(message) { text, secret in text.split(separator: secret).joined(separator: "***") }
    }

    private static func decoded(_ text: Substring) -> String {
        var (bytes, rest): ([UInt8], Substring.UTF8View) = ([], text.utf8)
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count > 1
            {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Names in SQL.
enum SQLName {
    /// `"user_id"`.
    static func quoted(_ name: some StringProtocol) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// `"public"."ratings"` of `public.ratings`.
    static func table(_ name: String) -> String {
        name.split(separator: ".", maxSplits: 1).map { quoted($0) }.joined(separator: ".")
    }
}
