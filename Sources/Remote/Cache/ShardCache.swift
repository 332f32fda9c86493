import Basics

/// A folder that keeps files from the network, up to a number of bytes; those used last stay longest.
///
/// Any number of processes may share one, on one machine: locks see to it that each file is fetched once, and a process
/// that wants a file which another is fetching waits for it. A process that is killed leaves nothing that has to be
/// cleared away: its locks end with it, the next that wants the file goes on with what had come of it, and
/// partial files that nobody wants are removed after a day, or when room is needed.
///
/// A file that a process has open or mapped may be dropped all the same: on Unix its content stays readable until it is
/// closed, and the space is given back then. While several files are fetched at the same time the limit may be exceeded by
/// what has come of them.
public struct ShardCache: Sendable {
    public let folder: String
    /// In bytes. A file that is larger is fetched all the same, and is then alone in the cache.
    public let limit: Int

    /// - Parameters:
    ///   - folder: made if it is not there; by default `STARLING_CACHE`, else `starling` in `XDG_CACHE_HOME`, else
    ///     `~/.cache/starling`.
    ///   - limit: by default `STARLING_CACHE_LIMIT` (`20gb`; units of 1024), else half of what is free or already cached.
    /// - Throws: `usage` for a limit that is not one, `failed` if the folder cannot be made.
    public init(folder: String? = nil, limit: Int? = nil) throws {
        try self.init(folder: folder, limit: limit, .process)
    }

    package init(folder: String? = nil, limit: Int? = nil, _ environment: Environment) throws {
        guard let place = folder ?? ShardCache.standardFolder(environment) else {
            throw StarlingError(
                .usage, "there is no place for a cache: neither STARLING_CACHE nor HOME is set",
                remedy: "set STARLING_CACHE")
        }
        try Files.makeDirectory(place)
        self.folder = place
        if let limit {
            self.limit = limit
        } else if let text = environment["STARLING_CACHE_LIMIT"] {
            self.limit = try ShardCache.bytes(text)
        } else {
            self.limit =
                ((Files.freeBytes(place) ?? 1 << 40) + ShardCache.contents(place).reduce(0) { $0 + $1.size }) / 2
        }
    }

    private static func standardFolder(_ environment: Environment) -> String? {
        environment["STARLING_CACHE"] ?? environment["XDG_CACHE_HOME"].map { $0 + "/starling" }
            ?? environment["HOME"].map { $0 + "/.cache/starling" }
    }

    /// `1048576`, `512mb`, `20gb`: units of 1024, as Mosaic's streaming has them.
    private static func bytes(_ text: String) throws -> Int {
        let lower = text.lowercased().filter { !$0.isWhitespace }
        let digits = lower.prefix { $0.isNumber || $0 == "." }
        let units = ["": 0, "b": 0, "kb": 10, "mb": 20, "gb": 30, "tb": 40]
        guard let value = Double(digits), let shift = units[String(lower.dropFirst(digits.count))],
            value * Double(1 << shift) < 9e18
        else {
            throw StarlingError(
                .usage, "STARLING_CACHE_LIMIT is “\(text)”", remedy: "write a number of bytes, or such as 512mb or 20gb"
            )
        }
        return Int(value * Double(1 << shift))
    }

    /// The folder of a place, made if it is not there.
    func folder(of place: any Place) throws -> String {
        let kind = place.location.prefix { $0.isLetter || $0.isNumber }
        let path = folder + "/\(kind)-\(Signature4.hash(place.identity).prefix(24))"
        let about = path + "/~place"
        if !Files.exists(about) {
            try Files.makeDirectory(path)
            let writer = try FileWriter(creating: about)
            try writer.write(place.location + "\n")
            try writer.close(synced: false)
        }
        return path
    }
}
