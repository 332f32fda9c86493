public import Basics

/// A data set in a folder of this machine, or of a file system that is mounted here.
public struct LocalFolder: WritableStore {
    /// Without a slash at the end.
    public let folder: String

    public var location: String { folder }

    /// - Throws: `badData` if there is no such folder.
    public init(_ folder: String) throws {
        guard Files.kind(folder) == .directory else {
            throw StarlingError(.badData, "there is no such folder", at: .init(file: folder), remedy: "check the path")
        }
        self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    }

    public func file(
        _ name: String, size: Int?, hashes: [String: String], cancellation: Cancellation?
    ) throws -> String {
        try ShardName.check(name, in: folder)
        let path = folder + "/" + name
        guard Files.kind(path) == .file else {
            throw StarlingError(
                .badData, "is missing", at: .init(file: folder, shard: name), remedy: "copy the data set again")
        }
        try ShardHash.check(path, ShardFile(name, size: size, hashes: hashes), in: folder)
        return path
    }

    public func list(matching glob: String) throws -> [String] {
        try ShardName.walk(glob) { inner in
            try Files.list(folder + "/" + inner).map { ($0, Files.kind(folder + "/" + inner + $0) == .directory) }
        }
    }

    public func put(_ path: String, as name: String, cancellation: Cancellation?) throws {
        try ShardName.check(name, in: folder)
        let target = folder + "/" + name
        try Files.makeDirectory(Files.parent(target))
        let content = try MappedFile(path)
        try Files.writeAtomically(to: target) { try $0.write(content.bytes) }
    }
}
