import Basics
public import Remote

/// Where a Supabase project is, who asks, and how hard.
public struct SupabaseSettings: Sendable {
    /// `https://REF.supabase.co`.
    public var url: String
    /// Goes in the headers `apikey` and `Authorization`, and nowhere else.
    public var key: String
    /// The schema that tables lie in; the server's first by default.
    public var schema: String?
    /// Requests under way at once, 4 by default.
    public var parallel = 4
    /// Rows asked for in a request, 1,000 by default, which is what Supabase gives at most unless told otherwise.
    public var pageRows = 1000
    /// Bytes of a request's body at most, 1 MB by default.
    public var bodyBytes = 1_000_000
    /// Whether vectors go as texts like `[0.5,-1]`, which pgvector reads, and not as lists.
    public var sendsTexts = false
    /// Requests a second at most; nil for no limit.
    public var requestsPerSecond: Double?
    /// How patiently a server that is busy or away is asked again.
    public var patience = RemoteOptions()

    public init(url: String, key: String) { (self.url, self.key) = (url, key) }
}

/// A table behind PostgREST, as a server that answers in its own way.
struct PostgREST: WebServer {
    let settings: SupabaseSettings
    private let base: WebAddress

    init(_ settings: SupabaseSettings) throws {
        self.settings = settings
        do {
            let root = try WebAddress(settings.url)
            base = root.text.hasSuffix("/rest/v1") ? root : root.appending("rest/v1")
        } catch let error as StarlingError {
            throw StarlingError(
                .usage, "the address of the Supabase project: \(error.what)",
                remedy: "it looks like https://REF.supabase.co")
        }
        guard !settings.key.isEmpty, settings.key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw StarlingError(
                .usage, "the key of the Supabase project is missing or has characters that no key has",
                remedy: "set SUPABASE_KEY, or name its file with --supabase-key-file")
        }
    }

    /// For messages.
    func location(of table: String) -> String { base.appending(table).shown }

    /// A request about a table.
    ///
    /// - Parameter query: names and values, not encoded.
    func request(
        _ method: WebRequest.Method, _ table: String, _ query: [(String, String)], prefer: String? = nil,
        body: [UInt8]? = nil
    ) -> WebRequest {
        var headers = ["apikey": settings.key, "accept": "application/json"]
        // Keys of the newer kind are no tokens; gateways take them by `apikey` alone.
        if !settings.key.hasPrefix("sb_") { headers["authorization"] = "Bearer \(settings.key)" }
        if let prefer { headers["prefer"] = prefer }
        if let schema = settings.schema { headers[method == .get ? "accept-profile" : "content-profile"] = schema }
        if body != nil { headers["content-type"] = "application/json" }
        return WebRequest(
            method: method, address: base.appending(table).with(query: query), headers: headers,
            body: body.map { .bytes($0) })
    }

    /// What the body of a refusal says.
    struct Refusal: Decodable {
        let code, message, details, hint: String?
    }

    private func said(_ body: String) -> Refusal? {
        let harmless = body.split(separator: settings.key, omittingEmptySubsequences: false).joined(separator: "***")
        return try? JSON.decode(Refusal.self, from: Array(harmless.utf8), file: "")
    }

    func reason(of body: String) -> String? {
        said(body).flatMap { said in said.message.map { $0 + (said.code.map { " (\($0))" } ?? "") } }
    }

    func refusal(_ head: WebHead, _ body: String, _ subject: String) -> StarlingError {
        let said = said(body)
        let message = said?.message ?? "the server answered \(head.status)"
        func error(_ kind: StarlingError.Code, _ remedy: String?) -> StarlingError {
            StarlingError(
                kind, message, at: .init(file: subject), remedy: remedy,
                cause: ServerRefusal(status: head.status, code: said?.code))
        }
        switch (head.status, said?.code ?? "") {
        case (_, "42703"), (_, "PGRST204"): return error(.badData, "check the names of the columns")
        case (_, "42P01"), (_, "PGRST205"), (404, _):
            return error(
                .badData, "check the table's name and schema; a new table is known after a reload of the schema")
        case (_, "42P10"):
            return error(.badData, "the id column needs a primary key or a unique constraint")
        case (401, "42501"), (403, _):
            return error(
                .unavailable, "the key's role may not do this: use the service key, or grant it, or add a policy")
        case (401, _): return error(.unavailable, "check the key and that it is this project's")
        case (413, _): return error(.unavailable, "send less at a time: supabase:TABLE?body=100000")
        case (_, let code) where code.hasPrefix("22") || code.hasPrefix("23"): return error(.badData, said?.details)
        case (400, _), (409, _), (416, _): return error(.badData, said?.hint ?? said?.details)
        default: return error(.unavailable, "check the address")
        }
    }
}
