/// The rows of a table that a batch uses, each once, and where: row `rows[r]` has a share `weights[j]` in sample `samples[j]`
/// for j in `starts[r]..<starts[r + 1]`, in the order of the samples.
struct TouchedRows: Sendable {
    let rows: [UInt32]
    let starts: [UInt32]
    let samples: [UInt32]
    let weights: [Float]

    /// - Parameter entities: of the batch.
    /// - Complexity: O(values · digits of the largest row).
    init(_ bags: FeatureBags, _ entities: [UInt32]) {
        var (keys, weights): ([UInt64], [Float]) = ([], [])
        keys.reserveCapacity(entities.count)
        if bags.offsets == nil {
            for (sample, entity) in entities.enumerated() {
                keys.append(UInt64(bags.values[Int(entity)]) << 32 | UInt64(sample))
            }
        } else {
            for (sample, entity) in entities.enumerated() {
                for row in bags.bag(entity) { keys.append(UInt64(row) << 32 | UInt64(sample)) }
            }
        }
        Self.sort(&keys, rows: bags.tableRows)
        var (rows, starts): ([UInt32], [UInt32]) = ([], [])
        weights.reserveCapacity(keys.count)
        for (place, key) in keys.enumerated() {
            let row = UInt32(truncatingIfNeeded: key >> 32)
            if rows.last != row {
                rows.append(row)
                starts.append(UInt32(place))
            }
            let entity = entities[Int(UInt32(truncatingIfNeeded: key))]
            weights.append(bags.offsets == nil ? 1 : 1 / Float(bags.bag(entity).count))
        }
        starts.append(UInt32(keys.count))
        (self.rows, self.starts, self.weights) = (rows, starts, weights)
        samples = keys.map { UInt32(truncatingIfNeeded: $0) }
    }

    /// Rows of which each is sample and group of its own.
    init(each rows: [UInt32]) {
        self.rows = rows
        starts = (0...rows.count).map { UInt32($0) }
        samples = Array(starts.dropLast())
        weights = [Float](repeating: 1, count: rows.count)
    }

    /// By row, equal rows as they come: eleven bits at a time from the lowest.
    private static func sort(_ keys: inout [UInt64], rows: Int) {
        var other = keys
        var shift = 32
        while shift < 64, (rows - 1) >> (shift - 32) > 0 {
            var places = [Int](repeating: 0, count: 2049)
            for key in keys { places[Int(key >> UInt64(shift) & 2047) + 1] += 1 }
            for digit in 0..<2048 { places[digit + 1] += places[digit] }
            for key in keys {
                let digit = Int(key >> UInt64(shift) & 2047)
                other[places[digit]] = key
                places[digit] += 1
            }
            swap(&keys, &other)
            shift += 11
        }
    }
}

extension [UInt32] {
    /// Where the first number of at least `bound` stands in rising ones. - Complexity: O(log count)
    func place(ofFirst bound: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if Int(self[middle]) < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where rising numbers lie within a range.
    func places(in range: Range<Int>) -> Range<Int> {
        place(ofFirst: range.lowerBound)..<place(ofFirst: range.upperBound)
    }
}
