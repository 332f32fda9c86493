import Basics
package import Formats

/// A source of which any stretch can be read by itself, again and again, in bounded memory: NumPy arrays that are not compressed
/// (`.npy`, `.npz`) and MDS shards, with ids that are whole numbers. Nothing but headers was read of it yet.
package struct PassableSource: Sendable {
    /// Interactions of a slice; the fingerprint's slices are the same.
    package static let sliceSize = 1 << 20

    enum Content: Sendable {
        case pairs([MappedFile])
        case arrays([MappedFile], [ArrayOutline])
        case shards(MDSFolder, MDSRoles)
    }

    let content: Content
    /// Interactions of each file or shard.
    let counts: [Int]
    package let hasValues: Bool
    package let hasTimes: Bool
    /// For the ingestion report.
    let format: String
    let files: [String]
    let sliceSize: Int

    /// - Throws: `usage` that says why this source, or what the options want of it, takes a log in memory; what opening it throws.
    /// - Complexity: O(files).
    package init(_ source: String, options: ReadingOptions, sliceSize: Int = Self.sliceSize) throws {
        if case .files(let paths) = try SourceLocator.locate(source),
            let pipe = paths.first(where: { Files.kind($0) != .file })
        {
            throw Self.obstacle("a pipe can be read once", pipe)
        }
        switch try InteractionReader.Opened(source, options) {
        case .shards(let folder):
            try self.init(folder, options: options, sliceSize: sliceSize)
        case .pairs(let files):
            let tables = try PairReader.heads(of: files, options)
            if let compressed = tables.first(where: \.isCompressed) { throw Self.compressed(compressed.file) }
            try self.init(
                .pairs(files), tables.map(\.count), (false, false), PairReader.format, files.map(\.path), options,
                sliceSize)
        case .arrays(let files):
            let outlines = try ArrayReader.outlines(of: files, options)
            for (file, outline) in zip(files, outlines) { try Self.check(file, outline) }
            try self.init(
                .arrays(files, outlines), outlines.map(\.count), (outlines[0].hasValues, outlines[0].hasTimes),
                outlines[0].name, files.map(\.path), options, sliceSize)
        case .stream: throw Self.obstacle("a stream can be read once", source)
        case .text(let files): throw Self.obstacle("text is not", files[0].path)
        }
    }

    /// The same of shards, wherever they come from.
    package init(_ folder: MDSFolder, options: ReadingOptions, sliceSize: Int = Self.sliceSize) throws {
        let roles = try MDSReader.roles(of: folder, options)
        try self.init(
            .shards(folder, roles), folder.index.shards.map(\.samples),
            (roles.names.value != nil, roles.names.time != nil),
            MDSReader.format(roles), [folder.path], options, sliceSize)
    }

    private init(
        _ content: Content, _ counts: [Int], _ has: (values: Bool, times: Bool), _ format: String, _ files: [String],
        _ options: ReadingOptions, _ sliceSize: Int
    ) throws {
        (self.content, self.counts, self.format, self.files, self.sliceSize) = (
            content, counts, format, files, sliceSize
        )
        (hasValues, hasTimes) = has
        for (option, isGiven) in [
            ("--duplicates", options.duplicates != nil), ("--min-user", options.minimumPerUser > 1),
            ("--min-item", options.minimumPerItem > 1), ("--skip-bad-rows", options.skipsBadRows),
        ] where isGiven { throw Self.obstacle("\(option) looks at all interactions at once", files[0]) }
        guard count > 0 else { throw Self.obstacle("it holds no interactions", files[0]) }
        guard count < UInt32.max else { throw InteractionReader.tooMany(count, files[0]) }
    }

    /// Interactions.
    package var count: Int { counts.reduce(0, +) }

    /// The stretches that are gone through.
    var slices: [Range<Int>] { LineGrid.cuts(0..<count, size: sliceSize) }

    private static func check(_ file: MappedFile, _ outline: ArrayOutline) throws {
        guard let names = outline.names else { throw obstacle("a sparse matrix is not", file.path) }
        guard outline.canBeCut else { throw compressed(file.path) }
        let archive = try NPZFile(file)
        for name in [names.user, names.item, names.value, names.time].compactMap(\.self) {
            let array = try archive.stream(name)
            if array.isBigEndian { throw obstacle("array “\(name)” is big-endian, which is not", file.path) }
            guard case .number = array.element else {
                throw obstacle("array “\(name)” is text, which is not", file.path)
            }
        }
    }

    private static func compressed(_ file: String) -> StarlingError {
        obstacle("what is compressed is not", file, remedy: "numpy.savez stores arrays as they are")
    }

    private static func obstacle(_ why: String, _ file: String, remedy: String? = nil) -> StarlingError {
        StarlingError(
            .usage, "only stored arrays of whole numbers and MDS shards are read in passes: \(why)",
            at: .init(file: file),
            remedy: remedy ?? "make shards of it: starling data convert --data … --to shards --form mds")
    }
}
