public import Basics
public import Formats
import Synchronization

/// A data set on the network, read through a cache.
///
/// A copy in the cache is used again if it has the size that is asked for and its reader compares hashes, or if it is, as the
/// server says when asked by its entity tag, what the server still has; that is asked once a process. So a data set
/// without hashes costs a short request for each shard and process, and one with hashes costs none but for its index. A copy
/// that its reader finds damaged is fetched again, once.
///
/// Made by ``ShardStores/open(_:cache:options:)``.
public final class RemoteStore: ShardStore {
    private let place: any Place
    let session: WebSession
    let cache: ShardCache
    private let folder: String
    /// The content that files had which are known to be what the server has.
    private let current = Mutex<[String: UInt64]>([:])

    public var location: String { place.location }

    init(_ place: any Place, _ cache: ShardCache, _ options: RemoteOptions) throws {
        self.place = place
        session = WebSession(server: place, options: options)
        self.cache = cache
        folder = try cache.folder(of: place)
        cache.removeLeftovers()
    }

    public func size(of name: String) -> StoredSize { .unknown }

    public func withFile<Result>(
        _ name: String, size: Int?, isVerified: Bool, cancellation: Cancellation?,
        _ body: (_ path: String) throws -> Result
    ) throws -> Result {
        let entry = CacheEntry(name, in: folder)
        var (drops, damages) = (0, 0)
        while true {
            let content = try bring(name, entry, size, isVerified, cancellation)
            do {
                return try body(entry.path)
            } catch let error as StarlingError where error.code == .badData {
                if content == entry.identity(size: size) {
                    try discard(entry, content, cancellation)
                    damages += 1
                    if damages == 2 { throw error }
                } else {
                    // Dropped, or replaced, before it could be opened.
                    drops += 1
                    if drops == 3 { throw droppedAtOnce(name, error) }
                }
            }
        }
    }

    /// Sees to it that the cache has a file of the right size, as far as can be told the server's.
    ///
    /// - Returns: the identity of its content.
    private func bring(
        _ name: String, _ entry: CacheEntry, _ size: Int?, _ isVerified: Bool, _ cancellation: Cancellation?
    ) throws -> UInt64 {
        func atHand() -> UInt64? {
            guard let content = entry.identity(size: size) else { return nil }
            return isVerified || content == current.withLock { $0[name] } ? content : nil
        }
        func found() -> UInt64? {
            guard let content = atHand() else { return nil }
            entry.touch()
            return content
        }
        if let content = found() { return content }
        return try FileLock.with(entry.lockPath, cancellation) {
            // Another thread or process may have been quicker.
            if let content = found() { return content }
            try fetch(name, entry, size, cancellation)
            guard let content = entry.identity(size: nil) else { throw droppedAtOnce(name, nil) }
            entry.touch()
            current.withLock { $0[name] = content }
            return content
        }
    }

    /// Asks whether what the cache has is what the server has, and fetches where it is not. The lock must be held.
    private func fetch(_ name: String, _ entry: CacheEntry, _ size: Int?, _ cancellation: Cancellation?) throws {
        let note = entry.note
        var validator: String?
        if entry.identity(size: size) != nil, entry.identity(size: note.size) != nil {
            validator = note.validator
            // Of a server that names no states, a file of the right size has to do.
            if validator == nil, size != nil { return }
        }
        let download = Download(
            place: place, session: session, cache: cache, entry: entry, name: name, size: size,
            cancellation: cancellation)
        guard case .fetched(let note) = try download.run(unless: validator) else { return }
        try entry.commit(note)
        try cache.makeRoom(for: 0, keeping: entry, cancellation)
    }

    private func discard(_ entry: CacheEntry, _ content: UInt64, _ cancellation: Cancellation?) throws {
        try FileLock.with(entry.lockPath, cancellation) {
            if entry.identity(size: nil) == content { entry.removeContent() }
        }
    }

    private func droppedAtOnce(_ name: String, _ cause: (any Error)?) -> StarlingError {
        StarlingError(
            .failed, "the cache \(cache.folder) drops the file as soon as it is there",
            at: .init(file: address(of: name)), remedy: "give the cache a larger limit with STARLING_CACHE_LIMIT",
            cause: cause)
    }

    /// Sends a local file. It does not enter the cache.
    ///
    /// - Throws: `usage` for web servers, which take none; `failed` if the file cannot be read; `unavailable`; `interrupted`.
    public func put(_ path: String, as name: String, cancellation: Cancellation?) throws {
        guard place.isWritable else {
            throw StarlingError(
                .usage, "a web server takes no files", at: .init(file: location),
                remedy: "name a folder, s3://BUCKET/PREFIX or dbfs:/Volumes/…")
        }
        let content = try MappedFile(path)
        try session.send(address(of: name), cancellation) {
            try place.request(.put, name, headers: [:], body: content)
        } receive: { exchange, _ in
            _ = try exchange.rest(limit: 1 << 14)
        }
    }
}
