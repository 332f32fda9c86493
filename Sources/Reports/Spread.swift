#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How the places of lists are spread over items.
package struct Spread: Encodable, Sendable, Equatable {
    /// The share of items that are in at least one list.
    package let coverage: Double
    /// Inequality of the items' numbers of places: 0 all the same, near 1 all places to one.
    package let gini: Double
    /// The mean over places of −log₂(users who have the item ÷ users), in bits.
    package let novelty: Double
    /// Points `[share of items, share of places]`, the most recommended items first, from `[0, 0]` to `[1, 1]`: a Lorenz curve.
    package let curve: [[Double]]

    /// - Parameters:
    ///   - places: of each item that could be recommended, how many places it has in lists.
    ///   - audiences: of the same items, how many users have them in training; an item of nobody counts as one of one user.
    ///   - users: with training interactions.
    /// - Returns: nil if there are no places.
    /// - Complexity: O(items log items).
    package init?(places: [Int], audiences: [Int], users: Int) {
        precondition(places.count == audiences.count)
        let (count, total) = (places.count, places.reduce(0, +))
        guard total > 0 else { return nil }
        let rising = places.sorted()
        coverage = Double(places.count { $0 > 0 }) / Double(count)
        // Σ (2i − n − 1)·xᵢ ÷ (n·Σ xᵢ) over rising xᵢ, i from 1 (Dixon et al., Ecology 1987).
        var weighted = 0.0
        for (index, value) in rising.enumerated() { weighted += Double(2 * index + 1 - count) * Double(value) }
        gini = weighted / (Double(count) * Double(total))
        var bits = 0.0
        for (number, audience) in zip(places, audiences) where number > 0 {
            bits -= Double(number) * log2(Double(max(1, audience)) / Double(max(1, users)))
        }
        novelty = bits / Double(total)
        // More points where the curve bends.
        let ends = (0...40).map { Int((Double($0 * $0) / 1600 * Double(count)).rounded()) }
        var (curve, given, taken): ([[Double]], Int, Int) = ([], 0, 0)
        for end in ends where curve.isEmpty || end > taken {
            for index in taken..<end { given += rising[count - 1 - index] }
            taken = end
            curve.append([Double(end) / Double(count), Double(given) / Double(total)])
        }
        self.curve = curve
    }
}
