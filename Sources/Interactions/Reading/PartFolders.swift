import Basics

/// Training, validation and test data that lie in folders of their own beside one another, as PyTorch and Mosaic streaming
/// projects lay them out. Here, or at an address, where they are `train`, `validation` and `test`.
public struct PartFolders: Sendable, Equatable {
    public let train: String
    public let validation, test: String?

    private static let names: [[String]] = [
        ["train", "training"], ["validation", "val", "valid"], ["test", "evaluation", "eval"],
    ]

    /// - Returns: nil where the folder holds no `train` or `training`.
    /// - Throws: `badData` where two folders may be the same part.
    public init?(in folder: String) throws {
        try self.init(in: folder, Self.names) { Files.kind($0) == .directory }
    }

    /// The same at an address.
    ///
    /// - Parameter holdsShards: whether there are shards at an address; asked of three.
    public init?(at address: String, _ holdsShards: (String) throws -> Bool) throws {
        try self.init(in: address, Self.names.map { [$0[0]] }, holdsShards)
    }

    private init?(in folder: String, _ names: [[String]], _ isThere: (String) throws -> Bool) throws {
        let root = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        let found = try names.map { names in
            let there = try names.map { root + "/" + $0 }.filter(isThere)
            guard there.count <= 1 else {
                throw StarlingError(
                    .badData, "\(there.map(Files.name).joined(separator: " and ")) may both be the \(names[0]) part",
                    at: .init(file: root), remedy: "move one of them away")
            }
            return there.first
        }
        guard let train = found[0] else { return nil }
        (self.train, validation, test) = (train, found[1], found[2])
    }
}
