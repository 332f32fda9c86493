import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The truth behind synthetic ratings: mean, biases and factors.
struct PlantedStructure: Sendable {
    let rank: Int
    /// `[users]` and `[items]`.
    private let userBiases, itemBiases: [Float]
    /// `[users × rank]` and `[items × rank]`.
    private let userFactors, itemFactors: [Float]

    private static let mean: Float = 3.6
    private static let userSpread = 0.43
    private static let itemSpread = 0.46
    private static let factorSpread = 0.50
    /// The variance of a factor relative to the one before it.
    private static let decay = 0.8

    init(users: Int, items: Int, rank: Int, seed: UInt64) {
        func draw(_ rows: Int, _ kind: GeneratorStream, _ spreads: [Double]) -> [Float] {
            var table: [Float] = []
            table.reserveCapacity(rows * spreads.count)
            for row in 0..<rows {
                var stream = kind.stream(seed, row)
                for spread in spreads { table.append(Float(spread * stream.normal())) }
            }
            return table
        }
        var spreads = (0..<rank).map { pow(Self.decay, Double($0) / 2) }
        let total = spreads.reduce(0) { $0 + $1 * $1 }.squareRoot()
        spreads = spreads.map { $0 / total * Self.factorSpread }
        self.rank = rank
        userBiases = draw(users, .userBias, [Self.userSpread])
        itemBiases = draw(items, .itemBias, [Self.itemSpread])
        userFactors = draw(users, .userFactors, [Double](repeating: 1, count: rank))
        itemFactors = draw(items, .itemFactors, spreads)
    }

    /// μ + b_u + b_i + p_u·q_i.
    func taste(_ user: Int, _ item: Int) -> Double {
        var dot: Float = 0
        userFactors.withUnsafeBufferPointer { users in
            itemFactors.withUnsafeBufferPointer { items in
                for factor in 0..<rank { dot += users[user * rank + factor] * items[item * rank + factor] }
            }
        }
        return Double(Self.mean + userBiases[user] + itemBiases[item] + dot)
    }
}

/// The uses of a generator's seed, each with one random stream a row.
enum GeneratorStream: UInt64 {
    case userBias = 1, itemBias, userFactors, itemFactors, activity, popularity, firstRaters, ratings

    func stream(_ seed: UInt64, _ row: Int) -> RandomStream {
        RandomStream(seed: seed, .generator, index: rawValue << 48 | UInt64(row))
    }
}
