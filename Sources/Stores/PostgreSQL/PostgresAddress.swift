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
        let body = text.dropFirst(scheme.count)
        let authority = body.prefix { !"/?#".contains($0) }
        let parts = body.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let given = parts.count > 1 ? parts[1].split(separator: "&") : []
        // Where an @ stands elsewhere, or twice, a password's characters were taken for the address's own.
        guard authority.count(where: { $0 == "@" }) == body.count(where: { $0 == "@" }),
            authority.count(where: { $0 == "@" }) < 2,
            given.allSatisfy({ $0.contains("=") })
        else {
            throw StarlingError(
                .usage, "the address of PostgreSQL cannot be taken apart",
                remedy:
                    "percent-encode what is not a letter or digit in the password (@ is %40, / %2F, ? %3F), or put it into PGPASSWORD"
            )
        }
        var (options, table): ([Substring], String?) = ([], nil)
        var secrets: [Substring] = []
        for option in given {
            let value = option.drop { $0 != "=" }.dropFirst()
            switch option.prefix(while: { $0 != "=" }).lowercased() {
            case "table": table = Self.decoded(value)
            case let name:
                options.append(option)
                if name.contains("password") { secrets.append(value) }
            }
        }
        var plain = parts[0]
        if let at = authority.firstIndex(of: "@") {
            let user = authority[..<at].prefix { $0 != ":" }
            secrets.append(authority[..<at].dropFirst(user.count).dropFirst())
            plain = user + parts[0][at...]
        }
        // A server that went away is noticed within minutes, unless the address says otherwise.
        var all = options
        for (name, value) in [
            ("connect_timeout", "30"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "60000"),
        ] where !options.contains(where: { $0.hasPrefix(name + "=") }) {
            all.append("\(name)=\(value)")
        }
        connection = scheme + parts[0] + "?" + all.joined(separator: "&")
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
