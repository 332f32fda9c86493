import CKernels
import Interactions
import Kernels

/// How a piece of ``BlockRatings`` is written in few bytes, 3.5 to 5 a rating instead of 9 to 12: users count from the
/// segment's first place and items from the block's, and values are ``ValueCodes`` where 256 are enough.
///
/// A piece is four counts of groups, then users, items and values, each beginning at a multiple of eight bytes.
package struct PackedPiece {
    /// Whether an item block has more than 2¹⁶ items.
    let hasWideItems: Bool
    /// The value of each code, 256 of them; nil if values stand as they are.
    let codes: [Float]?

    /// In a packed user: ``SK_SGD_WAITS``.
    private static let waits: UInt16 = 0x8000

    private var itemBytes: Int { hasWideItems ? 4 : 2 }
    private var valueBytes: Int { codes == nil ? 4 : 1 }

    private static func padded(_ bytes: Int) -> Int { (bytes + 7) & ~7 }

    package init(hasWideItems: Bool, codes: [Float]?) {
        (self.hasWideItems, self.codes) = (hasWideItems, codes)
    }

    /// Bytes of a piece.
    package func bytes(groups: Int, ratings: Int) -> Int {
        16 + Self.padded(groups * 2) + Self.padded(ratings * itemBytes) + Self.padded(ratings * valueBytes)
    }

    /// Writes a piece, and returns its bytes.
    package func pack(
        _ piece: PieceRatings, firstUser: UInt32, firstItem: UInt32, encoding: ValueCodes,
        to target: UnsafeMutableRawPointer
    ) -> Int {
        let (groups, ratings) = (piece.groups.wrappedSum(), piece.groups.ratingCount)
        for size in 0..<4 { target.storeBytes(of: UInt32(piece.groups[size]), toByteOffset: 4 * size, as: UInt32.self) }
        var column = target + 16
        let users = column.assumingMemoryBound(to: UInt16.self)
        for group in 0..<groups {
            let user = piece.users[group]
            users[group] = UInt16((user & ~SK_SGD_WAITS) - firstUser) | (user & SK_SGD_WAITS != 0 ? Self.waits : 0)
        }
        column += Self.padded(groups * 2)
        if hasWideItems {
            let items = column.assumingMemoryBound(to: UInt32.self)
            for rating in 0..<ratings { items[rating] = piece.items[rating] - firstItem }
        } else {
            let items = column.assumingMemoryBound(to: UInt16.self)
            for rating in 0..<ratings { items[rating] = UInt16(piece.items[rating] - firstItem) }
        }
        column += Self.padded(ratings * itemBytes)
        if codes == nil {
            column.copyMemory(from: piece.values, byteCount: 4 * ratings)
        } else {
            let values = column.assumingMemoryBound(to: UInt8.self)
            for rating in 0..<ratings { values[rating] = encoding.code(of: piece.values[rating])! }
        }
        return bytes(groups: groups, ratings: ratings)
    }

    /// Reads a piece into `room`, which it fits, and returns it with its packed bytes.
    package func unpack(
        _ source: UnsafeRawPointer, firstUser: UInt32, firstItem: UInt32, into room: PieceRoom
    ) -> (piece: PieceRatings, bytes: Int) {
        var groups = SIMD4<Int>()
        for size in 0..<4 { groups[size] = Int(source.load(fromByteOffset: 4 * size, as: UInt32.self)) }
        let piece = PieceRatings(groups: groups, users: room.users, items: room.items, values: room.values)
        let (count, ratings) = (groups.wrappedSum(), piece.groups.ratingCount)
        var column = source + 16
        let users = column.assumingMemoryBound(to: UInt16.self)
        for group in 0..<count {
            let user = UInt32(users[group])
            room.users[group] = firstUser &+ (user & UInt32(~Self.waits)) | (user & UInt32(Self.waits)) << 16
        }
        column += Self.padded(count * 2)
        if hasWideItems {
            let items = column.assumingMemoryBound(to: UInt32.self)
            for rating in 0..<ratings { room.items[rating] = firstItem &+ items[rating] }
        } else {
            let items = column.assumingMemoryBound(to: UInt16.self)
            for rating in 0..<ratings { room.items[rating] = firstItem &+ UInt32(items[rating]) }
        }
        column += Self.padded(ratings * itemBytes)
        if let codes {
            let packed = column.assumingMemoryBound(to: UInt8.self)
            codes.withUnsafeBufferPointer { codes in
                for rating in 0..<ratings { room.values[rating] = codes[Int(packed[rating])] }
            }
        } else {
            UnsafeMutableRawPointer(room.values).copyMemory(from: column, byteCount: 4 * ratings)
        }
        return (piece, bytes(groups: count, ratings: ratings))
    }
}

/// Memory for one unpacked piece.
package final class PieceRoom {
    let users: UnsafeMutablePointer<UInt32>, items: UnsafeMutablePointer<UInt32>
    let values: UnsafeMutablePointer<Float>

    /// For so many ratings, which are as many groups at most.
    package init(ratings: Int) {
        let room = max(1, ratings)
        (users, items, values) = (.allocate(capacity: room), .allocate(capacity: room), .allocate(capacity: room))
    }

    deinit {
        users.deallocate()
        items.deallocate()
        values.deallocate()
    }
}
