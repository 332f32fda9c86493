package import Basics
import Formats
package import Kernels
import Synchronization

/// Writes an expansion as NPZ or MDS shards, each of which appears whole or not at all.
///
/// The same expansion gives the same bytes at any number of threads. After a kill the same call goes on: everything is made
/// again, which is the smaller part of the work and gives the counts, but shards that are there are not written again.
package struct ExpansionWriter {
    package enum Form: String, Sendable, CaseIterable {
        /// `shard.00000.npz`, …: stored arrays `users` and `items` (int32, or uint32 from 2³¹ on), and `ratings` (uint8 where all are
        /// whole numbers of 0…255, else float32).
        case npz
        /// `shard.00000.mds`, …, and `index.json`: columns `user`, `item` and `rating` of the same types.
        case mds
    }

    /// What was written.
    package struct Written: Sendable {
        /// Interactions of each user and item, by number.
        package var users: [UInt32]
        package var items: [UInt32]
        package var interactions = 0
        package var shards = 0
        package var bytes = 0
    }

    private let expansion: FractalExpansion
    private let folder: String
    private let form: Form
    private let pieces: [FractalExpansion.Piece]
    /// The pieces of each shard.
    private let shards: [Range<Int>]

    /// - Parameter sizeLimit: bytes that a shard is expected to have at most, unless one piece has more.
    package init(_ expansion: FractalExpansion, to folder: String, form: Form, sizeLimit: Int) {
        (self.expansion, self.folder, self.form) = (expansion, folder, form)
        pieces = expansion.pieces()
        let size = Self.bytes(of: expansion, form)
        var (shards, start, room): ([Range<Int>], Int, Double) = ([], 0, Double(sizeLimit))
        for (index, piece) in pieces.enumerated() {
            let needed = expansion.expected(piece) * size
            if needed > room, index > start {
                shards.append(start..<index)
                (start, room) = (index, Double(sizeLimit))
            }
            room -= needed
        }
        self.shards = shards + [start..<pieces.count]
    }

    /// Bytes that an interaction takes in a shard.
    private static func bytes(of expansion: FractalExpansion, _ form: Form) -> Double {
        Double(8 + expansion.ratingSize + (form == .mds ? 4 : 0))
    }

    /// Bytes that all shards are going to take, a little more than is likely.
    package var expectedBytes: Int {
        let count = expansion.expected
        return Int((count + 6 * count.squareRoot()) * Self.bytes(of: expansion, form)) + shards.count << 12
    }

    /// Writes what is not there yet.
    ///
    /// - Parameter progress: on the calling thread.
    /// - Throws: `failed` if a shard cannot be written; `interrupted` when cancelled. Shards that were finished stay.
    /// - Complexity: O(interactions). Memory: two shards, one being made and one being written, and 4 bytes a user and item.
    package func write(
        workers: Workers, cancellation: Cancellation? = nil, progress: InteractionWriter.Progress? = nil
    ) throws -> Written {
        var written = Written(
            users: [UInt32](repeating: 0, count: expansion.users), items: [UInt32](repeating: 0, count: expansion.items)
        )
        let scratch = (0..<workers.count).map { _ in FractalExpansion.Scratch(expansion) }
        let total = Int(expansion.expected)
        let done = Atomic<Int>(0)
        var index: [MDSShardInfo] = []
        var previous: [FractalExpansion.Kept] = []
        for shard in 0...shards.count {
            let range = shard < shards.count ? shards[shard] : 0..<0
            var made = [FractalExpansion.Kept?](repeating: nil, count: range.count)
            try made.withUnsafeMutableBufferPointer { made in
                // The first to come writes the shard before, while others make this one.
                try workers.forEach(range.count + 1) { task, worker in
                    if cancellation?.isCancelled == true {
                        throw StarlingError(
                            .interrupted, "stopped while writing \(folder)",
                            remedy: "the same command goes on with --resume")
                    }
                    guard task > 0 else { return try store(previous, shard - 1, &written, &index) }
                    let kept = expansion.make(pieces[range.lowerBound + task - 1], scratch[worker])
                    made[task - 1] = kept
                    let sum = done.add(kept.users.count, ordering: .relaxed).newValue
                    if worker == 0 { progress?(min(sum, total), total) }
                }
            }
            previous = made.map { $0! }
        }
        if form == .mds { try Files.write(MDSIndex(index).bytes(), to: folder + "/" + MDSIndex.basename) }
        return written
    }

    /// Writes a shard, unless it is there or empty, and counts it.
    private func store(
        _ parts: [FractalExpansion.Kept], _ number: Int, _ written: inout Written, _ index: inout [MDSShardInfo]
    ) throws {
        let count = parts.reduce(0) { $0 + $1.users.count }
        guard count > 0 else { return }
        let digits = String(number)
        let name = "shard." + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + "." + form.rawValue
        let path = folder + "/" + name
        let least = count * Int(Self.bytes(of: expansion, form))
        if Files.size(path).map({ $0 < least }) ?? true {
            switch form {
            case .npz: try writeNPZ(parts, count, to: path)
            case .mds: try writeMDS(parts, to: path)
            }
        }
        let bytes = Files.size(path) ?? 0
        if form == .mds {
            index.append(
                MDSShardInfo(
                    columns: columns.map { MDSColumn($0.key, $0.value) }.sorted { $0.name < $1.name },
                    rawData: MDSFileInfo(basename: name, bytes: bytes), samples: count))
        }
        for part in parts {
            for user in part.users { written.users[Int(user)] += 1 }
            for item in part.items { written.items[Int(item)] += 1 }
        }
        written.interactions += count
        written.shards += 1
        written.bytes += bytes
    }

    private func writeNPZ(_ parts: [FractalExpansion.Kept], _ count: Int, to path: String) throws {
        func array(
            _ name: String, _ type: ElementType,
            _ emit: @escaping (FractalExpansion.Kept, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) -> NPYSource {
            NPYSource(
                TensorSource(name: name, elementType: type, shape: [count]) { sink in
                    for part in parts { try emit(part, sink) }
                })
        }
        var arrays = [
            array("users", type(ofNumbersBelow: expansion.users)) { try $0.users.withUnsafeBytes($1) },
            array("items", type(ofNumbersBelow: expansion.items)) { try $0.items.withUnsafeBytes($1) },
        ]
        if expansion.ratingSize > 0 {
            arrays.append(
                array("ratings", expansion.ratingSize == 1 ? .uint8 : .float32) { part, sink in
                    switch part.ratings! {
                    case .bytes(let ratings): try ratings.withUnsafeBytes(sink)
                    case .floats(let ratings): try ratings.withUnsafeBytes(sink)
                    }
                })
        }
        try NPZ.write(arrays, to: path)
    }

    private func type(ofNumbersBelow end: Int) -> ElementType { end <= 1 << 31 ? .int32 : .uint32 }

    private var columns: [String: MDSEncoding] {
        var columns = [
            "user": MDSEncoding.number(type(ofNumbersBelow: expansion.users)),
            "item": .number(type(ofNumbersBelow: expansion.items)),
        ]
        if expansion.ratingSize > 0 { columns["rating"] = expansion.ratingSize == 1 ? .uint8 : .float32 }
        return columns
    }

    private func writeMDS(_ parts: [FractalExpansion.Kept], to path: String) throws {
        let aside = folder + "/" + Files.asidePrefix + "shard"
        try Files.remove(aside)
        let writer = try MDSWriter(aside, columns: columns, options: .init(sizeLimit: nil, isSynced: true))
        func vector(_ numbers: [UInt32], below end: Int) -> MDSVector {
            type(ofNumbersBelow: end) == .int32 ? .int32(numbers.map { Int32($0) }) : .uint32(numbers)
        }
        for part in parts {
            var batch = [
                "user": vector(part.users, below: expansion.users), "item": vector(part.items, below: expansion.items),
            ]
            switch part.ratings {
            case nil: break
            case .bytes(let ratings): batch["rating"] = .uint8(ratings)
            case .floats(let ratings): batch["rating"] = .float32(ratings)
            }
            try writer.write(batch)
        }
        try writer.finish()
        try Files.rename(aside + "/shard.00000.mds", to: path)
        Files.syncDirectory(of: path)
        try Files.remove(aside)
    }
}
