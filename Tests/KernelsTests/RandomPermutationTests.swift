import Kernels
import Testing

@Suite struct RandomPermutationTests {
    static func elements(_ count: Int, seed: UInt64, isa: InstructionSet = .best) -> [UInt32] {
        var random = RandomStream(seed: seed, .test)
        let order = RandomPermutation(count: count, random: &random)
        return [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 { order.copy(0..<count, to: buffer.baseAddress!, isa: isa) }
            initialized = count
        }
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 17, 100, 1023, 4096, 8192, 65536, 65537, 300_000]) func everyElementOnce(
        count: Int
    ) {
        let elements = Self.elements(count, seed: 3)
        #expect(elements.sorted() == Array(0..<UInt32(count)))
        for isa in InstructionSet.allCases where isa <= .best {
            #expect(Self.elements(count, seed: 3, isa: isa) == elements)
        }
    }

    @Test(arguments: [10_007, 16_384]) func anyStretchIsThatOfTheWhole(count: Int) {
        var random = RandomStream(seed: 5, .test)
        let order = RandomPermutation(count: count, random: &random)
        let whole = Self.elements(count, seed: 5)
        for _ in 0..<100 {
            let from = random.below(count)
            let range = from..<from + random.below(count - from + 1)
            let stretch = [UInt32](unsafeUninitializedCapacity: max(1, range.count)) { buffer, initialized in
                order.copy(range, plus: 7, to: buffer.baseAddress!)
                initialized = range.count
            }
            #expect(stretch == whole[range].map { $0 + 7 })
        }
    }

    /// Every element comes equally often to every place, and pairs of neighbours do.
    @Test func smallOrdersAreUniform() {
        let (count, draws) = (7, 40_000)
        var places = [Double](repeating: 0, count: count * count)
        var pairs = [Double](repeating: 0, count: count * count)
        for seed in 0..<draws {
            let elements = Self.elements(count, seed: UInt64(seed)).map(Int.init)
            for place in 0..<count { places[place * count + elements[place]] += 1 }
            for place in 1..<count { pairs[elements[place - 1] * count + elements[place]] += 1 }
        }
        let expected = Double(draws) / Double(count)
        #expect(places.allSatisfy { abs($0 - expected) < 5 * expected.squareRoot() })
        for (cell, found) in pairs.enumerated() where cell / count != cell % count {
            #expect(abs(found - expected) < 5 * expected.squareRoot())
        }
    }

    /// χ² of places against elements in 32 × 32 cells has 961 degrees of freedom; 5 deviations are 220. The same for the
    /// distances of elements whose places are one, two or 64 apart, against places.
    @Test(arguments: [262_144, 262_147, 16_384], [1, 2, 3]) func largeOrdersAreUniform(count: Int, seed: UInt64) {
        let cells = 32
        let elements = Self.elements(count, seed: seed).map(Int.init)
        func chiSquared(_ value: (Int) -> Int) -> Double {
            var found = [Double](repeating: 0, count: cells * cells)
            for place in 0..<count { found[place * cells / count * cells + value(place) * cells / count] += 1 }
            let expected = Double(count) / Double(cells * cells)
            return found.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
        }
        #expect(abs(chiSquared { elements[$0] } - 961) < 220)
        for distance in [1, 2, 64] {
            #expect(
                abs(chiSquared { (elements[($0 + distance) % count] - elements[$0] + count) % count } - 976) < 240)
        }
    }
}
