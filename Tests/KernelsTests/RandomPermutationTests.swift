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

    @Test(arguments: [0, 1, 2, 3, 4, 5, 17, 100, 1023, 65537, 300_000]) func everyElementOnce(count: Int) {
        let elements = Self.elements(count, seed: 3)
        #expect(elements.sorted() == Array(0..<UInt32(count)))
        for isa in InstructionSet.allCases where isa <= .best {
            #expect(Self.elements(count, seed: 3, isa: isa) == elements)
        }
    }

    @Test func anyStretchIsThatOfTheWhole() {
        var random = RandomStream(seed: 5, .test)
        let order = RandomPermutation(count: 10_007, random: &random)
        let whole = Self.elements(10_007, seed: 5)
        for _ in 0..<100 {
            let from = random.below(10_007)
            let range = from..<from + random.below(10_007 - from + 1)
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

    /// χ² of places against elements in 32 × 32 cells has 961 degrees of freedom; 5 deviations are 220.
    @Test(arguments: [1, 2, 3]) func largeOrdersAreUniform(seed: UInt64) {
        let (count, cells) = (262_144, 32)
        var found = [Double](repeating: 0, count: cells * cells)
        for (place, element) in Self.elements(count, seed: seed).enumerated() {
            found[place * cells / count * cells + Int(element) * cells / count] += 1
        }
        let expected = Double(count) / Double(cells * cells)
        let chiSquared = found.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
        #expect(abs(chiSquared - 961) < 220)
    }
}
