import Formats
import Kernels

/// Turns what chunks wrote in an id column into rows of a sorted vocabulary, in place.
struct IDColumn {
    let column: UnsafeMutableBufferPointer<UInt32>
    let workers: Workers

    /// The ids of the vocabulary.
    /// - Parameter rows: rows of each chunk, in order; the chunks' `sinks` say what their rows hold.
    func ids<Row>(_ sinks: [IDSink], rows: [Int]) -> Vocabulary<Row>.IDs {
        if sinks[0].isInterning { return rankInterned(sinks, rows, Row.self) }
        let greatest = sinks.map(\.greatest).max()!
        let bitmapBytes = (Int(greatest) / 64 + 1) * 8
        let distinct = bitmapBytes * workers.count <= 64 << 20 ? rankByBitmap(greatest) : rankBySorting()
        return .integers(distinct.map { Int64($0) })
    }

    /// Overwrites each entry by what `rank` has for it.
    func renumber(_ rank: [UInt32]) {
        rank.withUnsafeBufferPointer { rank in
            forEachSlice { slice, _ in
                for index in slice { column[index] = rank[Int(column[index])] }
            }
        }
    }

    /// Calls `body` for slices of the column, in parallel.
    private func forEachSlice(_ body: (_ slice: Range<Int>, _ worker: Int) -> Void) {
        let size = 1 << 18
        workers.forEach((column.count + size - 1) / size) { slice, worker in
            body(slice * size..<min(column.count, (slice + 1) * size), worker)
        }
    }

    /// Marks ids in a bitmap a thread, joins the bitmaps, and counts marks for the ranks.
    private func rankByBitmap(_ greatest: UInt32) -> [UInt32] {
        let words = Int(greatest) / 64 + 1
        let bitmaps = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: words * workers.count)
        defer { bitmaps.deallocate() }
        bitmaps.initialize(repeating: 0)
        forEachSlice { slice, worker in
            let bitmap = bitmaps.baseAddress! + worker * words
            // Users mostly come one after another: a mark that stands is not made again.
            var last = ~column[slice.lowerBound]
            for index in slice where column[index] != last {
                last = column[index]
                bitmap[Int(last >> 6)] |= 1 << UInt64(last & 63)
            }
        }
        var distinct: [UInt32] = []
        var before = [UInt32](repeating: 0, count: words)
        for word in 0..<words {
            for worker in 1..<max(1, workers.count) { bitmaps[word] |= bitmaps[worker * words + word] }
            before[word] = UInt32(distinct.count)
            var bits = bitmaps[word]
            while bits != 0 {
                distinct.append(UInt32(word << 6 | bits.trailingZeroBitCount))
                bits &= bits - 1
            }
        }
        if greatest < 1 << 24 {
            // Small enough to stay near the processor: one load an id.
            var rank = [UInt32](repeating: 0, count: Int(greatest) + 1)
            for (row, id) in distinct.enumerated() { rank[Int(id)] = UInt32(row) }
            renumber(rank)
        } else {
            before.withUnsafeBufferPointer { before in
                forEachSlice { slice, _ in
                    for index in slice {
                        let word = Int(column[index] >> 6)
                        let below = bitmaps[word] & (1 << UInt64(column[index] & 63) - 1)
                        column[index] = before[word] + UInt32(below.nonzeroBitCount)
                    }
                }
            }
        }
        return distinct
    }

    /// For ids spread so wide that a bitmap would be mostly empty.
    private func rankBySorting() -> [UInt32] {
        var distinct = Array(column)
        distinct.sort()
        var count = 0
        for index in distinct.indices where count == 0 || distinct[index] != distinct[count - 1] {
            distinct[count] = distinct[index]
            count += 1
        }
        distinct = Array(distinct[..<count])
        distinct.withUnsafeBufferPointer { distinct in
            forEachSlice { slice, _ in
                for index in slice {
                    var (low, high) = (0, distinct.count)
                    while high - low > 1 {
                        let middle = (low + high) / 2
                        if distinct[middle] <= column[index] { low = middle } else { high = middle }
                    }
                    column[index] = UInt32(low)
                }
            }
        }
        return distinct
    }

    /// Joins the chunks' numberings in chunk order, sorts the ids and writes their ranks.
    private func rankInterned<Row>(_ sinks: [IDSink], _ rows: [Int], _: Row.Type) -> Vocabulary<Row>.IDs {
        var all = IDInterner()
        var numbers = sinks.map { sink in
            (0..<sink.interner.count).map { local in sink.interner.withID(local) { all.number(of: $0) } }
        }
        let integers = (0..<all.count).map { number in all.withID(number) { DecimalText.canonicalInteger($0) } }
        var order = Array(0..<all.count)
        let ids: Vocabulary<Row>.IDs
        if integers.contains(nil) {
            let texts = PackedTexts(bytes: all.bytes, offsets: all.offsets)
            order = texts.sorted()
            let sorted = texts.taking(order)
            ids = .strings(bytes: sorted.bytes, offsets: sorted.offsets)
        } else {
            order.sort { integers[$0]! < integers[$1]! }
            ids = .integers(order.map { integers[$0]! })
        }
        var rank = [UInt32](repeating: 0, count: all.count)
        for (row, number) in order.enumerated() { rank[number] = UInt32(row) }
        var starts: [Int] = []
        var start = 0
        for (chunk, count) in rows.enumerated() {
            starts.append(start)
            start += count
            for local in numbers[chunk].indices { numbers[chunk][local] = rank[Int(numbers[chunk][local])] }
        }
        workers.forEach(rows.count) { [numbers, starts] chunk, _ in
            for index in starts[chunk]..<starts[chunk] + rows[chunk] {
                column[index] = numbers[chunk][Int(column[index])]
            }
        }
        return ids
    }
}
