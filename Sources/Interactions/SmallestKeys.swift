/// Cuts positions into segments by the rank of their key, in linear time: as if all were sorted by
/// (key, position) and the sorted row cut at given ranks.
enum SmallestKeys {
    /// - Parameters:
    ///   - key: of a position.
    ///   - cuts: rising ranks within `0...count`.
    ///   - names: one more than cuts; positions of rank below `cuts[0]` get the first name, and so on.
    /// - Complexity: four passes a cut.
    static func segments<Name>(count: Int, key: (Int) -> UInt64, cuts: [Int], names: [Name]) -> [Name] {
        precondition(names.count == cuts.count + 1)
        let limits = cuts.map { limit(count, key, rank: $0) }
        var equal = [Int](repeating: 0, count: cuts.count)
        return (0..<count).map { position in
            let key = key(position)
            var segment = 0
            for cut in limits.indices where key >= limits[cut].key {
                if key == limits[cut].key {
                    equal[cut] += 1
                    if equal[cut] <= limits[cut].ties { continue }
                }
                segment += 1
            }
            return names[segment]
        }
    }

    /// The `rank` smallest are those with a key below `key` and the first `ties` of those that equal it. Radix
    /// selection, 16 bits a pass from the top.
    private static func limit(_ count: Int, _ key: (Int) -> UInt64, rank: Int) -> (key: UInt64, ties: Int) {
        guard rank > 0 else { return (0, 0) }
        var (prefix, left): (UInt64, Int) = (0, rank)
        for shift in stride(from: 48, through: 0, by: -16) {
            var counts = [Int](repeating: 0, count: 1 << 16)
            // The bits above this digit must equal those found so far; shifting by 64 gives 0 on both sides.
            for position in 0..<count {
                let key = key(position)
                if key >> UInt64(shift + 16) == prefix { counts[Int(key >> UInt64(shift) & 0xFFFF)] += 1 }
            }
            var digit = 0
            while counts[digit] < left {
                left -= counts[digit]
                digit += 1
            }
            prefix = prefix << 16 | UInt64(digit)
        }
        return (prefix, left)
    }
}
