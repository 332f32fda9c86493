public import Basics

/// A data set in a folder of this machine, or of a file system that is mounted here.
public struct LocalFolder: ShardStore {
    public let location: String

    /// - Throws: `badData` if there is no such folder.
    public init(_ path: String) throws {
        guard Files.kind(path) == .directory else {
            throw StarlingError(.badData, "there is no such folder", at: .init(file: path), remedy: "check the path")
        }
        location = path
    }

    public func size(of name: String) -> StoredSize { Files.size(address(of: name)).map { .bytes($0) } ?? .absent }

    public func withFile<Result>(
        _ name: String, size: Int?, isVerified: Bool, cancellation: Cancellation?,
        _ body: (_ path: String) throws -> Result
    ) throws -> Result {
        try body(address(of: name))
    }

    public func put(_ path: String, as name: String, cancellation: Cancellation?) throws {
        let target = address(of: name)
        try Files.makeDirectory(Files.parent(target))
        let content = try MappedFile(path)
        try withExtendedLifetime(content) {
            try Files.writeAtomically(to: target) { try $0.write(content.bytes) }
        }
    }
}
