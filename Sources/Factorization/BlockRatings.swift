import CKernels
import Interactions

/// The ratings of one user block, in *groups*: one to four ratings of one user whose items differ and lie in one
/// item block. A group's errors are solved for together (see `sgd_groups.inc`).
///
/// Ratings lie piece by piece, a piece being what one segment of users and one item block share. In a piece the
/// groups of four come first, then those of three, two and one, so that a walk knows each group's size. Four
/// stretches of the segment's users take turns among the groups of four: a group seldom has to wait for the one
/// before it.
package struct BlockRatings: Sendable {
    /// Where a piece lies in ``users`` and ``items``, and how many groups it has of four, three, two and one.
    package struct Piece: Sendable {
        package var firstGroup = 0, firstRating = 0
        package var groups = SIMD4<Int>()

        package var ratingCount: Int { groups[0] * 4 + groups[1] * 3 + groups[2] * 2 + groups[3] }
    }

    /// Item blocks.
    private let side: Int
    /// `[segments × side]`.
    private var pieces: [Piece] = []
    /// The user's place of each group, with `SK_SGD_WAITS` where the group shares its user or an item with the one
    /// before it.
    package private(set) var users: [UInt32] = []
    /// The item's place and the value of each rating.
    package private(set) var items: [UInt32] = [], values: [Float] = []

    /// Pieces of an item block, one a segment.
    package func pieces(itemBlock: Int) -> some Sequence<Piece> {
        stride(from: itemBlock, to: pieces.count, by: side).lazy.map { pieces[$0] }
    }

    package func ratingCount(itemBlock: Int) -> Int { pieces(itemBlock: itemBlock).reduce(0) { $0 + $1.ratingCount } }

    /// The first elements of ``users``, ``items`` and ``values``, valid during `body`.
    func withUnsafeBuffers(
        _ body: (UnsafePointer<UInt32>, UnsafePointer<UInt32>, UnsafePointer<Float>) -> Void
    ) {
        users.withUnsafeBufferPointer { users in
            items.withUnsafeBufferPointer { items in
                values.withUnsafeBufferPointer { values in
                    guard let users = users.baseAddress, let items = items.baseAddress else { return }
                    body(users, items, values.baseAddress!)
                }
            }
        }
    }

    /// Of `userRows`, whose indices are their places.
    init(
        _ history: InteractionMatrix<UserRow, ItemRow>, users userRows: ArraySlice<UserRow>, segment: Int,
        itemPlaces: [UInt32], blockOfPlace: [UInt8], side: Int
    ) {
        self.side = side
        let ratings = userRows.reduce(0) { $0 + history[$1].count }
        items.reserveCapacity(ratings)
        values.reserveCapacity(ratings)
        users.reserveCapacity(ratings / 3)
        var buckets = [Bucket](repeating: Bucket(), count: side)
        for first in stride(from: userRows.startIndex, to: userRows.endIndex, by: segment) {
            for place in first..<min(first + segment, userRows.endIndex) {
                let row = userRows[place]
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
        let quarter = (bySize[0].count + 3) / 4
        bySize[0] = (0..<quarter).flatMap { [fours = bySize[0]] step in
            stride(from: step, to: fours.count, by: quarter).map { fours[$0] }
        }
        for (index, groups) in bySize.enumerated() {
            piece.groups[index] = groups.count
            for (number, group) in groups.enumerated() {
                append(bucket, group, after: number > 0 ? groups[number - 1] : nil, size: 4 - index)
            }
        }
        pieces.append(piece)
        bucket.removeAll()
    }

    /// Adds a group of the bucket after another of the same size.
    private mutating func append(_ bucket: Bucket, _ group: Int, after previous: Int?, size: Int) {
        let (user, first) = bucket.groups[group]
        let own = first..<first + size
        var waits = false
        if let previous {
            let before = bucket.groups[previous]
            waits = before.user == user
            for other in before.first..<before.first + size {
                for rating in own where bucket.items[rating] == bucket.items[other] { waits = true }
            }
        }
        users.append(waits ? user | SK_SGD_WAITS : user)
        for rating in own {
            items.append(bucket.items[rating])
            values.append(bucket.values[rating])
        }
    }
}
