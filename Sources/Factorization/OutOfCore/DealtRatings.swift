import Basics
import Interactions
import Kernels
import Synchronization

/// Ratings dealt to user blocks through disk: each block's in a temporary file of its own, a rating as its ``RatingKey`` and
/// its value, in one byte where ``ValueCodes`` are enough.
final class DealtRatings: Sendable {
    /// What one slice of the log has of one user block, in the log's order: values, then keys.
    private struct Segment {
        var slice: Int, offset: Int, count: Int
        var isCoded: Bool
    }

    private let places: GridPlaces
    private let key: RatingKey
    private let files: Mutex<[ScratchFile?]>
    private let segments: Mutex<[[Segment]]>
    /// The codes of all values so far, and whether there have been too many.
    private let coding = Mutex((codes: ValueCodes(), isFull: false))

    /// Deals all that `passes` has, in one pass. Takes some 10 bytes of memory a rating of a slice, for each worker.
    ///
    /// - Parameter reserve: told how many more bytes of disk are needed: at the start, and again if values do not fit codes.
    /// - Throws: what the pass and `reserve` throw; `failed` if the disk is full.
    init(
        _ passes: any HistoryPasses, _ places: GridPlaces, in folder: String, workers: Workers,
        cancellation: Cancellation?, progress: ((_ done: Int, _ total: Int) -> Void)?,
        reserve: (_ bytes: Int) throws -> Void
    ) throws {
        self.places = places
        key = RatingKey(places)
        segments = Mutex([[Segment]](repeating: [], count: places.side))
        // A grid of the same ratings, which takes the place of theirs, has 5 bytes beside the value.
        let size = max(key.bytes, 5)
        try reserve(passes.entryCount * (size + 1))
        files = Mutex(try (0..<places.side).map { _ in try ScratchFile(in: folder) })
        let blockOfPlace = GridPlaces.blocks(places.userStarts)
        let blockOfUser = places.users.map { blockOfPlace[Int($0)] }
        var rooms = (0..<workers.count).map { _ in (codes: ValueCodes(), bytes: [UInt8]()) }
        try rooms.withUnsafeMutableBufferPointer { rooms in
            try passes.forEachSlice(workers: workers, cancellation: cancellation, progress: progress) { slice, worker in
                let isCoded = try learn(slice, &rooms[worker].codes) {
                    try reserve(passes.entryCount * (size + 4) - $0)
                }
                try deal(slice, isCoded ? rooms[worker].codes : nil, blockOfUser, &rooms[worker].bytes)
            }
        }
    }

    /// Takes the codes of a slice's values over into a worker's own. False if there are too many values; whoever finds that out
    /// first calls `overflow` with the bytes that are written already.
    private func learn(
        _ slice: HistorySlice, _ own: inout ValueCodes, overflow: (_ written: Int) throws -> Void
    ) throws -> Bool {
        guard let values = slice.values else { return true }
        for value in values where own.code(of: value) == nil {
            let (isCoded, isFirst) = coding.withLock { coding in
                if coding.codes.code(adding: value) != nil {
                    own = coding.codes
                    return (true, false)
                }
                defer { coding.isFull = true }
                return (false, !coding.isFull)
            }
            if isCoded { continue }
            if isFirst { try overflow(segments.withLock { $0.reduce(0) { $0 + ($1.last.map(end) ?? 0) } }) }
            return false
        }
        return true
    }

    private func end(_ segment: Segment) -> Int {
        segment.offset + segment.count * (key.bytes + (segment.isCoded ? 1 : 4))
    }

    /// Sorts a slice by user block in `room` and writes each block's part behind what its file has.
    private func deal(
        _ slice: HistorySlice, _ codes: ValueCodes?, _ blockOfUser: [UInt8], _ room: inout [UInt8]
    ) throws {
        let (side, valueBytes) = (places.side, codes == nil ? 4 : 1)
        let size = slice.users.count * (key.bytes + valueBytes) + side * RatingKey.overhang
        if room.count < size { room = [UInt8](repeating: 0, count: size) }
        var counts = [Int](repeating: 0, count: side)
        for user in slice.users { counts[Int(blockOfUser[Int(user)])] += 1 }
        try room.withUnsafeMutableBytes { room in
            var starts: [Int] = []
            var next = 0
            for count in counts {
                starts.append(next)
                next += count * (key.bytes + valueBytes) + RatingKey.overhang
            }
            var (values, keys) = (starts, zip(starts, counts).map { $0 + $1 * valueBytes })
            let firstUsers = places.userStarts.map { UInt32($0) }
            let base = room.baseAddress!
            for entry in slice.users.indices {
                let user = Int(slice.users[entry])
                let block = Int(blockOfUser[user])
                key.store(
                    user: places.users[user] - firstUsers[block], item: slice.items[entry], to: base + keys[block])
                keys[block] += key.bytes
                let value = slice.values?[entry] ?? 1
                if let codes {
                    base.storeBytes(of: codes.code(of: value)!, toByteOffset: values[block], as: UInt8.self)
                } else {
                    base.storeBytes(of: value, toByteOffset: values[block], as: Float.self)
                }
                values[block] += valueBytes
            }
            for block in 0..<side where counts[block] > 0 {
                let (offset, file) = append(
                    Segment(slice: slice.index, offset: 0, count: counts[block], isCoded: codes != nil), to: block)
                try file.write(UnsafeRawBufferPointer(rebasing: room[starts[block]..<keys[block]]), at: offset)
            }
        }
    }

    /// Puts a segment behind those that a block has; returns where it begins in which file.
    private func append(_ segment: Segment, to block: Int) -> (Int, ScratchFile) {
        let offset = segments.withLock { segments in
            let offset = segments[block].last.map(end) ?? 0
            var segment = segment
            segment.offset = offset
            segments[block].append(segment)
            return offset
        }
        return (offset, files.withLock { $0[block]! })
    }

    /// The histories of a user block, in the order of its places, and lets go of its file. To be called once a block. Takes 20
    /// bytes a rating of memory meanwhile.
    ///
    /// - Throws: `failed` if the disk is broken.
    func takeHistories(userBlock block: Int) throws -> InteractionMatrix<UserRow, ItemRow> {
        let file = files.withLock { $0[block].take()! }
        let segments = segments.withLock { $0[block] }.sorted { $0.slice < $1.slice }
        let values = coding.withLock { $0.codes.values }
        let total = segments.reduce(0) { $0 + $1.count }
        var (users, items) = ([UInt32](repeating: 0, count: total), [UInt32](repeating: 0, count: total))
        var ratings = [Float](repeating: 0, count: total)
        var room = [UInt8](
            repeating: 0, count: (segments.map(\.count).max() ?? 0) * (key.bytes + 4) + RatingKey.overhang)
        var next = 0
        for segment in segments {
            let valueBytes = segment.isCoded ? 1 : 4
            try room.withUnsafeMutableBytes { room in
                let bytes = room[..<(segment.count * (key.bytes + valueBytes))]
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes), at: segment.offset)
                let keys = room.baseAddress! + segment.count * valueBytes
                for entry in 0..<segment.count {
                    (users[next], items[next]) = key.load(keys + entry * key.bytes)
                    ratings[next] =
                        segment.isCoded
                        ? values[Int(room[entry])] : room.loadUnaligned(fromByteOffset: 4 * entry, as: Float.self)
                    next += 1
                }
            }
        }
        let count = places.userStarts[block + 1] - places.userStarts[block]
        return InteractionLog.matrix(
            users, count, items, places.items.count, ratings, nil, Workers(threads: 1))
    }
}
