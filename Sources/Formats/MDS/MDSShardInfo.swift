import Basics

/// A column of an MDS data set.
public struct MDSColumn: Sendable, Hashable {
    public let name: String
    public let encoding: MDSEncoding

    public init(_ name: String, _ encoding: MDSEncoding) {
        self.name = name
        self.encoding = encoding
    }
}

/// A file of a shard as the index describes it.
public struct MDSFileInfo: Sendable, Hashable {
    /// The path below the folder of the index, with `/` between its parts; none of them leads upwards. The package
    /// writes plain names, and merged indexes name a folder as well.
    public let basename: String
    public let bytes: Int
    /// Hexadecimal digits by the name of the hash.
    public let hashes: [String: String]

    public init(basename: String, bytes: Int, hashes: [String: String] = [:]) {
        self.basename = basename
        self.bytes = bytes
        self.hashes = hashes
    }

    var json: JSONValue {
        ["basename": .string(basename), "bytes": .integer(bytes), "hashes": .object(hashes.mapValues { .string($0) })]
    }
}

/// A shard as the index describes it: enough to fetch it, to check it and to find every cell.
public struct MDSShardInfo: Sendable, Hashable {
    /// In the order in which cells stand in a sample; the package sorts them by name.
    public let columns: [MDSColumn]
    public let compression: MDSCompression?
    /// Names of the hashes the files were given when written.
    public let hashes: [String]
    /// The file as it is read.
    public let rawData: MDSFileInfo
    /// The file as it is stored and sent; nil without compression.
    public let zipData: MDSFileInfo?
    /// Number of samples.
    public let samples: Int
    /// Bytes after which a new shard was begun.
    public let sizeLimit: Int?

    public init(
        columns: [MDSColumn], compression: MDSCompression? = nil, hashes: [String] = [], rawData: MDSFileInfo,
        zipData: MDSFileInfo? = nil, samples: Int, sizeLimit: Int? = nil
    ) {
        self.columns = columns
        self.compression = compression
        self.hashes = hashes
        self.rawData = rawData
        self.zipData = zipData
        self.samples = samples
        self.sizeLimit = sizeLimit
    }

    /// The file as it is stored and sent: compressed, where the shard is.
    public var storedData: MDSFileInfo { zipData ?? rawData }

    /// What errors call the shard: `00003` of `shard.00003.mds`, otherwise the whole name.
    public var label: String {
        let name = rawData.basename
        guard name.hasPrefix("shard."), name.hasSuffix(".mds"), name.utf8.count > 10 else { return name }
        return String(name.dropFirst(6).dropLast(4))
    }

    /// The package's object, without what is known only when the shard is written: it stands in the shard, too.
    static func config(
        columns: [MDSColumn], compression: MDSCompression?, hashes: [String], sizeLimit: Int?
    ) -> [String: JSONValue] {
        [
            "column_encodings": .array(columns.map { .string($0.encoding.description) }),
            "column_names": .array(columns.map { .string($0.name) }),
            "column_sizes": .array(columns.map { $0.encoding.size.map(JSONValue.integer) ?? .null }),
            "compression": compression.map { .string($0.description) } ?? .null,
            "format": "mds",
            "hashes": .array(hashes.map { .string($0) }),
            "size_limit": sizeLimit.map(JSONValue.integer) ?? .null,
            "version": 2,
        ]
    }

    /// The text of the config in the shard.
    var config: String {
        PythonText.json(
            .object(Self.config(columns: columns, compression: compression, hashes: hashes, sizeLimit: sizeLimit)))
    }

    var json: JSONValue {
        var members = Self.config(columns: columns, compression: compression, hashes: hashes, sizeLimit: sizeLimit)
        members["raw_data"] = rawData.json
        members["zip_data"] = zipData?.json ?? .null
        members["samples"] = .integer(samples)
        return .object(members)
    }
}
