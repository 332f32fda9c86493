import Kernels

/// Positions cut into segments by the rank of a random key each: as if all were sorted by (key, position) and the sorted row
/// cut at given ranks. Keys are made again for each of three passes and never kept, by any thread.
struct RandomRanks {
    let count: Int
    /// The keys from number `2 · counter` on.
    let stream: @Sendable (_ counter: UInt64) -> RandomStream
    let workers: Workers

    private static let sliceSize = 1 << 20

    /// - Parameters:
    ///   - cuts: rising ranks within `0...count`.
    ///   - names: one more than cuts; positions of rank below `cuts[0]` get the first name, and so on.
    func segments<Name>(cuts: [Int], names: [Name]) -> [Name] {
        let cut = cut(at: cuts, names: names)
        return [Name](unsafeUninitializedCapacity: count) { target, filled in
            forEachSlice { range, _ in cut.write(range, to: target.baseAddress! + range.lowerBound) }
            filled = count
        }
    }

    /// The same as a rule that names any stretch of positions.
    ///
    /// - Complexity: two passes over the keys.
    func cut<Name>(at cuts: [Int], names: [Name]) -> RandomCut<Name> {
        precondition(names.count == cuts.count + 1)
        return RandomCut(limits: limits(cuts), names: names, stream: stream)
    }

    /// For each cut the place whose rank it is: those of lower rank, and they alone, come before it.
    private func limits(_ cuts: [Int]) -> [RandomPlace] {
        let end = RandomPlace(key: .max, position: .max)
        // By the upper 16 bits first; few keys share them with a limit.
        let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: workers.count << 16)
        defer { counts.deallocate() }
        counts.initialize(repeating: 0)
        forEachSlice { range, worker in
            RandomKeys.forEach(range, stream) { _, key in counts[worker << 16 | Int(key >> 48)] += 1 }
        }
        let buckets = cuts.map { cut -> (bucket: UInt64, rank: Int)? in
            guard cut < count else { return nil }
            var (bucket, left) = (0, cut)
            while true {
                let own = (0..<workers.count).reduce(0) { $0 + counts[$1 << 16 | bucket] }
                if left < own { return (UInt64(bucket), left) }
                left -= own
                bucket += 1
            }
        }
        let wanted = Set(buckets.compactMap { $0?.bucket })
        guard !wanted.isEmpty else { return cuts.map { _ in end } }
        let (least, greatest) = (wanted.min()!, wanted.max()!)
        var found = [[RandomPlace]](repeating: [], count: (count + Self.sliceSize - 1) / Self.sliceSize)
        found.withUnsafeMutableBufferPointer { found in
            forEachSlice { range, _ in
                var own: [RandomPlace] = []
                RandomKeys.forEach(range, stream) { position, key in
                    let bucket = key >> 48
                    if bucket == least || bucket == greatest || (wanted.count > 2 && wanted.contains(bucket)) {
                        own.append(RandomPlace(key: key, position: position))
                    }
                }
                found[range.lowerBound / Self.sliceSize] = own
            }
        }
        let places = found.joined().sorted()
        return buckets.map { target in
            guard let target else { return end }
            return places[places.firstIndex { $0.key >> 48 == target.bucket }! + target.rank]
        }
    }

    private func forEachSlice(_ body: (_ range: Range<Int>, _ worker: Int) -> Void) {
        workers.forEach((count + Self.sliceSize - 1) / Self.sliceSize) { slice, worker in
            body(slice * Self.sliceSize..<min(count, (slice + 1) * Self.sliceSize), worker)
        }
    }
}

/// Names positions by where their random keys lie among limits; see ``RandomRanks``.
struct RandomCut<Name> {
    fileprivate let limits: [RandomPlace]
    fileprivate let names: [Name]
    fileprivate let stream: @Sendable (_ counter: UInt64) -> RandomStream

    /// Writes the names of a stretch of positions, one after the other.
    func write(_ range: Range<Int>, to target: UnsafeMutablePointer<Name>) {
        limits.withUnsafeBufferPointer { limits in
            names.withUnsafeBufferPointer { names in
                RandomKeys.forEach(range, stream) { position, key in
                    var segment = 0
                    for limit in limits
                    where key > limit.key || (key == limit.key && position >= limit.position) { segment += 1 }
                    (target + (position - range.lowerBound)).initialize(to: names[segment])
                }
            }
        }
    }
}

/// The random keys of positions.
private enum RandomKeys {
    /// Calls `body` with each position of a range and its key.
    @inline(__always)
    static func forEach(
        _ range: Range<Int>, _ stream: (_ counter: UInt64) -> RandomStream,
        _ body: (_ position: Int, _ key: UInt64) -> Void
    ) {
        let (first, size) = (range.lowerBound & ~1, 1024)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: size) { keys in
            for start in stride(from: first, to: range.upperBound, by: size) {
                let count = min(size, range.upperBound - start)
                stream(UInt64(start / 2)).write(to: keys.baseAddress!, count: count)
                for place in max(0, range.lowerBound - start)..<count { body(start + place, keys[place]) }
            }
        }
    }
}

extension RandomCut: Sendable where Name: Sendable {}

struct RandomPlace: Comparable, Sendable {
    fileprivate var key: UInt64
    fileprivate var position: Int

    static func < (left: RandomPlace, right: RandomPlace) -> Bool {
        (left.key, left.position) < (right.key, right.position)
    }
}
