/// A user of a block and an item as one number of the bytes that the set needs, mostly four or five.
struct RatingKey {
    private let itemBits: Int
    /// Bytes of a key.
    let bytes: Int

    init(_ places: GridPlaces) {
        func bits(_ count: Int) -> Int { max(1, Int.bitWidth - max(0, count - 1).leadingZeroBitCount) }
        itemBits = bits(places.items.count)
        let users = zip(places.userStarts, places.userStarts.dropFirst()).map { $1 - $0 }.max() ?? 0
        bytes = (bits(users) + itemBits + 7) / 8
    }

    /// Bytes that are written beyond a key, and read.
    static let overhang = 7

    /// Writes a key; the bytes behind it, up to eight in all, change too.
    func store(user: UInt32, item: UInt32, to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: UInt64(user) << UInt64(itemBits) | UInt64(item), as: UInt64.self)
    }

    /// Reads a key; eight bytes are there to be read.
    func load(_ source: UnsafeRawPointer) -> (user: UInt32, item: UInt32) {
        let key = source.loadUnaligned(as: UInt64.self) & (UInt64.max >> UInt64(64 - 8 * bytes))
        return (
            UInt32(truncatingIfNeeded: key >> UInt64(itemBits)),
            UInt32(truncatingIfNeeded: key & (1 << UInt64(itemBits) - 1))
        )
    }
}
