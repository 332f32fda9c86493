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
    package let places: GridPlaces
    /// The ratings of each user block; of those of other ranks, and of a grid on disk, none.
    package let userBlocks: [BlockRatings]
    /// The ratings of a grid on disk.
    let file: BlockFile?
    /// `[side²]`: ratings of block `userBlock × side + itemBlock`.
    package let ratingCounts: [Int]

    /// Blocks along either side.
    package var side: Int { places.side }

    package var ratingCount: Int { ratingCounts.reduce(0, +) }

    /// Blocks along a side: 16, or more until a block's item rows fit a usual second-level cache (2 MB) and a block has
    /// no more than 2²⁰ ratings, but never more than there are users or items. Few blocks mean many ratings of a user in
    /// each, for which its row comes from memory once; many mean work for more threads: as many as there are along a side.
    package static func side(users: Int, items: Int, ratings: Int, factors: Int) -> Int {
        var side = 16
        while side < 256, FactorTable.bytes(rows: items / side, width: factors) > 2 << 20 || ratings >> 20 > side * side
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
        var audience = [UInt32](repeating: 0, count: history.columnCount)
        for item in history.columns { audience[Int(item)] += 1 }
        let activity = (0..<history.rowCount).map { UInt32(history.offsets[$0 + 1] - history.offsets[$0]) }
        let places = GridPlaces(
            activity: activity, audience: audience, ratings: history.entryCount, factors: factors)
        let (side, userOrder) = (places.side, places.userOrder)
        let own = ranks.part(of: side)
        var blocks = [BlockRatings](repeating: BlockRatings(side: side), count: side)
        blocks.withUnsafeMutableBufferPointer { blocks in
            workers.forEach(own.count) { index, _ in
                let block = own.lowerBound + index
                let own = places.userStarts[block]..<places.userStarts[block + 1]
                blocks[block] = BlockRatings(
                    history, users: userOrder[own], firstPlace: own.lowerBound, places: places)
            }
        }
        let counts = blocks[own].flatMap { $0.ratingCounts }
        self.init(
            places: places, userBlocks: blocks, file: nil,
            ratingCounts: try counts.withUnsafeBufferPointer { Array(try ranks.gathered($0).joined()) })
    }

    init(places: GridPlaces, userBlocks: [BlockRatings], file: BlockFile?, ratingCounts: [Int]) {
        (self.places, self.userBlocks, self.file, self.ratingCounts) = (places, userBlocks, file, ratingCounts)
    }

    /// Bytes the grid takes at most, for estimates.
    package static func bytes(ratings: Int) -> Int { ratings * 12 }
}
