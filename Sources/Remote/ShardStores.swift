import Basics
public import Formats

/// Opens what a location names, be it a folder or an address.
public enum ShardStores {
    /// The place of a location:
    ///
    /// - `https://…`, `http://…`: a folder of a web server; a query in the address goes with every request.
    /// - `s3://BUCKET/PREFIX`: Amazon S3, or another service that speaks its language. Read from the environment, as all
    ///   tools do: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or
    ///   `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_S3`, `S3_ENDPOINT_URL` or `AWS_ENDPOINT_URL`, and `~/.aws` with
    ///   `AWS_PROFILE`. Without credentials requests are anonymous, as public buckets allow.
    /// - `dbfs:/Volumes/…`: the mounted `/Volumes/…` where that exists; else the Databricks Files API at `DATABRICKS_HOST`
    ///   with `DATABRICKS_TOKEN`.
    /// - anything else: the path of a folder of this machine.
    ///
    /// `AWS_CA_BUNDLE` or `SSL_CERT_FILE` names certificates to trust in place of the system's. Servers' certificates are
    /// always checked.
    ///
    /// ```swift
    /// let data = try MDSFolder(ShardStores.open("s3://bucket/ratings"))
    /// ```
    ///
    /// - Parameters:
    ///   - cache: where files from the network are kept; by default ``ShardCache/init(folder:limit:)``'s own. Not used for
    ///     folders.
    ///   - options: how patient to be.
    /// - Throws: `usage` for other addresses and where the environment lacks something; `badData` for a missing folder.
    public static func open(
        _ location: String, cache: ShardCache? = nil, options: RemoteOptions = RemoteOptions()
    ) throws -> any ShardStore {
        try open(location, cache: cache, options: options, environment: .process)
    }

    /// Whether a location is an address that ``open(_:cache:options:)`` knows, rather than a path.
    public static func isAddress(_ location: String) -> Bool {
        ["http", "https", "s3", "dbfs"].contains(scheme(location))
    }

    /// - Parameter mount: what stands before `/Volumes` where volumes are mounted.
    package static func open(
        _ location: String, cache: ShardCache?, options: RemoteOptions = RemoteOptions(), environment: Environment,
        mount: String = ""
    ) throws -> any ShardStore {
        let place: any Place
        switch scheme(location) {
        case "http", "https": place = try HTTPPlace(location)
        case "s3": place = try S3Place(location, environment)
        case "dbfs":
            // `dbfs:/Volumes/a/` and `dbfs:///Volumes/a` are both `/Volumes/a`.
            let path = "/" + location.dropFirst(5).split(separator: "/").joined(separator: "/")
            guard path.hasPrefix("/Volumes/"), !path.split(separator: "/").contains("..") else {
                throw StarlingError(
                    .usage, "only volumes can be read", at: .init(file: "dbfs:" + path),
                    remedy: "write dbfs:/Volumes/CATALOG/SCHEMA/VOLUME/…")
            }
            if Files.kind(mount + path) == .directory { return try LocalFolder(mount + path) }
            place = try DatabricksPlace(path, environment)
        case let scheme?:
            throw StarlingError(
                .usage, "addresses that begin with “\(scheme.prefix(16))://” are not supported",
                remedy: "use https://, s3://, dbfs:/Volumes/… or a folder")
        case nil: return try LocalFolder(location)
        }
        return try RemoteStore(place, cache ?? ShardCache(environment), options)
    }

    /// Lower-case `s3` of `s3://…`; nil for paths.
    private static func scheme(_ location: String) -> String? {
        let scheme = location.prefix { $0 != ":" && $0 != "/" }.lowercased()
        let rest = location.dropFirst(scheme.count)
        return !scheme.isEmpty && (rest.hasPrefix("://") || scheme == "dbfs" && rest.hasPrefix(":")) ? scheme : nil
    }
}
