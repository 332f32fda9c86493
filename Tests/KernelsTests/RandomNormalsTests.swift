import Foundation
import Kernels
import Testing

@Suite struct RandomNormalsTests {
    static func normals(_ count: Int, index: UInt64, counter: UInt64 = 0, isa: InstructionSet = .best) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            RandomStream(seed: 9, .test, index: index, counter: counter)
                .writeNormals(to: buffer.baseAddress!, count: count, isa: isa)
            initialised = count
        }
    }

    /// Box–Muller in double precision over the same words: the definition.
    @Test(arguments: InstructionSet.allCases.filter { $0 <= .best }) func areBoxMullerOfPhilox(isa: InstructionSet) {
        let found = Self.normals(4000, index: 5, isa: isa)
        for counter in 0..<1000 {
            let words = RandomStream.philox(
                SIMD4(UInt32(counter), 0, 5, RandomStream.Purpose.test.rawValue << 24), SIMD2(9, 0))
            for (place, word, turn) in [(0, words.x, words.y), (2, words.z, words.w)] {
                let radius = (-2 * log((Double(word >> 8) + 0.5) * 0x1p-24)).squareRoot()
                let angle = (Double(turn << 2) * 0x1p-32 - 0.5 - Double(turn >> 30)) * .pi / 2
                #expect(abs(Double(found[4 * counter + place]) - radius * cos(angle)) < 5e-6)
                #expect(abs(Double(found[4 * counter + place + 1]) - radius * sin(angle)) < 5e-6)
            }
        }
    }

    @Test func anyPartOfASequenceCanBeMade() {
        let all = Self.normals(1024, index: 1)
        for (from, count) in [(0, 4), (4, 60), (100, 924), (512, 64)] {
            #expect(Self.normals(count, index: 1, counter: UInt64(from / 4)) == Array(all[from..<from + count]))
        }
    }

    /// Moments of a million, and how many lie beyond some quantiles: within 4.5 standard errors.
    @Test(arguments: 0..<3 as Range<UInt64>) func areNormal(index: UInt64) {
        let count = 1 << 20
        let values = Self.normals(count, index: index).map(Double.init)
        for (power, moment, spread) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
            let mean = values.reduce(0) { $0 + pow($1, Double(power)) } / Double(count)
            #expect(abs(mean - moment) < 4.5 * (spread / Double(count)).squareRoot(), "power \(power)")
        }
        for (bound, share) in [(1.0, 0.15865525), (2, 0.02275013), (3, 0.00134990), (4, 3.167124e-5)] {
            for tail in [values.count { $0 > bound }, values.count { $0 < -bound }] {
                #expect(abs(Double(tail) - share * Double(count)) < 4.5 * (share * Double(count)).squareRoot())
            }
        }
        // Neighbours, of a pair and of two counters, do not go together.
        for step in [1, 2, 4] {
            let product = (0..<count - step).reduce(0) { $0 + values[$1] * values[$1 + step] } / Double(count)
            #expect(abs(product) < 4.5 / Double(count).squareRoot())
        }
    }

    @Test(arguments: [1.0, 2.5, 60, 4000]) func gammaHasItsMoments(shape: Double) {
        var random = RandomStream(seed: 3, .test)
        let count = 200_000
        let values = (0..<count).map { _ in random.gamma(shape: shape) }
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        #expect(abs(mean - shape) < 4.5 * (shape / Double(count)).squareRoot())
        // The variance of (x − shape)² is shape (2 shape + 6).
        #expect(abs(variance - shape) < 4.5 * (shape * (2 * shape + 6) / Double(count)).squareRoot())
    }
}
