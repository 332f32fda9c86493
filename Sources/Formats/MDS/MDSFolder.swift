public import Basics

/// An MDS data set in a folder or in another store: an index, and the shards it names beside it.
///
///     let folder = try MDSFolder("train")
///     for number in folder.index.shards.indices {
///         let shard = try folder.shard(number)
///         let users = try shard.int64s("user", .range(0..<shard.count))
///     }
public struct MDSFolder: Sendable {
    public let store: any ShardStore
    public let index: MDSIndex
    /// The columns of every shard.
    public let columns: [MDSColumn]
    /// Number of samples.
    public let count: Int
    /// Compare the hashes of a shard when it is opened.
    public let verifiesHashes: Bool
    /// The first sample of each shard, and ``count``.
    private let starts: [Int]

    /// Its path, or its address without secrets.
    public var path: String { store.location }

    /// Reads the index of a local folder and looks for the shards.
    ///
    /// - Throws: `badData` if there is no index, it is damaged, or a shard is missing, has another size or other
    ///   columns than the first.
    /// - Complexity: O(shards).
    public init(_ path: String, verifyingHashes: Bool = true) throws {
        try self.init(LocalFolder(path), verifyingHashes: verifyingHashes)
    }

    /// The same for any store. What a shard of one on the network lacks shows when it is opened.
    ///
    /// - Throws: also what reading from the store throws.
    public init(_ store: any ShardStore, verifyingHashes: Bool = true, cancellation: Cancellation? = nil) throws {
        let file = store.address(of: MDSIndex.basename)
        guard store.size(of: MDSIndex.basename) != .absent else {
            throw StarlingError(
                .badData,
                "there is no \(MDSIndex.basename) in the folder, so it is no MDS data set, or an unfinished one",
                at: .init(file: store.location))
        }
        self.store = store
        index = try store.withFile(MDSIndex.basename, size: nil, isVerified: false, cancellation: cancellation) {
            let memory = try MappedFile($0)
            return try withExtendedLifetime(memory) { try MDSIndex(bytes: memory.bytes, name: file) }
        }
        columns = try index.columns(name: file)
        verifiesHashes = verifyingHashes
        starts = index.shards.reduce(into: [0]) { $0.append($0.last! + $1.samples) }
        count = starts.last!
        for shard in index.shards { _ = try locate(shard) }
    }

    /// Opens a shard, fetched if need be. Nothing is kept: hold on to it while it is in use.
    /// - Precondition: `number` is one of the index.
    /// - Parameter intoMemory: for rows in random order; see ``MDSShard``.
    /// - Throws: as its initialiser from a file, and what fetching throws.
    public func shard(_ number: Int, intoMemory: Bool = false, cancellation: Cancellation? = nil) throws -> MDSShard {
        let info = index.shards[number]
        let (file, isCompressed) = try locate(info)
        do {
            return try store.withFile(
                file.basename, size: file.bytes, isVerified: verifiesHashes && !file.hashes.isEmpty,
                cancellation: cancellation
            ) { path in
                try MDSShard(
                    info, file: path, name: store.address(of: file.basename), compressed: isCompressed,
                    verifyingHashes: verifiesHashes, intoMemory: intoMemory)
            }
        } catch var error as StarlingError {
            error.place.shard = info.label
            throw error
        }
    }

    /// Copies the files that the index names to another store, the index last, so that a data set appears when it is whole.
    ///
    /// - Throws: what reading and writing throws; shards that were copied by then stay.
    public func copy(to target: any ShardStore, cancellation: Cancellation? = nil) throws {
        func copy(_ name: String, size: Int?) throws {
            try store.withFile(name, size: size, isVerified: false, cancellation: cancellation) {
                try target.put($0, as: name, cancellation: cancellation)
            }
        }
        for shard in index.shards { try copy(shard.storedData.basename, size: shard.storedData.bytes) }
        try copy(MDSIndex.basename, size: nil)
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
    private func locate(_ shard: MDSShardInfo) throws -> (file: MDSFileInfo, isCompressed: Bool) {
        if let zip = shard.zipData, store.size(of: shard.rawData.basename) != .bytes(shard.rawData.bytes) {
            try look(for: zip, shard)
            return (zip, true)
        }
        try look(for: shard.rawData, shard)
        return (shard.rawData, false)
    }

    private func look(for file: MDSFileInfo, _ shard: MDSShardInfo) throws {
        let place = StarlingError.Place(file: store.address(of: file.basename), shard: shard.label)
        switch store.size(of: file.basename) {
        case .unknown, .bytes(file.bytes): return
        case .bytes(let size): throw MDSShard.wrongSize(size, expected: file.bytes, at: place)
        case .absent:
            throw StarlingError(
                .badData, "the shard is missing, which the index names", at: place, remedy: "fetch or write it again")
        }
    }
}
