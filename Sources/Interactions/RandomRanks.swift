import Kernels

/// Positions cut into segments by the rank of a random key each: as if all were sorted by (key, position) and the sorted row
/// cut at given ranks. Keys are made again for each of three passes and never kept, by any thread.
struct RandomRanks {
    let count: Int
    /// The keys from number `2 · counter` on.
    let stream: (_ counter: UInt64) -> RandomStream
    let workers: Workers

    private static let sliceSize = 1 << 20

    /// - Parameters:
    ///   - cuts: rising ranks within `0...count`.
    ///   - names: one more than cuts; positions of rank below `cuts[0]` get the first name, and so on.
    func segments<Name>(cuts: [Int], names: [Name]) -> [Name] {
        precondition(names.count == cuts.count + 1)
        let limits = limits(cuts)
        return [Name](unsafeUninitializedCapacity: count) { target, filled in
            forEachSlice { range, _ in
                var stream = stream(UInt64(range.lowerBound / 2))
                for position in range {
                    let place = Place(key: stream.next(), position: position)
                    (target.baseAddress! + position).initialize(to: names[limits.count { !(place < $0) }])
                }
            }
            filled = count
        }
    }

    private struct Place: Comparable {
        var key: UInt64
        var position: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.key, left.position) < (right.key, right.position)
        }
    }

    /// For each cut the place whose rank it is: those of lower rank, and they alone, come before it.
    private func limits(_ cuts: [Int]) -> [Place] {
        let end = Place(key: .max, position: .max)
        // By the upper 16 bits first; few keys share them with a limit.
        let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: workers.count << 16)
        defer { counts.deallocate() }
        counts.initialize(repeating: 0)
        forEachSlice { range, worker in
            var stream = stream(UInt64(range.lowerBound / 2))
            for _ in range { counts[worker << 16 | Int(stream.next() >> 48)] += 1 }
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
        var found = [[Place]](repeating: [], count: (count + Self.sliceSize - 1) / Self.sliceSize)
        found.withUnsafeMutableBufferPointer { found in
            forEachSlice { range, _ in
                var stream = stream(UInt64(range.lowerBound / 2))
                var own: [Place] = []
                for position in range {
                    let key = stream.next()
                    let bucket = key >> 48
                    if bucket == least || bucket == greatest || (wanted.count > 2 && wanted.contains(bucket)) {
                        own.append(Place(key: key, position: position))
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
