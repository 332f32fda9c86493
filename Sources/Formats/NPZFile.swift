import Basics
package import Kernels

/// Arrays in one of NumPy's `.npz` files, stored or compressed.
///
///     let file = try NPZFile("export.npz")
///     let factors = try file.array("user_factors").floats()
///
/// Opening reads the table of contents only. Arrays are checked (CRC-32) and, if compressed, inflated when asked
/// for; stored ones are views of the mapped file.
public final class NPZFile: Sendable {
    /// The path, or the name that stands in for one.
    public let path: String
    /// The arrays, without `.npy`, in the order of the file.
    public let names: [String]
    let archive: ZipArchive
    private let entries: [String: ZipArchive.Entry]

    /// - Throws: `badData` naming the file and what is wrong.
    public convenience init(_ path: String) throws { try self.init(MappedFile(path)) }

    /// The same for a file already in memory; `name` stands in for the path in errors.
    public convenience init(bytes: some Collection<UInt8>, name: String) throws {
        try self.init(MappedFile(copying: bytes, name: name))
    }

    /// - Parameter verifying: compare arrays that are not compressed with their CRC-32.
    package init(_ memory: MappedFile, verifying: Bool = true) throws {
        archive = try ZipArchive(memory, verifying: verifying)
        path = memory.path
        var names: [String] = []
        var entries: [String: ZipArchive.Entry] = [:]
        for entry in archive.entries where !entry.name.hasSuffix("/") {
            let name = Self.stem(entry.name)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw Subject(file: memory.path).damaged("array “\(name)” is there twice")
            }
            names.append(name)
        }
        self.names = names
        self.entries = entries
    }

    /// With or without `.npy`.
    public func contains(_ name: String) -> Bool { entries[Self.stem(name)] != nil }

    /// One array, by its name with or without `.npy`.
    /// - Throws: `badData` for a damaged array, or naming those there are.
    /// - Complexity: O(bytes), for its CRC.
    public func array(_ name: String) throws -> NPYArray { try read(name, nil) }

    /// The same for arrays of many megabytes that are to be walked once: checked in parallel, and of a stored array
    /// nothing stays in memory until it is walked.
    package func array(_ name: String, workers: Workers) throws -> NPYArray { try read(name, workers) }

    /// The same array to be read once from front to back, without ever being in memory whole.
    package func stream(_ name: String) throws -> NPYStream {
        let (entry, name, subject) = try find(name)
        return try NPYStream(entry, in: archive.memory, name: name, subject)
    }

    private func read(_ name: String, _ workers: Workers?) throws -> NPYArray {
        let (entry, name, subject) = try find(name)
        let content = try archive.content(of: entry, subject, workers: workers)
        return try NPYArray(
            content.bytes, owner: content.owner, mapped: content.isView, name: name, subject)
    }

    func find(_ name: String) throws -> (ZipArchive.Entry, name: String, Subject) {
        let name = Self.stem(name)
        guard let entry = entries[name] else {
            let known = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
            throw Subject(file: path).damaged(
                names.isEmpty
                    ? "there is no array “\(name)”: the file holds none" : "there is no array “\(name)” among \(known)")
        }
        return (entry, name, Subject(file: path, part: "array “\(name)”"))
    }

    private static func stem(_ name: String) -> String { name.hasSuffix(".npy") ? String(name.dropLast(4)) : name }
}
