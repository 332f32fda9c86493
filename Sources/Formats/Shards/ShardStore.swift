public import Basics

/// Where the files of a data set lie: a folder, or a place on the network with a cache in between.
///
/// All calls block and may come from any thread; several threads may ask for the same file.
public protocol ShardStore: Sendable {
    /// For messages: an address without passwords, tokens or queries.
    var location: String { get }

    /// The path of a file of this machine that holds `name`, fetched if it is not here.
    ///
    /// - Parameters:
    ///   - name: relative, with `/` between folders.
    ///   - size: bytes it must have, where that is known.
    ///   - hashes: what it must hash to, as an MDS index names it (`["sha1": "…"]`, hexadecimal). Algorithms
    ///     that ``ShardHash`` does not know are passed over.
    ///   - cancellation: is looked at about ten times a second.
    /// - Throws: `badData` for a file that is missing, or of another size or hash; `usage` for a name that leads out
    ///   of the place; `unavailable` where a server does not answer or refuses; `interrupted`.
    func file(_ name: String, size: Int?, hashes: [String: String], cancellation: Cancellation?) throws -> String

    /// The names of the files that match a glob, sorted by their bytes. `*`, `?` and `[…]` do not match `/`.
    func list(matching glob: String) throws -> [String]
}

/// A place that can be written to.
public protocol WritableStore: ShardStore {
    /// Copies a local file there, whole or not at all, over one that bears the name.
    func put(_ path: String, as name: String, cancellation: Cancellation?) throws
}

/// A file of a data set and what is known of its content.
public struct ShardFile: Hashable, Sendable {
    /// Relative to the place, with `/` between folders.
    public var name: String
    /// In bytes.
    public var size: Int?
    /// Hexadecimal, by algorithm.
    public var hashes: [String: String]

    public init(_ name: String, size: Int? = nil, hashes: [String: String] = [:]) {
        self.name = name
        self.size = size
        self.hashes = hashes
    }
}

extension ShardStore {
    /// The path of a file of this machine that holds `file`.
    public func path(of file: ShardFile, cancellation: Cancellation? = nil) throws -> String {
        try self.file(file.name, size: file.size, hashes: file.hashes, cancellation: cancellation)
    }

    /// The file in memory. Once mapped, it stays readable even if the cache that it lies in drops it; between the path
    /// and the mapping it might be dropped, and is then fetched again.
    public func map(_ file: ShardFile, cancellation: Cancellation? = nil) throws -> MappedFile {
        for _ in 0..<3 {
            let path = try path(of: file, cancellation: cancellation)
            do {
                return try MappedFile(path)
            } catch  where !Files.exists(path) {
                continue
            }
        }
        throw StarlingError(
            .failed, "the cache drops the file as soon as it is there", at: .init(file: location, shard: file.name),
            remedy: "give the cache a larger limit")
    }
}
