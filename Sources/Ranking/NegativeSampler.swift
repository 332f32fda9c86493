import Interactions
package import Kernels

/// Draws items that a user had nothing to do with: uniformly, without repeats, from those that may be recommended.
///
/// A draw is a pure function of the stream and the barred items. Not for use by several threads at once.
package struct NegativeSampler {
    /// The items that may be drawn at all, rising.
    private let pool: [UInt32]
    /// Per item its place in the pool; `UInt32.max` for those that are not in it.
    private let places: [UInt32]
    private var isTaken: [Bool]

    package init(of index: ItemIndex) {
        let pool = (0..<index.count).filter { index.isRecommendable(ItemRow($0)) }.map { UInt32($0) }
        var places = [UInt32](repeating: .max, count: index.count)
        for (place, item) in pool.enumerated() { places[Int(item)] = UInt32(place) }
        self.pool = pool
        self.places = places
        isTaken = [Bool](repeating: false, count: pool.count)
    }

    /// Where the barred items stand in the pool, rising: what ``draw(_:barred:from:into:)`` takes.
    package func barredPlaces(_ items: some Sequence<UInt32>) -> [UInt32] {
        var barred = Set<UInt32>()
        for item in items where Int(item) < places.count && places[Int(item)] != .max {
            barred.insert(places[Int(item)])
        }
        return barred.sorted()
    }

    /// Puts `count` items into `drawn`, or all that are not barred where those are fewer.
    ///
    /// Floyd's method (Bentley & Floyd, “A sample of brilliance”, CACM 1987): one random number an item, whatever the
    /// share of the items that is drawn or barred.
    ///
    /// - Complexity: O(count × log(barred)).
    package mutating func draw(
        _ count: Int, barred: [UInt32], from stream: inout RandomStream, into drawn: inout [UInt32]
    ) {
        drawn.removeAll(keepingCapacity: true)
        let eligible = pool.count - barred.count
        for bound in max(0, eligible - count)..<eligible {
            // The draw is among ranks of eligible items; a taken one stands for the newest, which cannot be taken yet.
            let rank = stream.below(bound + 1)
            let free = isTaken[rank] ? bound : rank
            isTaken[free] = true
            drawn.append(UInt32(free))
        }
        for position in drawn.indices {
            let rank = drawn[position]
            isTaken[Int(rank)] = false
            drawn[position] = pool[Self.place(ofRank: rank, barred)]
        }
    }

    /// The place that is number `rank`, from 0, among those that are not barred.
    private static func place(ofRank rank: UInt32, _ barred: [UInt32]) -> Int {
        // barred[j] − j places before barred[j] are free: those with at most `rank` of them come before the place.
        var (low, high) = (0, barred.count)
        while low < high {
            let middle = (low + high) / 2
            if barred[middle] - UInt32(middle) <= rank { low = middle + 1 } else { high = middle }
        }
        return Int(rank) + low
    }
}
