package import Basics
package import Interactions
package import Kernels

/// Ratings cut into a fixed grid of user blocks × item blocks.
///
/// Two blocks that share neither users nor items can be walked at the same time without conflict (Gemulla et al.
/// 2011, DSGD). The grid's `side` strata hold `side` such blocks each: block `(b, (b + s) mod side)` for every
/// user block `b`. What is computed depends on the grid, which the data alone fixes, and not on who walks it.
///
/// Rows are renumbered to *places*: those of a block stand together, so a block touches one stretch of each table.
/// Within a user block the users come in segments, whose rows fit a near cache, and a block is walked segment by
/// segment (see ``BlockRatings``).
package struct BlockGrid: Sendable {
    /// Blocks along either side.
    package let side: Int
    /// The place of each row.
    package let userPlaces: [UInt32], itemPlaces: [UInt32]
    /// Where blocks begin among the places, `[side + 1]`.
    package let userStarts: [Int], itemStarts: [Int]
    /// The ratings of each user block; of those of other ranks none.
    package let userBlocks: [BlockRatings]
    /// `[side²]`: ratings of block `userBlock × side + itemBlock`.
    package let ratingCounts: [Int]

    package var ratingCount: Int { ratingCounts.reduce(0, +) }

    /// Blocks along a side: 16, or more until a block's item rows fit half of a usual second-level cache (1 MB) and
    /// a block has no more than 2¹⁸ ratings, but never more than there are users or items. Few blocks mean many
    /// ratings of a user in each, many blocks mean work for more threads: as many as there are blocks along a side.
    package static func side(users: Int, items: Int, ratings: Int, factors: Int) -> Int {
        var side = 16
        while side < 256, FactorTable.bytes(rows: items / side, width: factors) > 1 << 20 || ratings >> 18 > side * side
        {
            side *= 2
        }
        return max(1, min(side, users, items))
    }

    /// - Throws: `unavailable` if another rank is lost.
    package init(
        _ history: InteractionMatrix<UserRow, ItemRow>, factors: Int, ranks: any Communicator = OneRank(),
        workers: Workers
    ) throws {
        let (users, itemCount) = (history.rowCount, history.columnCount)
        let side = Self.side(users: users, items: itemCount, ratings: history.entryCount, factors: factors)
        self.side = side
        var audience = [Int](repeating: 0, count: itemCount)
        for item in history.columns { audience[Int(item)] += 1 }
        let activity = (0..<users).map { history.offsets[$0 + 1] - history.offsets[$0] }
        let (userStarts, userPlaces) = Self.deal(activity, into: side)
        let (itemStarts, itemPlaces) = Self.deal(audience, into: side)
        (self.userStarts, self.userPlaces) = (userStarts, userPlaces)
        (self.itemStarts, self.itemPlaces) = (itemStarts, itemPlaces)
        var userOrder = [UserRow](repeating: UserRow(0), count: users)
        for (row, place) in userPlaces.enumerated() { userOrder[Int(place)] = UserRow(row) }
        var blockOfPlace = [UInt8](repeating: 0, count: itemCount)
        for block in 0..<side {
            for place in itemStarts[block]..<itemStarts[block + 1] { blockOfPlace[place] = UInt8(block) }
        }

        // A segment's rows take a quarter of a megabyte.
        let segment = max(64, (1 << 18) / FactorTable.bytes(rows: 1, width: factors))
        let own = ranks.part(of: side)
        var blocks = [BlockRatings](repeating: BlockRatings(side: side), count: side)
        blocks.withUnsafeMutableBufferPointer { blocks in
            workers.forEach(own.count) { index, _ in
                let block = own.lowerBound + index
                blocks[block] = BlockRatings(
                    history, users: userOrder[userStarts[block]..<userStarts[block + 1]], segment: segment,
                    itemPlaces: itemPlaces, blockOfPlace: blockOfPlace, side: side)
            }
        }
        userBlocks = blocks
        let counts = blocks[own].flatMap { block in (0..<side).map { block.ratingCount(itemBlock: $0) } }
        ratingCounts = try counts.withUnsafeBufferPointer { Array(try ranks.gathered($0).joined()) }
    }

    /// Bytes the grid takes at most, for estimates.
    package static func bytes(ratings: Int) -> Int { ratings * 12 }

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
