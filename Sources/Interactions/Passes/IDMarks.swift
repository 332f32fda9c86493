import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Which ids of 32 bits were met, marked by many threads at once: a bit an id, of which those parts take memory where ids are (at
/// most 512 MB).
///
/// `@unchecked Sendable`: marks are atomic.
final class IDMarks: @unchecked Sendable {
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let greatest = Atomic<Int>(0)

    init() {
        let count = 1 << 26
        guard let memory = calloc(count, MemoryLayout<UInt64>.size) else { preconditionFailure("no memory for marks") }
        words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    }

    deinit { free(words) }

    /// - Parameter greatest: the greatest of them.
    func mark(_ ids: UnsafePointer<UInt32>, count: Int, greatest: UInt32) {
        guard count > 0 else { return }
        self.greatest.max(Int(greatest), ordering: .relaxed)
        // Users mostly come one after another: a mark that stands is not made again.
        var last = ~ids[0]
        for index in 0..<count where ids[index] != last {
            last = ids[index]
            let (word, bit) = (Int(last >> 6), UInt64(1) << UInt64(last & 63))
            if words[word].load(ordering: .relaxed) & bit == 0 { words[word].bitwiseOr(bit, ordering: .relaxed) }
        }
    }

    /// Those that were marked, rising.
    var ids: [UInt32] {
        let end = Int(greatest.load(ordering: .relaxed) >> 6) + 1
        let count = (0..<end).reduce(0) { $0 + words[$1].load(ordering: .relaxed).nonzeroBitCount }
        var ids: [UInt32] = []
        ids.reserveCapacity(count)
        for word in 0..<end {
            var bits = words[word].load(ordering: .relaxed)
            while bits != 0 {
                ids.append(UInt32(word << 6 | bits.trailingZeroBitCount))
                bits &= bits - 1
            }
        }
        return ids
    }
}

/// The rows of whole-numbered ids: a table where ids are dense, else buckets of sorted ids.
struct RowLookup: Sendable {
    /// Of dense ids the row of each, ``absent`` for those that are not there; else where buckets begin in ``ids``.
    private let table: [UInt32]
    private let ids: [UInt32]
    private let shift: UInt32
    private static let absent = UInt32.max

    /// - Parameter ids: rising, at least one.
    init(_ ids: [UInt32]) {
        let greatest = ids.last!
        if greatest < 1 << 20 || Int(greatest) / 4 < ids.count {
            var rows = [UInt32](repeating: Self.absent, count: Int(greatest) + 1)
            for (row, id) in ids.enumerated() { rows[Int(id)] = UInt32(row) }
            (table, self.ids, shift) = (rows, [], 0)
            return
        }
        var shift: UInt32 = 0
        while Int(greatest >> shift) > ids.count { shift += 1 }
        var starts = [UInt32](repeating: 0, count: Int(greatest >> shift) + 2)
        for id in ids { starts[Int(id >> shift) + 1] += 1 }
        for bucket in 1..<starts.count { starts[bucket] += starts[bucket - 1] }
        (table, self.ids, self.shift) = (starts, ids, shift)
    }

    /// The same of a vocabulary; nil if an id is no whole number of 32 bits, or they do not rise.
    init?<Row>(_ vocabulary: Vocabulary<Row>) {
        guard case .integers(let integers) = vocabulary.ids, let first = integers.first, let last = integers.last,
            first >= 0, last < Int64(UInt32.max), zip(integers, integers.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.init(integers.map { UInt32($0) })
    }

    /// Bytes.
    var size: Int { 4 * (table.count + ids.count) }

    /// Ids become their rows.
    ///
    /// - Returns: the place of one that is not there; nil if all are.
    func replace(_ column: UnsafeMutablePointer<UInt32>, count: Int) -> Int? {
        table.withUnsafeBufferPointer { table in
            guard shift == 0 else { return search(column, count, table) }
            for place in 0..<count {
                let id = Int(column[place])
                guard id < table.count, table[id] != Self.absent else { return place }
                column[place] = table[id]
            }
            return nil
        }
    }

    private func search(
        _ column: UnsafeMutablePointer<UInt32>, _ count: Int, _ starts: UnsafeBufferPointer<UInt32>
    ) -> Int? {
        ids.withUnsafeBufferPointer { ids in
            for place in 0..<count {
                let id = column[place]
                let bucket = Int(id >> shift)
                guard bucket + 1 < starts.count else { return place }
                var (low, high) = (Int(starts[bucket]), Int(starts[bucket + 1]))
                let end = high
                while low < high {
                    let middle = (low + high) / 2
                    if ids[middle] < id { low = middle + 1 } else { high = middle }
                }
                guard low < end, ids[low] == id else { return place }
                column[place] = UInt32(low)
            }
            return nil
        }
    }
}
