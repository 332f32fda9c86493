import CKernels
import Interactions

/// The ratings of one user block, in *groups*: one to four ratings of one user whose items differ and lie in one
/// item block. A group's errors are solved for together (see `sgd_groups.inc`).
///
/// Ratings lie piece by piece, a piece being what one segment of users and one item block share. In a piece the
/// groups of four come first, then those of three, two and one, so that a walk knows each group's size. Among those of
/// one size, stretches of the segment's users take turns: a group seldom has to wait for the one before it.
package struct BlockRatings: Sendable {
    /// Where a piece lies in ``users`` and ``items``, and how many groups it has of four, three, two and one.
    package struct Piece: Sendable {
        package var firstGroup = 0, firstRating = 0
        package var groups = SIMD4<Int>()

        package var ratingCount: Int { groups.ratingCount }
    }

    /// Item blocks.
    private let side: Int
    /// `[segments × side]`.
    private(set) var pieces: [Piece] = []
    /// The user's place of each group, with `SK_SGD_WAITS` where the group shares its user or an item with the one
    /// before it.
    package private(set) var users: [UInt32] = []
    /// The item's place and the value of each rating.
    package private(set) var items: [UInt32] = [], values: [Float] = []

    /// Pieces of an item block, one a segment.
    package func pieces(itemBlock: Int) -> some Sequence<Piece> {
        stride(from: itemBlock, to: pieces.count, by: side).lazy.map { pieces[$0] }
    }

    /// `[side]`: the ratings in each item block.
    var ratingCounts: [Int] {
        (0..<side).map { block in pieces(itemBlock: block).reduce(0) { $0 + $1.ratingCount } }
    }

    /// Calls `body` with the pieces of an item block, one after the other.
    func forEachPiece(itemBlock: Int, _ body: (PieceRatings) throws -> Void) rethrows {
        try users.withUnsafeBufferPointer { users in
            try items.withUnsafeBufferPointer { items in
                try values.withUnsafeBufferPointer { values in
                    guard let users = users.baseAddress, let items = items.baseAddress else { return }
                    for piece in pieces(itemBlock: itemBlock) {
                        try body(
                            PieceRatings(
                                groups: piece.groups, users: users + piece.firstGroup,
                                items: items + piece.firstRating, values: values.baseAddress! + piece.firstRating))
                    }
                }
            }
        }
    }

    /// None.
    init(side: Int) { self.side = side }

    /// Of the rows `userRows` of `history`, in the order of their places, the first of which is `firstPlace`.
    init(
        _ history: InteractionMatrix<UserRow, ItemRow>, users userRows: ArraySlice<UserRow>, firstPlace: Int,
        places: GridPlaces
    ) {
        let (segment, itemPlaces, blockOfPlace) = (places.segment, places.items, places.blockOfItemPlace)
        side = places.side
        let ratings = userRows.reduce(0) { $0 + history[$1].count }
        items.reserveCapacity(ratings)
        values.reserveCapacity(ratings)
        users.reserveCapacity(ratings / 3)
        var buckets = [Bucket](repeating: Bucket(), count: side)
        for first in stride(from: userRows.startIndex, to: userRows.endIndex, by: segment) {
            for index in first..<min(first + segment, userRows.endIndex) {
                let (row, place) = (userRows[index], firstPlace + index - userRows.startIndex)
                for entry in history.offsets[row.index]..<history.offsets[row.index + 1] {
                    let item = itemPlaces[Int(history.columns[entry])]
                    buckets[Int(blockOfPlace[Int(item)])].add(
                        user: UInt32(place), item: item, value: history.values?[entry] ?? 1)
                }
            }
            for block in 0..<side {
                append(&buckets[block])
            }
        }
    }

    /// The ratings that a segment has in one item block, cut into groups.
    private struct Bucket {
        var items: [UInt32] = [], values: [Float] = []
        /// Each group's user and its first rating.
        var groups: [(user: UInt32, first: Int)] = []

        /// Opens a group for another user, after four ratings, and before an item that the group has already:
        /// repeated pairs follow each other.
        mutating func add(user: UInt32, item: UInt32, value: Float) {
            if groups.last?.user != user || items.count - groups[groups.count - 1].first == Int(SK_SGD_GROUP)
                || items[items.count - 1] == item
            {
                groups.append((user, items.count))
            }
            items.append(item)
            values.append(value)
        }

        /// True if two groups of one size have the user or an item in common.
        func shares(_ group: Int, _ other: Int, size: Int) -> Bool {
            let (first, second) = (groups[group].first, groups[other].first)
            if groups[group].user == groups[other].user { return true }
            for own in first..<first + size {
                for rating in second..<second + size where items[own] == items[rating] { return true }
            }
            return false
        }

        mutating func removeAll() {
            items.removeAll(keepingCapacity: true)
            values.removeAll(keepingCapacity: true)
            groups.removeAll(keepingCapacity: true)
        }
    }

    /// Adds the next piece, and empties the bucket.
    private mutating func append(_ bucket: inout Bucket) {
        var piece = Piece()
        (piece.firstGroup, piece.firstRating) = (users.count, items.count)
        var bySize = [[Int]](repeating: [], count: 4)
        for group in bucket.groups.indices {
            let end = group + 1 < bucket.groups.count ? bucket.groups[group + 1].first : bucket.items.count
            bySize[4 - (end - bucket.groups[group].first)].append(group)
        }
        for (index, groups) in bySize.enumerated() {
            piece.groups[index] = groups.count
            append(bucket, groups, size: 4 - index)
        }
        pieces.append(piece)
        bucket.removeAll()
    }

    /// Adds the bucket's groups of one size. Four stretches of them take turns, and a stretch whose next group would
    /// have to wait leaves its turn to one whose next group would not.
    private mutating func append(_ bucket: Bucket, _ groups: [Int], size: Int) {
        var next = (0..<4).map { groups.count * $0 / 4 }
        let ends = (1...4).map { groups.count * $0 / 4 }
        var (turn, previous) = (0, -1)
        for _ in groups {
            let open = (0..<4).lazy.map { (turn + $0) % 4 }.filter { next[$0] < ends[$0] }
            let free = open.first { previous < 0 || !bucket.shares(groups[next[$0]], previous, size: size) }
            let taken = free ?? open.first!
            previous = groups[next[taken]]
            next[taken] += 1
            turn = (taken + 1) % 4
            let (user, first) = bucket.groups[previous]
            users.append(free == nil ? user | SK_SGD_WAITS : user)
            for rating in first..<first + size {
                items.append(bucket.items[rating])
                values.append(bucket.values[rating])
            }
        }
    }
}

/// One piece's ratings, where the kernel can read them.
package struct PieceRatings {
    /// Groups of four, three, two and one.
    package let groups: SIMD4<Int>
    /// As in ``BlockRatings``.
    package let users: UnsafePointer<UInt32>, items: UnsafePointer<UInt32>
    package let values: UnsafePointer<Float>

    package init(
        groups: SIMD4<Int>, users: UnsafePointer<UInt32>, items: UnsafePointer<UInt32>, values: UnsafePointer<Float>
    ) {
        (self.groups, self.users, self.items, self.values) = (groups, users, items, values)
    }
}

extension SIMD4<Int> {
    /// The ratings in so many groups of four, three, two and one.
    var ratingCount: Int { self[0] * 4 + self[1] * 3 + self[2] * 2 + self[3] }
}
