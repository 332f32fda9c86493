import Basics
import Kernels

/// A shard of an MDS data set: samples of cells, read where they lie in the mapped file, or decompressed into memory.
///
/// Opening checks the file's size and hashes, that it is the shard of the index, and where every sample lies; what a
/// cell says of itself is checked when it is read. All access is safe from several threads.
///
/// `@unchecked Sendable`: the bytes are never written after the shard is made.
public final class MDSShard: @unchecked Sendable {
    public let info: MDSShardInfo
    /// The file, or the name that stands in for it.
    public let path: String
    let layout: MDSLayout
    /// The uncompressed file.
    let bytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable
    let numbers: [String: Int]

    /// Opens a local copy of a shard.
    ///
    /// - Parameters:
    ///   - file: any path; what the index calls the file does not matter.
    ///   - name: what errors call it; by default its path.
    ///   - compressed: whether it is the compressed file (`zip_data`) or the other. By default it is, if there is one.
    ///   - verifyingHashes: compare all hashes that the index has. Without, sizes and positions are still checked.
    ///   - intoMemory: read the file into memory of its own, in large pages, instead of mapping it: for rows in random
    ///     order. A compressed shard is in such memory anyway.
    /// - Throws: `badData` naming file, shard and perhaps the sample, if it is not there, cut off, changed, another
    ///   one's or decompresses to something else than the index states; `failed` if memory is short.
    /// - Complexity: O(samples), and O(bytes) for hashes and decompression.
    public convenience init(
        _ info: MDSShardInfo, file: String, name: String? = nil, compressed: Bool? = nil, verifyingHashes: Bool = true,
        intoMemory: Bool = false
    ) throws {
        let name = name ?? file
        do {
            if intoMemory && !(compressed ?? (info.zipData != nil)) {
                let memory = try HeapBytes(reading: file)
                try self.init(info, name, (.init(memory.bytes), memory), false, verifyingHashes)
            } else {
                let memory = try MappedFile(file)
                try self.init(info, name, (memory.bytes, memory), compressed, verifyingHashes)
            }
        } catch var error as StarlingError {
            error.place.shard = info.label
            throw error
        }
    }

    /// The same for a file that is already in memory; `name` stands in for its path in errors.
    public convenience init(
        _ info: MDSShardInfo, bytes: some Collection<UInt8>, name: String, compressed: Bool? = nil,
        verifyingHashes: Bool = true
    ) throws {
        let memory = MappedFile(copying: bytes, name: name)
        do {
            try self.init(info, name, (memory.bytes, memory), compressed, verifyingHashes)
        } catch var error as StarlingError {
            error.place.shard = info.label
            throw error
        }
    }

    private init(
        _ info: MDSShardInfo, _ path: String, _ stored: (UnsafeRawBufferPointer, any AnyObject & Sendable),
        _ compressed: Bool?, _ verifyingHashes: Bool
    ) throws {
        self.info = info
        self.path = path
        layout = MDSLayout(info.columns)
        numbers = Dictionary(info.columns.enumerated().map { ($1.name, $0) }) { one, _ in one }
        let isCompressed = compressed ?? (info.zipData != nil)
        if isCompressed, let zip = info.zipData, let compression = info.compression {
            try zip.check(stored.0, path, verifyingHashes)
            let subject = Subject(file: path)
            guard info.rawData.bytes / compression.greatestRatio <= stored.0.count else {
                throw subject.damaged("it cannot decompress to the \(info.rawData.bytes) bytes the index states")
            }
            let whole = try HeapBytes(count: info.rawData.bytes, for: subject)
            LargeMemory.advise(whole.bytes)
            try compression.decompress(stored.0, into: whole.bytes, subject)
            (bytes, owner) = (UnsafeRawBufferPointer(whole.bytes), whole)
        } else {
            precondition(!isCompressed, "the shard has no compressed file")
            (bytes, owner) = stored
        }
        try info.rawData.check(bytes, path, verifyingHashes)
        try checkHead()
    }

    /// Number of samples.
    public var count: Int { info.samples }

    /// Position of a column in a sample.
    /// - Throws: `failed` naming those there are.
    func number(_ column: String) throws -> Int {
        if let number = numbers[column] { return number }
        let known = info.columns.map(\.name).joined(separator: ", ")
        throw StarlingError(
            .failed, "there is no column “\(column)” among \(known)", at: .init(file: path, shard: info.label))
    }

    /// Bytes of the samples of `rows`, which are not beyond ``count``.
    package func byteCount(_ rows: Range<Int>) -> Int { offset(rows.upperBound) - offset(rows.lowerBound) }

    /// Tells the system that samples will not be read again soon, where the shard is a mapped file.
    package func release(_ rows: Range<Int>) {
        (owner as? MappedFile)?.release(offset(rows.lowerBound)..<offset(rows.upperBound))
    }

    func damaged(_ what: String, sample: Int? = nil, remedy: String? = nil) -> StarlingError {
        StarlingError(.badData, what, at: .init(file: path, shard: info.label, sample: sample), remedy: remedy)
    }

    /// Where a sample begins, or for `sample == count` the last one ends. Checked by ``checkHead()``.
    @inline(__always)
    func offset(_ sample: Int) -> Int {
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 + 4 * sample, as: UInt32.self)))
    }

    /// Holds the number of samples, their positions and the shard's own description to the index.
    private func checkHead() throws {
        guard bytes.count >= 8 else { throw damaged("\(bytes.count) bytes are too few for a shard") }
        let stated = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        guard stated == count else {
            throw damaged("it holds \(stated) samples, the index says \(count)", remedy: Self.remedy)
        }
        let head = 4 + 4 * (count + 1)
        guard head <= bytes.count else { throw damaged("it ends within the positions of its samples") }
        guard head <= offset(0) && offset(0) <= bytes.count else {
            throw damaged("its samples would begin at byte \(offset(0)) of \(bytes.count)", sample: 0)
        }
        try checkConfig(UnsafeRawBufferPointer(rebasing: bytes[head..<offset(0)]))
        try checkOffsets()
        guard offset(count) == bytes.count else {
            throw damaged(
                "the last sample ends at byte \(offset(count)) of \(bytes.count)", sample: max(0, count - 1))
        }
    }

    private func checkOffsets() throws {
        // Nothing but arithmetic, so that many samples are looked at in one step.
        var wrong: UInt32 = 0
        let smallest = UInt32(layout.smallest)
        let offsets = bytes.baseAddress! + 4
        if layout.stride != nil {
            for sample in 0..<count {
                let begin = UInt32(littleEndian: offsets.loadUnaligned(fromByteOffset: 4 * sample, as: UInt32.self))
                let end = UInt32(littleEndian: offsets.loadUnaligned(fromByteOffset: 4 * sample + 4, as: UInt32.self))
                wrong |= (end &- begin) ^ smallest
            }
        } else {
            for sample in 0..<count where offset(sample + 1) - offset(sample) < smallest { wrong = 1 }
        }
        if wrong == 0 { return }
        let atLeast = layout.stride == nil ? "at least " : ""
        for sample in 0..<count {
            let size = offset(sample + 1) - offset(sample)
            guard size >= smallest, size == layout.stride ?? size else {
                throw damaged("the sample has \(size) bytes, \(atLeast)\(smallest) are expected", sample: sample)
            }
        }
    }

    /// What the shard says about itself, which the package writes and never reads: if it names other columns than the
    /// index, the two do not belong together. Other writers may leave something else there.
    private func checkConfig(_ text: UnsafeRawBufferPointer) throws {
        if text.elementsEqual(info.config.utf8) { return }
        var (names, encodings): ([String], [String]) = ([], [])
        var scanner = HeaderScanner(text, Subject(file: path))
        do {
            try scanner.object { scanner, key in
                switch key {
                case "column_names": names = try scanner.list { try $0.string() }
                case "column_encodings": encodings = try scanner.list { try $0.string() }
                default: try scanner.skipValue()
                }
            }
        } catch {
            return
        }
        let expected = info.columns.map { "\($0.name): \($0.encoding)" }
        let found = zip(names, encodings).map { "\($0): \($1)" }
        guard names.isEmpty || found == expected else {
            throw damaged(
                "its columns are \(found.joined(separator: ", ")); the index says \(expected.joined(separator: ", "))",
                remedy: Self.remedy)
        }
    }

    static func wrongSize(_ size: Int, expected: Int, at place: StarlingError.Place) -> StarlingError {
        StarlingError(
            .badData, "it has \(size) bytes, the index says \(expected)", at: place,
            remedy: size < expected ? "it is cut off: fetch or write it again" : remedy)
    }

    private static let remedy = "the index and the shard are not of one data set: fetch or write both again"
}

extension MDSFileInfo {
    /// Holds a file's content to the index.
    fileprivate func check(_ content: UnsafeRawBufferPointer, _ path: String, _ verifyingHashes: Bool) throws {
        guard content.count == bytes else {
            throw MDSShard.wrongSize(content.count, expected: bytes, at: .init(file: path))
        }
        guard verifyingHashes else { return }
        for (name, digits) in hashes.sorted(by: { $0.key < $1.key }) {
            let hash = try Subject(file: path).holding { try MDSHash(name: name) }
            let found = hash.digits([content])
            guard found == digits.lowercased() else {
                throw StarlingError(
                    .badData, "its \(name) is \(found), the index says \(digits)", at: .init(file: path),
                    remedy: "it was changed or damaged: fetch or write it again")
            }
        }
    }
}
