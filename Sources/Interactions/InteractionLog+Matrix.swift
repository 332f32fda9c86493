public import Kernels

extension InteractionLog {
    /// Users' histories, `[users × items]`. A pair that stands several times keeps all its entries, in log order.
    ///
    /// - Parameter workers: share the work; nothing in the result depends on their number.
    /// - Complexity: O(interactions + users + items): a counting sort by user, then each user's items are sorted in place.
    ///   Beyond the result, at most 2 bytes an interaction and what the longest history takes.
    public func userMatrix(workers: Workers = Workers(threads: 1)) -> InteractionMatrix<UserRow, ItemRow> {
        matrix(userRows, users.count, itemRows, items.count, values, nil, workers)
    }

    /// Items' audiences, `[items × users]`.
    public func itemMatrix(workers: Workers = Workers(threads: 1)) -> InteractionMatrix<ItemRow, UserRow> {
        matrix(itemRows, items.count, userRows, users.count, values, nil, workers)
    }

    /// The histories that one part of a split has, without making a log of it.
    package func userMatrix(
        of part: LogPart, in partition: LogPartition, workers: Workers
    ) -> InteractionMatrix<UserRow, ItemRow> {
        precondition(partition.parts.count == count)
        return matrix(userRows, users.count, itemRows, items.count, values, (partition.parts, part), workers)
    }

    /// Users' histories without values.
    package func pairMatrix(workers: Workers) -> InteractionMatrix<UserRow, ItemRow> {
        matrix(userRows, users.count, itemRows, items.count, nil, nil, workers)
    }

    private func matrix<Row, Column>(
        _ rows: [UInt32], _ rowCount: Int, _ columns: [UInt32], _ columnCount: Int, _ values: [Float]?,
        _ choice: (parts: [LogPart], part: LogPart)?, _ workers: Workers
    ) -> InteractionMatrix<Row, Column> {
        let slices = RowPlacement.sliceCount(count, rows: rowCount, workers)
        let cuts = (0...slices).map { count * $0 / slices }
        let placement = RowPlacement(slices: slices, rows: rowCount)
        workers.forEach(slices) { slice, _ in
            let counts = placement[slice]
            if let choice {
                for entry in cuts[slice]..<cuts[slice + 1] where choice.parts[entry] == choice.part {
                    counts[Int(rows[entry])] += 1
                }
            } else {
                for entry in cuts[slice]..<cuts[slice + 1] { counts[Int(rows[entry])] += 1 }
            }
        }
        let offsets = placement.place()
        var (sorted, sortedValues) = (
            LogColumns.unset(offsets[rowCount]) as [UInt32],
            values.map { _ in LogColumns.unset(offsets[rowCount]) as [Float] }
        )
        MatrixPointers.with(&sorted, &sortedValues) { target in
            values.withPointerToElements { values in
                workers.forEach(slices) { slice, _ in
                    let next = placement[slice]
                    for entry in cuts[slice]..<cuts[slice + 1] {
                        if let choice, choice.parts[entry] != choice.part { continue }
                        let place = Int(next[Int(rows[entry])])
                        next[Int(rows[entry])] += 1
                        target.columns[place] = columns[entry]
                        if let values { target.values![place] = values[entry] }
                    }
                }
            }
            // Many times more blocks than threads, so that long histories even out.
            let blocks = min(rowCount, 1024)
            workers.forEach(blocks) { block, _ in
                var sorter = RowSorter(columnCount: columnCount)
                for row in rowCount * block / blocks..<rowCount * (block + 1) / blocks {
                    sorter.sort(target, offsets[row]..<offsets[row + 1])
                }
            }
        }
        return InteractionMatrix(
            offsets: offsets, columns: sorted, values: sortedValues, columnCount: columnCount)
    }
}

/// Sorts rows of a matrix by column, entries of equal columns staying in their order.
private struct RowSorter {
    /// Bytes that tell columns apart.
    private let digits: Int
    private var pairs: [UInt64] = []
    private var spare: [UInt64] = []

    init(columnCount: Int) {
        digits =
            (max(1, UInt32(clamping: columnCount).bitWidth - UInt32(clamping: columnCount).leadingZeroBitCount) + 7) / 8
    }

    mutating func sort(_ matrix: MatrixPointers, _ row: Range<Int>) {
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
