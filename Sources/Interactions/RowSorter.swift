import Kernels

/// Sorts rows of a matrix by column, entries of equal columns staying in their order.
struct RowSorter {
    /// Bytes that tell columns apart.
    private let digits: Int
    private var pairs: [UInt64] = []
    private var spare: [UInt64] = []

    private init(columnCount: Int) {
        digits =
            (max(1, UInt32(clamping: columnCount).bitWidth - UInt32(clamping: columnCount).leadingZeroBitCount) + 7) / 8
    }

    /// Sorts all rows, where row `r` has entries `offsets[r]..<offsets[r + 1]`.
    static func sort(_ matrix: MatrixPointers, _ offsets: [Int], columnCount: Int, _ workers: Workers) {
        // Many times more blocks than threads, so that long histories even out.
        let rows = offsets.count - 1
        let blocks = min(rows, 1024)
        workers.forEach(blocks) { block, _ in
            var sorter = RowSorter(columnCount: columnCount)
            for row in rows * block / blocks..<rows * (block + 1) / blocks {
                sorter.sort(matrix, offsets[row]..<offsets[row + 1])
            }
        }
    }

    private mutating func sort(_ matrix: MatrixPointers, _ row: Range<Int>) {
        let columns = matrix.columns + row.lowerBound
        let values = matrix.values.map { $0 + row.lowerBound }
        let count = row.count
        guard (1..<max(1, count)).contains(where: { columns[$0 - 1] > columns[$0] }) else { return }
        if pairs.count < count {
            pairs = [UInt64](repeating: 0, count: max(count, 2 * pairs.count))
            spare = pairs
        }
        // The column above, the value's bits below.
        for entry in 0..<count {
            pairs[entry] = UInt64(columns[entry]) << 32 | UInt64(values?[entry].bitPattern ?? 0)
        }
        if count <= 32 { sortByInsertion(count) } else { sortByDigits(count) }
        for entry in 0..<count {
            columns[entry] = UInt32(pairs[entry] >> 32)
            values?[entry] = Float(bitPattern: UInt32(truncatingIfNeeded: pairs[entry]))
        }
    }

    private mutating func sortByInsertion(_ count: Int) {
        for entry in 1..<count {
            let pair = pairs[entry]
            var place = entry
            while place > 0, pairs[place - 1] >> 32 > pair >> 32 {
                pairs[place] = pairs[place - 1]
                place -= 1
            }
            pairs[place] = pair
        }
    }

    private mutating func sortByDigits(_ count: Int) {
        for digit in 0..<digits {
            let shift = UInt64(32 + 8 * digit)
            withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { next in
                next.initialize(repeating: 0)
                for entry in 0..<count { next[Int(truncatingIfNeeded: pairs[entry] >> shift & 255)] += 1 }
                var place = 0
                for bucket in 0..<256 { (next[bucket], place) = (place, place + next[bucket]) }
                for entry in 0..<count {
                    let bucket = Int(truncatingIfNeeded: pairs[entry] >> shift & 255)
                    spare[next[bucket]] = pairs[entry]
                    next[bucket] += 1
                }
            }
            swap(&pairs, &spare)
        }
    }
}
