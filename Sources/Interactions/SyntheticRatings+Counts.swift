import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension SyntheticRatings {
    /// The spread of the logarithm of users' activity above the minimum; MovieLens has about 1.1 to 1.4.
    private static let activitySpread = 1.2

    /// Interactions of each user, `[users]`; their sum is exactly ``interactions``.
    ///
    /// Each has the minimum and a share of the rest in proportion to a log-normal weight, up to a ceiling; what
    /// the ceiling cuts off is shared among the others. Fractions are rounded so that the sum holds, the largest up.
    package func activity() -> [Int] {
        let average = (interactions + users - 1) / users
        let ceiling = Double(max(minimumPerUser, items / 2, min(items, 2 * average)) - minimumPerUser)
        let weights = (0..<users).map { user in
            var stream = GeneratorStream.activity.stream(seed, user)
            return exp(Self.activitySpread * stream.normal())
        }
        let total = Double(interactions - users * minimumPerUser)
        var isFull = [Bool](repeating: false, count: users)
        var scale = 0.0
        while true {
            let left = total - ceiling * Double(isFull.count { $0 })
            scale = left / (0..<users).reduce(0) { isFull[$1] ? $0 : $0 + weights[$1] }
            let overflowing = (0..<users).filter { !isFull[$0] && weights[$0] * scale > ceiling }
            if overflowing.isEmpty { break }
            for user in overflowing { isFull[user] = true }
        }
        let shares = (0..<users).map { isFull[$0] ? ceiling : weights[$0] * scale }
        var counts = shares.map { minimumPerUser + Int($0) }
        let missing = interactions - counts.reduce(0, +)
        let byFraction = (0..<users).sorted {
            let (left, right) = (shares[$0] - shares[$0].rounded(.down), shares[$1] - shares[$1].rounded(.down))
            return left == right ? $0 < $1 : left > right
        }
        for user in byFraction.prefix(missing) { counts[user] += 1 }
        return counts
    }

    /// Draw weights of items, `[items]`, by the Zipf–Mandelbrot law over a random ranking.
    package func popularity() -> [Double] {
        var ranking = Array(0..<items)
        var stream = GeneratorStream.popularity.stream(seed, 0)
        stream.shuffle(&ranking)
        let offset = min(Double(items) / 10, 450)
        var weights = [Double](repeating: 0, count: items)
        for (rank, item) in ranking.enumerated() { weights[item] = pow(Double(rank + 1) + offset, -2.2) }
        return weights
    }

    /// The one user that each item is given to before others draw, so that no item is without: a random place
    /// among all interactions, none taken twice. Items by user: user `u` has `items[offsets[u]..<offsets[u + 1]]`.
    /// Empty if there are fewer interactions than items.
    func firstRaters(_ starts: [Int]) -> (offsets: [Int], items: [UInt32]) {
        var offsets = [Int](repeating: 0, count: users + 1)
        guard interactions >= items else { return (offsets, []) }
        var taken = [Int](repeating: 0, count: users)
        var stream = GeneratorStream.firstRaters.stream(seed, 0)
        let raters = (0..<items).map { _ in
            while true {
                let place = stream.below(interactions)
                let user = Self.owner(of: place, starts)
                // A user's taken places are thought of as the first ones, which leaves the odds as they are.
                guard place - starts[user] >= taken[user] else { continue }
                taken[user] += 1
                return user
            }
        }
        for user in 0..<users { offsets[user + 1] = offsets[user] + taken[user] }
        var next = offsets
        var byUser = [UInt32](repeating: 0, count: items)
        for (item, user) in raters.enumerated() {
            byUser[next[user]] = UInt32(item)
            next[user] += 1
        }
        return (offsets, byUser)
    }

    /// The last row whose start is not after `place`.
    private static func owner(of place: Int, _ starts: [Int]) -> Int {
        var (low, high) = (0, starts.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= place { low = middle } else { high = middle }
        }
        return low
    }
}
