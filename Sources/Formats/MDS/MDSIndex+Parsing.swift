import Basics

extension MDSIndex {
    /// Reads the file.
    /// - Throws: as ``init(bytes:name:)``, and `badData` if it is not there.
    public init(_ path: String) throws {
        let memory = try MappedFile(path)
        try self.init(memory.bytes, name: path)
    }

    /// Reads the content of an `index.json`, and checks all that can be checked without the shards: known encodings
    /// and compression, sizes that are possible, file names that do not lead out of the folder.
    /// - Parameter name: stands in for the path in errors.
    /// - Throws: `badData` naming the file, the shard and the key.
    public init(bytes: some Collection<UInt8>, name: String) throws {
        self = try Array(bytes).withUnsafeBytes { try MDSIndex($0, name: name) }
    }

    private init(_ text: UnsafeRawBufferPointer, name: String) throws {
        let subject = Subject(file: name)
        var scanner = HeaderScanner(text, subject, name: "the index")
        var version: Int?
        var shards: [MDSShardInfo]?
        try scanner.object { scanner, key in
            switch key {
            case "version" where version == nil: version = try scanner.natural()
            case "shards" where shards == nil:
                var number = 0
                shards = try scanner.list { scanner in
                    defer { number += 1 }
                    return try Self.placed(shard: number) { try Self.shard(&scanner) }
                }
            case "version", "shards": throw subject.damaged("key “\(key)” stands twice in the index")
            default: try scanner.skipValue()
            }
        }
        try scanner.expectEnd()
        guard let version, let shards else {
            throw subject.damaged("key “\(version == nil ? "version" : "shards")” is missing in the index")
        }
        guard version == 2 else { throw subject.damaged("version \(version) of the format is not known, only 2 is") }
        self.init(shards)
    }

    /// Lets errors of `body` say which shard they are about, and that the data are at fault.
    private static func placed<Result>(shard number: Int, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch var error as StarlingError {
            let digits = String(number)
            error.place.shard = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
            throw error
        }
    }

    private static let keys: Set = [
        "column_encodings", "column_names", "column_sizes", "compression", "format", "hashes", "raw_data", "samples",
        "size_limit", "version", "zip_data",
    ]

    private static func shard(_ scanner: inout HeaderScanner) throws -> MDSShardInfo {
        let subject = scanner.subject
        var seen: Set<String> = []
        var (names, encodings, hashes): ([String], [MDSEncoding], [String]) = ([], [], [])
        var (sizes, samples, version, sizeLimit): ([Int?], Int, Int, Int?) = ([], 0, 0, nil)
        var (format, compression): (String, MDSCompression?) = ("", nil)
        var (rawData, zipData): (MDSFileInfo?, MDSFileInfo?)
        try scanner.object { scanner, key in
            guard keys.contains(key) else { throw subject.damaged("key “\(key)” is not known") }
            guard seen.insert(key).inserted else { throw subject.damaged("key “\(key)” stands twice") }
            try named(key) {
                switch key {
                case "column_names": names = try scanner.list { try $0.string() }
                case "column_encodings":
                    encodings = try scanner.list { scanner in
                        let text = try scanner.string()
                        return try subject.holding { try MDSEncoding(text) }
                    }
                case "column_sizes": sizes = try scanner.list { $0.takeNull() ? nil : try $0.natural() }
                case "compression":
                    guard !scanner.takeNull() else { return }
                    let text = try scanner.string()
                    compression = try subject.holding { try MDSCompression(text) }
                case "format": format = try scanner.string()
                case "hashes": hashes = try scanner.list { try $0.string() }
                case "raw_data": rawData = try file(&scanner)
                case "zip_data": zipData = scanner.takeNull() ? nil : try file(&scanner)
                case "samples": samples = try scanner.natural()
                case "size_limit": sizeLimit = scanner.takeNull() ? nil : try scanner.natural()
                default: version = try scanner.natural()
                }
            }
        }
        if let missing = keys.subtracting(seen).min() { throw subject.damaged("key “\(missing)” is missing") }
        guard version == 2 else { throw subject.damaged("version \(version) of the format is not known, only 2 is") }
        guard format == "mds" else {
            throw subject.damaged(
                "it is of format “\(format)”, which is not supported", remedy: "write the data set again as MDS")
        }
        let info = MDSShardInfo(
            columns: zip(names, encodings).map { MDSColumn($0, $1) }, compression: compression, hashes: hashes,
            rawData: rawData!, zipData: zipData, samples: samples, sizeLimit: sizeLimit)
        guard names.count == encodings.count, names.count == sizes.count, !names.isEmpty else {
            throw subject.damaged(
                "\(names.count) column names, \(encodings.count) encodings and \(sizes.count) sizes do not go together")
        }
        guard Set(names).count == names.count else { throw subject.damaged("two columns have the same name") }
        for (column, size) in zip(info.columns, sizes) where column.encoding.size != size {
            throw subject.damaged(
                "column “\(column.name)”: cells of \(column.encoding) have \(words(column.encoding.size)), "
                    + "the index says \(words(size))")
        }
        guard (compression == nil) == (zipData == nil) else {
            throw subject.damaged("“compression” and “zip_data” do not go together")
        }
        try checkSizes(info, subject)
        return info
    }

    private static func words(_ size: Int?) -> String { size.map { "\($0) bytes" } ?? "no fixed size" }

    /// Positions in a shard have 32 bits, and every sample takes at least one of them.
    private static func checkSizes(_ info: MDSShardInfo, _ subject: Subject) throws {
        for (key, file) in [("raw_data", info.rawData), ("zip_data", info.zipData)] {
            guard let file, file.bytes > UInt32.max else { continue }
            throw subject.damaged("\(key).bytes: \(file.bytes) bytes are more than the 4 GiB a shard can have")
        }
        let sample = MDSLayout(info.columns).smallest + 4
        let (all, overflow) = sample.multipliedReportingOverflow(by: info.samples)
        guard !overflow, all <= info.rawData.bytes - 8 else {
            throw subject.damaged(
                "\(info.samples) samples of at least \(sample - 4) bytes do not fit the \(info.rawData.bytes) bytes of "
                    + "raw_data")
        }
        if let zip = info.zipData, let compression = info.compression {
            guard info.rawData.bytes / compression.greatestRatio <= zip.bytes else {
                throw subject.damaged(
                    "\(zip.bytes) compressed bytes cannot hold the \(info.rawData.bytes) bytes of raw_data")
            }
        }
    }

    private static func file(_ scanner: inout HeaderScanner) throws -> MDSFileInfo {
        let subject = scanner.subject
        var basename: String?
        var bytes: Int?
        var hashes: [String: String]?
        try scanner.object { scanner, key in
            switch key {
            case "basename" where basename == nil: basename = try scanner.string()
            case "bytes" where bytes == nil: bytes = try named("bytes") { try scanner.natural() }
            case "hashes" where hashes == nil:
                var digits: [String: String] = [:]
                try scanner.object { scanner, name in
                    guard digits.updateValue(try scanner.string(), forKey: name) == nil else {
                        throw subject.damaged("hash “\(name)” stands twice")
                    }
                }
                hashes = digits
            case "basename", "bytes", "hashes": throw subject.damaged("key “\(key)” stands twice")
            default: throw subject.damaged("key “\(key)” is not known")
            }
        }
        guard let basename, let bytes, let hashes else {
            throw subject.damaged("one of the keys “basename”, “bytes”, “hashes” is missing")
        }
        let parts = basename.split(separator: "/", omittingEmptySubsequences: false)
        guard
            parts.allSatisfy({ part in
                part != "" && part != "." && part != ".."
                    && !part.unicodeScalars.contains { $0.value < 0x20 || $0 == "\\" || $0.value == 0x7F }
            })
        else {
            throw subject.damaged("the file name “\(basename.debugDescription.dropFirst().dropLast())” leads elsewhere")
        }
        return MDSFileInfo(basename: basename, bytes: bytes, hashes: hashes)
    }

    /// Puts the key before what errors of `body` say.
    private static func named<Result>(_ key: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch var error as StarlingError {
            error.what = key + (error.what.hasPrefix("bytes: ") ? "." : ": ") + error.what
            throw error
        }
    }
}

extension Subject {
    /// Turns errors of `body`, which come from somebody's choice elsewhere, into errors about this file.
    func holding<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StarlingError {
            throw damaged(error.what, remedy: error.remedy)
        }
    }
}
