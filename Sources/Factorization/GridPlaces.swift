import Interactions
import Kernels

/// How a ``BlockGrid`` cuts users and items into blocks: each row's *place*, the rows of a block together.
///
/// At most 256 blocks along a side, and 2³¹ users and items.
package struct GridPlaces: Sendable {
    /// Blocks along either side.
    package let side: Int
    /// The place of each row.
    package let users: [UInt32], items: [UInt32]
    /// Where blocks begin among the places, `[side + 1]`.
    package let userStarts: [Int], itemStarts: [Int]
    /// `[items]`: the block that an item's place lies in.
    let blockOfItemPlace: [UInt8]
    /// Users of a segment: their rows take a quarter of a megabyte. At most 4096.
    let segment: Int

    /// - Parameters:
    ///   - activity: ratings of each user; `audience` of each item.
    init(activity: [UInt32], audience: [UInt32], ratings: Int, factors: Int) {
        side = BlockGrid.side(users: activity.count, items: audience.count, ratings: ratings, factors: factors)
        (userStarts, users) = Self.deal(activity, into: side)
        (itemStarts, items) = Self.deal(audience, into: side)
        blockOfItemPlace = Self.blocks(itemStarts)
        segment = max(64, (1 << 18) / FactorTable.bytes(rows: 1, width: factors))
    }

    /// The rows in the order of their places.
    var userOrder: [UserRow] {
        var order = [UserRow](repeating: UserRow(0), count: users.count)
        for (row, place) in users.enumerated() { order[Int(place)] = UserRow(row) }
        return order
    }

    /// Of each place the block, where blocks start at `starts`.
    static func blocks(_ starts: [Int]) -> [UInt8] {
        var blocks = [UInt8](repeating: 0, count: starts.last!)
        for block in 0..<starts.count - 1 {
            for place in starts[block]..<starts[block + 1] { blocks[place] = UInt8(block) }
        }
        return blocks
    }

    /// Deals rows to blocks, heaviest first, each to the lightest block so far (ties: the first), so that blocks have
    /// about equal work. Returns where blocks start among the places, `[side + 1]`, and each row's place. Heavy rows
    /// come first within a block.
    private static func deal(_ weights: [UInt32], into side: Int) -> (starts: [Int], places: [UInt32]) {
        let order = weights.indices.sorted { (weights[$1], $0) < (weights[$0], $1) }
        var loads = [Int](repeating: 0, count: side)
        var members = [[Int]](repeating: [], count: side)
        for row in order {
            var lightest = 0
            for block in 1..<side where loads[block] < loads[lightest] { lightest = block }
            // An empty row counts as a little work, so that rows spread as well as ratings.
            loads[lightest] += 16 * Int(weights[row]) + 1
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
