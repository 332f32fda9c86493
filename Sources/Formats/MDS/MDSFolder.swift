import Basics

/// A local MDS data set: an index, and the shards it names beside it.
///
///     let folder = try MDSFolder("train")
///     for number in folder.index.shards.indices {
///         let shard = try folder.shard(number)
///         let users = try shard.int64s("user", .range(0..<shard.count))
///     }
public struct MDSFolder: Sendable {
    public let path: String
    public let index: MDSIndex
    /// The columns of every shard.
    public let columns: [MDSColumn]
    /// Number of samples.
    public let count: Int
    /// Compare the hashes of a shard when it is opened.
    public let verifiesHashes: Bool
    /// The first sample of each shard, and ``count``.
    private let starts: [Int]

    /// Reads the index and looks for the shards.
    ///
    /// - Throws: `badData` if there is no index, it is damaged, or a shard is missing, has another size or other
    ///   columns than the first.
    /// - Complexity: O(shards).
    public init(_ path: String, verifyingHashes: Bool = true) throws {
        let file = path + "/" + MDSIndex.basename
        guard Files.kind(path) == .directory else {
            throw StarlingError(.badData, "there is no such folder", at: .init(file: path))
        }
        guard Files.exists(file) else {
            throw StarlingError(
                .badData,
                "there is no \(MDSIndex.basename) in the folder, so it is no MDS data set, or an unfinished one",
                at: .init(file: path))
        }
        self.path = path
        index = try MDSIndex(file)
        columns = try index.columns(name: file)
        verifiesHashes = verifyingHashes
        starts = index.shards.reduce(into: [0]) { $0.append($0.last! + $1.samples) }
        count = starts.last!
        for shard in index.shards { _ = try locate(shard) }
    }

    /// Opens a shard. Nothing is kept: hold on to it while it is in use.
    /// - Precondition: `number` is one of the index.
    /// - Parameter intoMemory: for rows in random order; see ``MDSShard``.
    /// - Throws: as its initialiser from a file.
    public func shard(_ number: Int, intoMemory: Bool = false) throws -> MDSShard {
        let info = index.shards[number]
        let (file, isCompressed) = try locate(info)
        return try MDSShard(
            info, file: file, compressed: isCompressed, verifyingHashes: verifiesHashes, intoMemory: intoMemory)
    }

    /// Which shard a sample of the data set is in, and which of its rows it is.
    /// - Precondition: `sample < count`.
    /// - Complexity: O(log shards).
    public func place(of sample: Int) -> (shard: Int, row: Int) {
        precondition(0 <= sample && sample < count, "sample \(sample) of \(count)")
        var (low, high) = (0, starts.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= sample { low = middle } else { high = middle - 1 }
        }
        return (low, sample - starts[low])
    }

    /// The file of a shard. The package decompresses shards beside the compressed ones; such a file is preferred.
    private func locate(_ shard: MDSShardInfo) throws -> (file: String, isCompressed: Bool) {
        let raw = path + "/" + shard.rawData.basename
        let rawSize = Files.size(raw)
        if let zip = shard.zipData, rawSize != shard.rawData.bytes {
            let file = path + "/" + zip.basename
            try expect(zip.bytes, Files.size(file), shard, file)
            return (file, true)
        }
        try expect(shard.rawData.bytes, rawSize, shard, raw)
        return (raw, false)
    }

    private func expect(_ bytes: Int, _ size: Int?, _ shard: MDSShardInfo, _ file: String) throws {
        let place = StarlingError.Place(file: file, shard: shard.label)
        guard let size else {
            throw StarlingError(
                .badData, "the shard is missing, which the index names", at: place, remedy: "fetch or write it again")
        }
        guard size == bytes else { throw MDSShard.wrongSize(size, expected: bytes, at: place) }
    }
}
