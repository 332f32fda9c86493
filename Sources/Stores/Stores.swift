import Basics
import Remote
public import Training

/// Opens what an address of a table names.
public enum Stores {
    /// The store of an address:
    ///
    /// - `sqlite:FILE[?table=NAME]`
    /// - `postgres://USER@HOST/DATABASE[?table=NAME&sslmode=…]`, also `postgresql://`
    /// - `supabase:TABLE[?schema=NAME&rate=REQUESTS&body=BYTES&parallel=N&rows=N&vectors=list|text]`; project and key come from `supabase`, or else
    ///   from `SUPABASE_URL` and `SUPABASE_SERVICE_ROLE_KEY` or `SUPABASE_KEY`.
    ///
    /// Without a table's name interactions are read from `ratings`.
    ///
    /// - Returns: nil for what is none of these.
    /// - Throws: `usage` for addresses that cannot be understood and where something is missing.
    public static func open(_ location: String, supabase: SupabaseAccess = SupabaseAccess()) throws -> (any Store)? {
        switch location.prefix(while: { $0 != ":" }).lowercased() {
        case "sqlite" where location.count > "sqlite:".count: return try SQLiteStore(address: location)
        case "postgres", "postgresql": return try PostgresStore(location)
        case "supabase":
            let parts = location.dropFirst("supabase:".count).split(separator: "?", maxSplits: 1)
            let isBare = location.hasPrefix("supabase:?")
            let table = isBare ? "ratings" : parts.first.map(String.init) ?? "ratings"
            var settings = try supabase.settings()
            for option in (isBare ? parts.first : parts.dropFirst().first)?.split(separator: "&") ?? [] {
                try set(option, &settings)
            }
            return try SupabaseStore(settings, table: table, address: location)
        default: return nil
        }
    }

    private static func set(_ option: Substring, _ settings: inout SupabaseSettings) throws {
        let value = option.drop { $0 != "=" }.dropFirst()
        switch (option.prefix(while: { $0 != "=" }), Double(value), Int(value)) {
        case ("schema", _, _) where !value.isEmpty: settings.schema = String(value)
        case ("vectors", _, _) where value == "text" || value == "list": settings.sendsTexts = value == "text"
        case ("rate", let rate?, _) where rate > 0: settings.requestsPerSecond = rate
        case ("body", _, let bytes?) where bytes >= 1000: settings.bodyBytes = bytes
        case ("parallel", _, let count?) where (1...64).contains(count): settings.parallel = count
        case ("rows", _, let rows?) where rows >= 2: settings.pageRows = rows
        default:
            throw StarlingError(
                .usage, "“\(option)” is no option of Supabase",
                remedy:
                    "there are schema=NAME, rate=REQUESTS A SECOND, body=BYTES from 1000, parallel=1…64, rows=N, vectors=list|text"
            )
        }
    }
}

/// Where a Supabase project is and with what key, as they were given; what was not comes from the environment.
public struct SupabaseAccess: Sendable {
    public var url: String?
    public var key: String?
    /// A file whose first line is the key.
    public var keyFile: String?

    public init(url: String? = nil, key: String? = nil, keyFile: String? = nil) {
        (self.url, self.key, self.keyFile) = (url, key, keyFile)
    }

    func settings() throws -> SupabaseSettings {
        func variable(_ names: String...) -> String? {
            names.lazy.compactMap(Host.variable).first
        }
        guard let url = url ?? variable("SUPABASE_URL") else {
            throw StarlingError(
                .usage, "the Supabase project is not named",
                remedy: "name it with --supabase-url https://REF.supabase.co, or in SUPABASE_URL")
        }
        var key = key
        if key == nil, let file = keyFile ?? variable("SUPABASE_KEY_FILE") {
            key = try Files.readText(file).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        }
        guard let key = key ?? variable("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_KEY") else {
            throw StarlingError(
                .usage, "the key of the Supabase project is missing",
                remedy: "set SUPABASE_KEY, or name a file that holds it with --supabase-key-file")
        }
        return SupabaseSettings(url: url, key: key)
    }
}
