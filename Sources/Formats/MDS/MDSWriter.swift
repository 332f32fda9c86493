import Basics

/// Writes an MDS data set: shards one after the other, and at the end the index that makes them a data set.
///
///     let writer = try MDSWriter("train", columns: ["user": .int64, "item": .int64, "rating": .float32])
///     try writer.write(["user": .int64(users), "item": .int64(items), "rating": .float32(ratings)])
///     try writer.finish()
///
/// The same samples give the files that mosaicml-streaming 0.13 writes, byte for byte; compressed ones depend on the
/// version of the compressing library, and the package stamps gzip files with the time (we do not). A writer that is
/// dropped, fails or is killed leaves shards, but no index. A shard is put together in memory, which takes its size (twice,
/// when it is compressed). Not thread safe: one owner.
///
/// Source: `streaming/base/format/{base,mds}/writer.py` of mosaicml-streaming 0.13.
public final class MDSWriter {
    /// How shards are made.
    public struct Options: Sendable {
        /// nil, the default, for none.
        public var compression: MDSCompression?
        /// Hashes over every file, kept in the index. None by default; `xxh3_64` costs next to nothing.
        public var hashes: [MDSHash]
        /// Bytes that a shard has at most, before compression: 64 MiB by default. A single larger sample still
        /// makes a shard. nil is for as few shards as there can be: positions in one have 32 bits.
        public var sizeLimit: Int?
        /// Whether every shard is forced to disk before the index is written, so that a data set survives a power
        /// cut. Off by default, as it is no faster than the disk; damage is noticed either way.
        public var isSynced: Bool

        public init(
            compression: MDSCompression? = nil, hashes: [MDSHash] = [], sizeLimit: Int? = 1 << 26,
            isSynced: Bool = false
        ) {
            self.compression = compression
            self.hashes = hashes
            self.sizeLimit = sizeLimit
            self.isSynced = isSynced
        }
    }

    public let folder: String
    /// Sorted by name, as they stand in the shards.
    public let columns: [MDSColumn]
    /// Samples written so far.
    public private(set) var count = 0

    let layout: MDSLayout
    private let options: Options
    private let config: [UInt8]
    private var shards: [MDSShardInfo] = []
    private var state = State.open

    /// The samples of the shard to come, how many they are, and where each ends unless all have one size.
    let samples = GrowingBytes()
    private var sampleCount = 0
    private var ends: [UInt32] = []
    /// What the shard's file would take now.
    private var shardSize: Int
    private var scratch: [UInt8] = []

    private enum State { case open, failed, finished }

    /// Makes the folder if it is not there.
    ///
    /// - Throws: `usage` if the folder is not empty or an option cannot be; `failed` if it cannot be made.
    public init(_ folder: String, columns: [String: MDSEncoding], options: Options = .init()) throws {
        guard !columns.isEmpty else { throw StarlingError(.usage, "a data set needs at least one column") }
        if let limit = options.sizeLimit, !(1...Int(UInt32.max) ~= limit) {
            throw StarlingError(
                .usage, "a size limit of \(limit) bytes cannot be", remedy: "use 1 to \(UInt32.max) bytes, or no limit")
        }
        try Files.makeDirectory(folder)
        guard try Files.list(folder).isEmpty else {
            throw StarlingError(
                .usage, "the folder is not empty", at: .init(file: folder),
                remedy: "name another one, or remove what a stopped run has left in it")
        }
        self.folder = folder
        self.columns = columns.map { MDSColumn($0.key, $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var options = options
        options.hashes = Set(options.hashes).sorted { $0.rawValue < $1.rawValue }
        self.options = options
        layout = MDSLayout(self.columns)
        let members = MDSShardInfo.config(
            columns: self.columns, compression: options.compression, hashes: options.hashes.map(\.rawValue),
            sizeLimit: options.sizeLimit)
        config = Array(PythonText.json(.object(members)).utf8)
        shardSize = 8 + config.count
    }

    /// Adds a sample.
    /// - Throws: `badData` naming sample and column for a value that the column does not take or that is missing; the
    ///   sample is then not added. `failed` if a shard cannot be written.
    public func write(_ sample: [String: MDSValue]) throws {
        guard sample.count == columns.count else {
            let unknown = sample.keys.filter { name in !columns.contains { $0.name == name } }.sorted()
            throw failure(
                unknown.isEmpty
                    ? "it has \(sample.count) values for \(columns.count) columns"
                    : "there is no column “\(unknown[0])”")
        }
        try write(
            columns.map { column in
                guard let value = sample[column.name] else {
                    throw failure("column “\(column.name)”: there is no value")
                }
                return value
            })
    }

    /// Adds a sample given as its values in the order of ``columns``; otherwise as the other form.
    public func write(_ values: [MDSValue]) throws {
        guard values.count == columns.count else {
            throw failure("it has \(values.count) values for \(columns.count) columns")
        }
        try checkOpen()
        scratch.removeAll(keepingCapacity: true)
        for _ in 0..<layout.variables { scratch.appendLittleEndian(UInt32(0)) }
        for ((column, cell), value) in zip(zip(columns, layout.cells), values) {
            let start = scratch.count
            do {
                try column.encoding.encode(value, into: &scratch)
            } catch let error as StarlingError {
                throw failure("column “\(column.name)”: \(error.what)")
            }
            guard cell.size == nil else { continue }
            guard let size = UInt32(exactly: scratch.count - start) else {
                throw failure("column “\(column.name)”: a cell cannot have 4 GiB or more")
            }
            for byte in 0..<4 {
                scratch[4 * cell.variablesBefore + byte] = UInt8(truncatingIfNeeded: size >> UInt32(8 * byte))
            }
        }
        guard 8 + config.count + scratch.count + 4 <= UInt32.max else {
            throw failure("it takes more than the 4 GiB a shard can have")
        }
        if room(for: scratch.count + 4) == 0 { try endShard() }
        scratch.withUnsafeBytes { samples.append($0) }
        added(1, bytes: scratch.count)
        if layout.stride == nil { ends.append(UInt32(samples.count)) }
    }

    /// Writes the last shard and the index.
    /// - Throws: `failed` if that cannot be done, or an earlier shard could not be written.
    @discardableResult
    public func finish() throws -> MDSIndex {
        precondition(state != .finished, "the writer has finished")
        if sampleCount > 0 { try endShard() } else { try checkOpen() }
        let index = MDSIndex(shards)
        state = .failed
        try Files.write(index.bytes(), to: folder + "/" + MDSIndex.basename)
        state = .finished
        return index
    }

    /// How many samples that take so many bytes of a shard's file each the shard has room for.
    func room(for bytes: Int) -> Int {
        guard let limit = options.sizeLimit else { return (Int(UInt32.max) - shardSize) / bytes }
        return max(0, limit - shardSize) / bytes
    }

    /// Takes note of samples that were put into ``samples``.
    func added(_ more: Int, bytes: Int) {
        count += more
        sampleCount += more
        shardSize += bytes + 4 * more
    }

    func failure(_ what: String) -> StarlingError {
        StarlingError(.badData, what, at: .init(file: folder, sample: count))
    }

    func checkOpen() throws {
        precondition(state != .finished, "the writer has finished")
        guard state == .open else {
            throw StarlingError(
                .failed, "a shard could not be written, so there is no data set", at: .init(file: folder),
                remedy: "remove the folder and begin again")
        }
    }

    /// Writes the samples out as a shard, and begins the next one. If the very first sample is beyond the limit there
    /// are none yet, and the package writes an empty shard: so do we.
    func endShard() throws {
        try checkOpen()
        state = .failed
        let digits = String(shards.count)
        let name = "shard." + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".mds"
        let head = head()
        var (zipName, zipped): (String?, [UInt8]) = (nil, [])
        let rawData = head.withUnsafeBytes { file(name, [$0, samples.bytes]) }
        if let compression = options.compression {
            zipName = name + "." + compression.family.rawValue
            let whole = GrowingBytes()
            head.withUnsafeBytes { whole.append($0) }
            whole.append(samples.bytes)
            zipped = try compression.compress(whole.bytes, Subject(file: folder + "/" + zipName!))
        }
        let writer = try FileWriter(creating: folder + "/" + (zipName ?? name))
        if zipName == nil {
            try head.withUnsafeBytes { try writer.write($0) }
            try writer.write(samples.bytes)
        } else {
            try zipped.withUnsafeBytes { try writer.write($0) }
        }
        try writer.close(synced: options.isSynced)
        shards.append(
            MDSShardInfo(
                columns: columns, compression: options.compression, hashes: options.hashes.map(\.rawValue),
                rawData: rawData, zipData: zipName.map { name in zipped.withUnsafeBytes { file(name, [$0]) } },
                samples: sampleCount, sizeLimit: options.sizeLimit))
        samples.removeAll()
        ends.removeAll(keepingCapacity: true)
        sampleCount = 0
        shardSize = 8 + config.count
        state = .open
    }

    private func file(_ name: String, _ parts: [UnsafeRawBufferPointer]) -> MDSFileInfo {
        let hashes = options.hashes.map { ($0.rawValue, $0.digits(parts)) }
        return MDSFileInfo(
            basename: name, bytes: parts.reduce(0) { $0 + $1.count }, hashes: .init(uniqueKeysWithValues: hashes))
    }

    /// What stands before the samples: their number, where each begins and the last ends, and the config.
    private func head() -> [UInt8] {
        let offsets = 4 * (sampleCount + 1)
        let first = 4 + offsets + config.count
        return [UInt8](unsafeUninitializedCapacity: first) { head, filled in
            let base = UnsafeMutableRawPointer(head.baseAddress!)
            base.storeBytes(of: UInt32(sampleCount).littleEndian, as: UInt32.self)
            let table = UnsafeMutableBufferPointer(
                start: (base + 4).bindMemory(to: UInt32.self, capacity: sampleCount + 1), count: sampleCount + 1)
            table[0] = UInt32(first).littleEndian
            if let stride = layout.stride {
                for sample in 1..<sampleCount + 1 {
                    table[sample] = UInt32(truncatingIfNeeded: first + sample * stride).littleEndian
                }
            } else {
                for sample in 0..<sampleCount { table[sample + 1] = (UInt32(first) + ends[sample]).littleEndian }
            }
            config.withUnsafeBytes { (base + 4 + offsets).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            filled = first
        }
    }
}
