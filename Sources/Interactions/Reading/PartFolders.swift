import Basics

/// Training, validation and test data that lie in folders of their own beside one another, as PyTorch and Mosaic streaming
/// projects lay them out.
public struct PartFolders: Sendable, Equatable {
    public let train: String
    public let validation, test: String?

    private static let names: [[String]] = [
        ["train", "training"], ["validation", "val", "valid"], ["test", "evaluation", "eval"],
    ]

    /// - Returns: nil where the folder holds no `train` or `training`.
    /// - Throws: `badData` where two folders may be the same part.
    public init?(in folder: String) throws {
        let root = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        guard Files.kind(root) == .directory else { return nil }
        let found = try Self.names.map { names in
            let there = names.map { root + "/" + $0 }.filter { Files.kind($0) == .directory }
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
