package import Interactions
package import Kernels

/// Ratings cut into a fixed grid of user blocks × item blocks.
///
/// Two blocks that share neither users nor items can be walked at the same time without conflict (Gemulla et al.
/// 2011, DSGD). The grid's `side` strata hold `side` such blocks each: block `(b, (b + s) mod side)` for every
/// user block `b`. What is computed depends on the grid, which the data alone fixes, and not on who walks it.
///
/// Rows are renumbered to *places*: those of a block stand together, so a block touches one stretch of each table.
///
/// `@unchecked Sendable`: nothing changes after `init`.
package final class BlockGrid: @unchecked Sendable {
    /// Blocks along either side.
    package let side: Int
    /// The place of each row, and the row at each place.
    package let userPlaces: [UInt32], itemPlaces: [UInt32]
    /// `[side² + 1]`: block `userBlock × side + itemBlock` owns ratings and runs from its entry to the next.
    package let ratingStarts: [Int], runStarts: [Int]
    /// The user's place of each run (a stretch of one user's ratings in a block), and where it ends, counted from
    /// the block's first rating.
    package let runUsers: UnsafeMutablePointer<UInt32>, runEnds: UnsafeMutablePointer<UInt32>
    /// The item's place and the value of each rating; one spare element behind the items.
    package let items: UnsafeMutablePointer<UInt32>, values: UnsafeMutablePointer<Float>

    package var ratingCount: Int { ratingStarts[side * side] }

    /// Blocks along a side: 32, or more until a block's item rows fit half of a usual second-level cache (1 MB), but
    /// never more than there are users or items. At most 32 × 8 threads find work then.
    package static func side(users: Int, items: Int, factors: Int) -> Int {
        var side = 32
        while side < 256, FactorTable.bytes(rows: items / side, width: factors) > 1 << 20 { side *= 2 }
        return max(1, min(side, users, items))
    }

    package init(_ history: InteractionMatrix<UserRow, ItemRow>, factors: Int, workers: Workers) {
        let (users, itemCount) = (history.rowCount, history.columnCount)
        let side = Self.side(users: users, items: itemCount, factors: factors)
        self.side = side
        var audience = [Int](repeating: 0, count: itemCount)
        for item in history.columns { audience[Int(item)] += 1 }
        let activity = (0..<users).map { history.offsets[$0 + 1] - history.offsets[$0] }
        let (userBlocks, userPlaces) = Self.deal(activity, into: side)
        let (itemBlocks, itemPlaces) = Self.deal(audience, into: side)
        self.userPlaces = userPlaces
        self.itemPlaces = itemPlaces
        var userOrder = [UInt32](repeating: 0, count: users)
        for (row, place) in userPlaces.enumerated() { userOrder[Int(place)] = UInt32(row) }
        let blockUsers = (0..<side).map { block in userOrder[userBlocks[block]..<userBlocks[block + 1]] }
        var blockOfItem = [UInt8](repeating: 0, count: itemCount)
        for (item, place) in itemPlaces.enumerated() {
            blockOfItem[item] = UInt8(itemBlocks.partitioningIndex { $0 > Int(place) } - 1)
        }

        // Count, then fill: each user block is one worker's own.
        let counts = UnsafeMutablePointer<Int>.allocate(capacity: 2 * side * side)
        defer { counts.deallocate() }
        counts.initialize(repeating: 0, count: 2 * side * side)
        let runCounts = counts + side * side
        workers.forEach(side) { block, _ in
            for user in blockUsers[block] {
                var seen = BlockSet()
                for item in history[UserRow(Int(user))] {
                    let target = block * side + Int(blockOfItem[Int(item)])
                    counts[target] += 1
                    if seen.insert(blockOfItem[Int(item)]) { runCounts[target] += 1 }
                }
            }
        }
        var ratingStarts = [0]
        var runStarts = [0]
        for block in 0..<side * side {
            ratingStarts.append(ratingStarts[block] + counts[block])
            runStarts.append(runStarts[block] + runCounts[block])
        }
        let (ratings, runs) = (ratingStarts[side * side], runStarts[side * side])
        let items = UnsafeMutablePointer<UInt32>.allocate(capacity: ratings + 1)
        let values = UnsafeMutablePointer<Float>.allocate(capacity: max(1, ratings))
        let runUsers = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, runs))
        let runEnds = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, runs))
        items[ratings] = 0
        (self.items, self.values, self.runUsers, self.runEnds) = (items, values, runUsers, runEnds)
        (self.ratingStarts, self.runStarts) = (ratingStarts, runStarts)
        let (ratingFirsts, runFirsts) = (ratingStarts, runStarts)
        workers.forEach(side) { block, _ in
            var nextRating = Array(ratingFirsts[block * side..<(block + 1) * side])
            var nextRun = Array(runFirsts[block * side..<(block + 1) * side])
            for user in blockUsers[block] {
                var seen = BlockSet()
                let row = UserRow(Int(user))
                for entry in history.offsets[row.index]..<history.offsets[row.index + 1] {
                    let item = Int(history.columns[entry])
                    let target = blockOfItem[item]
                    let column = Int(target)
                    if seen.insert(target) {
                        runUsers[nextRun[column]] = userPlaces[row.index]
                        nextRun[column] += 1
                    }
                    items[nextRating[column]] = itemPlaces[item]
                    values[nextRating[column]] = history.values?[entry] ?? 1
                    nextRating[column] += 1
                    runEnds[nextRun[column] - 1] = UInt32(nextRating[column] - ratingFirsts[block * side + column])
                }
            }
        }
    }

    deinit {
        items.deallocate()
        values.deallocate()
        runUsers.deallocate()
        runEnds.deallocate()
    }

    /// Bytes the grid takes at most, for estimates.
    package static func bytes(ratings: Int) -> Int { ratings * 16 }

    /// Deals rows to blocks, heaviest first, each to the lightest block so far (ties: the first), so that blocks have
    /// about equal work. Returns where blocks start among the places, `[side + 1]`, and each row's place. Heavy rows
    /// come first within a block.
    private static func deal(_ weights: [Int], into side: Int) -> (starts: [Int], places: [UInt32]) {
        let order = weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }
        var loads = [Int](repeating: 0, count: side)
        var members = [[Int]](repeating: [], count: side)
        for row in order {
            var lightest = 0
            for block in 1..<side where loads[block] < loads[lightest] { lightest = block }
            // An empty row counts as a little work, so that rows spread as well as ratings.
            loads[lightest] += 16 * weights[row] + 1
            members[lightest].append(row)
        }
        var starts = [0]
        var places = [UInt32](repeating: 0, count: weights.count)
        for block in 0..<side {
            for (offset, row) in members[block].enumerated() { places[row] = UInt32(starts[block] + offset) }
            starts.append(starts[block] + members[block].count)
        }
        return (starts, places)
    }
}

extension [Int] {
    /// The first index whose element fulfils `isPast`, which no element does before one that does not.
    fileprivate func partitioningIndex(_ isPast: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isPast(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// A set of up to 256 block numbers.
private struct BlockSet {
    private var bits = SIMD4<UInt64>()

    /// True if `block` was not yet in the set.
    mutating func insert(_ block: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(block & 63)
        let word = Int(block >> 6)
        defer { bits[word] |= bit }
        return bits[word] & bit == 0
    }
}
