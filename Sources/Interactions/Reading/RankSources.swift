import Basics
import Formats

/// What ranks must have alike of a source of which each reads a part.
struct SourceMark: Codable {
    struct File: Codable, Equatable {
        let path: String
        /// Bytes; nil where no file of this machine is meant.
        let size: Int?
        let digest: String

        static func == (one: File, other: File) -> Bool { one.size == other.size && one.digest == other.digest }
    }

    private enum Kind: String, Codable { case files, shards, stream }

    private let kind: Kind
    /// Whose paths may differ from rank to rank.
    private let files: [File]

    /// Files that are read as one.
    ///
    /// - Complexity: reads up to 256 MiB of each, and samples of larger ones.
    init(_ files: [MappedFile]) {
        kind = .files
        self.files = files.map { File(path: $0.path, size: $0.bytes.count, digest: $0.sampleDigest()) }
    }

    /// Shards: their index, and of a folder of this machine also those of which the index has no hashes.
    init(_ folder: MDSFolder) throws {
        kind = .shards
        // Sets and dictionaries have no order of their own: hashes are sorted.
        let described = folder.index.shards.map { shard in
            let files = [shard.rawData, shard.zipData].compactMap(\.self).map { file in
                "\(file.basename) \(file.bytes) \(file.hashes.sorted { $0.key < $1.key })"
            }
            return "\(shard.samples) \(shard.columns.map { "\($0.name) \($0.encoding)" }) \(files)"
        }
        var digest = Digest()
        digest.update(described.joined(separator: "\n"))
        let index = File(path: folder.store.address(of: MDSIndex.basename), size: nil, digest: digest.hex())
        let unhashed = folder.store is LocalFolder ? folder.index.shards.filter { $0.storedData.hashes.isEmpty } : []
        files =
            [index]
            + (try unhashed.map { shard in
                let path = folder.store.address(of: shard.storedData.basename)
                return SourceMark([try MappedFile(path)]).files[0]
            })
    }

    /// A stream of which each rank has its own.
    static let stream = SourceMark()

    private init() { (kind, files) = (.stream, []) }

    /// Sees to it that all ranks have the same.
    ///
    /// - Throws: `badData` that names the first rank that has other data than rank 0, and the file; on all ranks the same.
    func compare(among ranks: any Communicator) throws {
        let marks = try ranks.allGather(try JSON.bytes(self)).map {
            try JSON.decode(SourceMark.self, from: $0, file: "a rank's source")
        }
        func differ(_ what: String, _ path: String?) -> StarlingError {
            StarlingError(
                .badData, what, at: .init(file: path), remedy: "give all ranks the same data, under any path")
        }
        let first = marks[0]
        for (rank, mark) in marks.enumerated().dropFirst() {
            guard mark.name == first.name else {
                throw differ("rank \(rank) reads \(mark.name), and rank 0 \(first.name)", first.files.first?.path)
            }
            for (file, expected) in zip(mark.files, first.files) where file != expected {
                let sizes: String =
                    if let size = file.size, let there = expected.size {
                        size == there
                            ? ", though both have \(Numerals.grouped(size)) bytes"
                            : " (\(Numerals.grouped(size)) bytes, \(Numerals.grouped(there)) there)"
                    } else { "" }
                throw differ("rank \(rank) has another \(Files.name(file.path)) than rank 0\(sizes)", file.path)
            }
        }
    }

    private var name: String {
        switch kind {
        case .files: files.count == 1 ? "a file" : "\(files.count) files"
        case .shards: "shards"
        case .stream: "a stream"
        }
    }
}
