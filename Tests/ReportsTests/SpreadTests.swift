import Kernels
import Reports
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct SpreadTests {
    @Test func byHand() throws {
        // Rising 0 2 2 4: (−3·0 − 1·2 + 1·2 + 3·4) ÷ (4·8); bits 4·0, 2·1, 2·2 over 8 places.
        let spread = try #require(Spread(places: [4, 0, 2, 2], audiences: [8, 1, 4, 2], users: 8))
        #expect(spread.coverage == 0.75 && spread.gini == 0.375 && spread.novelty == 0.75)
        #expect(spread.curve == [[0, 0], [0.25, 0.5], [0.5, 0.75], [0.75, 1], [1, 1]])
    }

    @Test func ends() throws {
        #expect(Spread(places: [0, 0], audiences: [1, 1], users: 2) == nil)
        #expect(Spread(places: [], audiences: [], users: 0) == nil)
        let even = try #require(Spread(places: [3, 3, 3], audiences: [5, 5, 5], users: 5))
        #expect(even.gini == 0 && even.coverage == 1 && even.novelty == 0)
        // All to one of a hundred, which nobody has in training: as if one of 64 had it.
        let one = [Int](repeating: 0, count: 99) + [7]
        let single = try #require(Spread(places: one, audiences: one.map { _ in 0 }, users: 64))
        #expect(abs(single.gini - 0.99) < 1e-12 && single.novelty == 6 && single.coverage == 0.01)
    }

    /// Against the definitions: mean differences of all pairs, and sums from the largest on.
    @Test(arguments: 0..<40 as Range<UInt64>) func definitions(seed: UInt64) throws {
        var random = RandomStream(seed: seed, .test)
        let (count, users) = (1 + random.below(300), 1 + random.below(50))
        let places = (0..<count).map { _ in random.below(3) == 0 ? random.below(90) : 0 }
        let audiences = (0..<count).map { _ in random.below(users + 1) }
        guard places.contains(where: { $0 > 0 }) else { return }
        let spread = try #require(Spread(places: places, audiences: audiences, users: users))

        let total = Double(places.reduce(0, +))
        var differences = 0.0
        for left in places { for right in places { differences += Double(abs(left - right)) } }
        #expect(abs(spread.gini - differences / (2 * Double(count) * total)) < 1e-12)

        var bits: [Double] = []
        for (number, audience) in zip(places, audiences) {
            bits += [Double](repeating: log2(Double(users)) - log2(Double(max(audience, 1))), count: number)
        }
        #expect(abs(spread.novelty - bits.reduce(0, +) / total) < 1e-9)

        let falling = places.sorted(by: >)
        #expect(spread.curve.first == [0, 0] && spread.curve.last == [1, 1] && spread.curve.count <= 41)
        for point in spread.curve {
            let taken = Int((point[0] * Double(count)).rounded())
            #expect(abs(point[1] - Double(falling.prefix(taken).reduce(0, +)) / total) < 1e-12)
        }
        for (one, next) in zip(spread.curve, spread.curve.dropFirst()) { #expect(one[0] < next[0]) }
    }
}
