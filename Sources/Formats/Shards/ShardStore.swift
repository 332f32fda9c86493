public import Basics

/// Where the files of a data set lie: a folder of this machine, or a place on the network with a cache in between.
///
/// All calls block and may come from any thread; several threads may ask for the same file. Names are relative, with `/`
/// between folders, and hold no `..`: an ``MDSIndex`` has no others.
public protocol ShardStore: Sendable {
    /// A path, or an address without passwords, tokens or queries: for messages.
    var location: String { get }

    /// What can be said of a file without asking a server.
    func size(of name: String) -> StoredSize

    /// Lends a file of this machine that holds `name`, fetched if it is not here.
    ///
    /// A store that keeps copies fetches anew, once, what `body` finds damaged: it calls `body` again if that throws `badData`.
    /// What `body` has opened or mapped stays readable; the path is its own only until it returns.
    ///
    /// - Parameters:
    ///   - size: bytes that it must have, where that is known.
    ///   - isVerified: whether `body` compares a hash. A copy of the right size is then taken without asking a server whether
    ///     it is still the same.
    ///   - cancellation: is looked at about ten times a second.
    /// - Throws: `badData` for a file that is missing or has another size; `unavailable` where a server does not answer or
    ///   refuses; `interrupted`; what `body` throws.
    func withFile<Result>(
        _ name: String, size: Int?, isVerified: Bool, cancellation: Cancellation?,
        _ body: (_ path: String) throws -> Result
    ) throws -> Result

    /// Copies a local file there, whole or not at all, over one that bears the name.
    ///
    /// - Throws: `usage` where nothing can be written; `failed`, `unavailable`, `interrupted`.
    func put(_ path: String, as name: String, cancellation: Cancellation?) throws
}

/// What a ``ShardStore`` knows of a file.
public enum StoredSize: Sendable, Hashable {
    case bytes(Int)
    case absent
    /// It takes a server to say.
    case unknown
}

extension ShardStore {
    /// What messages call a file: its path or address.
    public func address(of name: String) -> String { location + (location.hasSuffix("/") ? "" : "/") + name }
}
