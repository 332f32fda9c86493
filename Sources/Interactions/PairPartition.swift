public import Basics
import Formats
public import Kernels
import Synchronization

/// A split laid out as the folders that the SSE-PT system reads, in files of pairs `[n × 2]`:
///
///     training/    trainx16x32_0.npz … trainx16x32_15.npz
///     validation/  test_0.npz … test_7.npz
///     evaluation/  test_8.npz … test_15.npz
///
/// A file holds whole users, in the order of the vocabulary, each one's interactions in the order of time where the log has
/// times, else in that of the log: pairs say no time, so their order has to.
public struct PairPartition: Sendable {
    public let rule: SplitRule
    public let seed: UInt64
    /// Of training; validation and evaluation have half as many. Fewer, where there are not so many users.
    public let files: Int

    /// A folder that was written.
    public struct Folder: Sendable {
        /// `training`, `validation` or `evaluation`.
        public let name: String
        public let files: Int
        public let interactions: Int
        /// Users and items that have interactions in it.
        public let users: Int
        public let items: Int
    }

    /// - Throws: `usage` for a rule that does not make a validation part and a test part, or fewer than two files.
    public init(_ rule: SplitRule, seed: UInt64, files: Int = 16) throws {
        let makesBoth =
            switch rule {
            case .random(let validation, let test), .temporal(let validation, let test): validation > 0 && test > 0
            case .last(let count): count > 1
            case .heldOutUsers, .folders: false
            }
        guard makesBoth else {
            throw StarlingError(
                .usage, "the split “\(rule)” does not make a validation part and a test part, which a partition needs",
                remedy: "use random:0.1,0.1, temporal:0.1,0.1 or last:2")
        }
        guard files >= 2 else {
            throw StarlingError(.usage, "\(files) files cannot be cut in half", remedy: "ask for 2 or more")
        }
        (self.rule, self.seed, self.files) = (rule, seed, files)
    }

    /// Splits a log and writes its parts to `folder`, which appears whole or not at all.
    ///
    /// - Parameter compressed: deflates the files, as the system's own are.
    /// - Returns: what was written, in the order above.
    /// - Throws: `badData` for ids that are not whole numbers of 0 or more; otherwise as ``InteractionLog/split(_:seed:)``.
    /// - Complexity: O(interactions), and sorting each user's own; beyond the log, memory of the largest part.
    public func write(
        _ log: InteractionLog, to folder: String, compressed: Bool = true, workers: Workers = Workers(),
        cancellation: Cancellation? = nil, progress: InteractionWriter.Progress? = nil
    ) throws -> [Folder] {
        let users = try InteractionWriter.numbers(log.users.ids, UserRow.noun, .pairs)
        let items = try InteractionWriter.numbers(log.items.ids, ItemRow.noun, .pairs)
        let partition = try log.partition(rule, seed: seed, workers: workers)
        let half = files / 2
        let layout: [(part: LogPart, name: String, file: (Int) -> String, files: Int)] = [
            (.train, "training", { "trainx16x32_\($0).npz" }, files),
            (.validation, "validation", { "test_\($0).npz" }, half),
            (.test, "evaluation", { "test_\(half + $0).npz" }, files - half),
        ]
        var folders: [Folder] = []
        var done = 0
        try Files.writeFolderAtomically(to: folder) { aside in
            for (part, name, file, count) in layout {
                let part = log.part(part, of: partition)!
                let (order, cuts) = part.byUser(files: count, workers: workers)
                let path = "\(aside)/\(name)"
                try Files.makeDirectory(path)
                let written = Atomic<Int>(0)
                try workers.forEach(cuts.count) { number, worker in
                    if cancellation?.isCancelled == true {
                        throw StarlingError(.interrupted, "stopped while writing \(folder)")
                    }
                    let pairs = part.pairs(order[cuts[number]], users, items)
                    try NPZ.write([pairs], to: "\(path)/\(file(number))", compressed: compressed)
                    let sum = written.add(cuts[number].count, ordering: .relaxed).newValue
                    if worker == 0 { progress?(done + sum, log.count) }
                }
                done += part.count
                folders.append(
                    Folder(
                        name: name, files: cuts.count, interactions: part.count,
                        users: distinct(part.userRows, below: users.count),
                        items: distinct(part.itemRows, below: items.count)))
            }
        }
        return folders
    }

    private func distinct(_ rows: [UInt32], below count: Int) -> Int {
        var isThere = [Bool](repeating: false, count: count)
        for row in rows { isThere[Int(row)] = true }
        return isThere.count { $0 }
    }
}

extension InteractionLog {
    /// The interactions user by user, each one's in the order of time or else of the log, and where that order is cut into at
    /// most `files` files of whole users.
    fileprivate func byUser(files: Int, workers: Workers) -> (order: [UInt32], cuts: [Range<Int>]) {
        let (offsets, indices) = interactionsByUser()
        var order = indices
        if let times {
            order.withUnsafeMutableBufferPointer { order in
                workers.forEach(users.count) { user, _ in
                    order[offsets[user]..<offsets[user + 1]].sort { (times[Int($0)], $0) < (times[Int($1)], $1) }
                }
            }
        }
        var cuts: [Range<Int>] = []
        var start = 0
        for end in offsets where end > start && end * files >= count * (cuts.count + 1) {
            cuts.append(start..<end)
            start = end
        }
        return (order, cuts)
    }

    /// Interactions as an array of pairs, by the numbers of users and items.
    fileprivate func pairs(_ indices: ArraySlice<UInt32>, _ users: [Int64], _ items: [Int64]) -> TensorSource {
        TensorSource(name: "arr_0", elementType: .int64, shape: [indices.count, 2]) { sink in
            try InteractionWriter.emit(2 * indices.count, sink) { place in
                let index = Int(indices[indices.startIndex + place / 2])
                return place % 2 == 0 ? users[Int(userRows[index])] : items[Int(itemRows[index])]
            }
        }
    }
}
