import CKernels
import Foundation
import Kernels
import Neural
import Testing

/// Kernels of embeddings and of the softmax against plain loops, at every instruction set and odd sizes.
@Suite struct EmbeddingTests {
    struct Numbers {
        var random: RandomStream
        init(_ seed: UInt64) { random = RandomStream(seed: seed, .test) }
        mutating func floats(_ count: Int, _ scale: Float = 1) -> [Float] {
            (0..<count).map { _ in (2 * Float(random.uniform()) - 1) * scale }
        }
    }

    static let sets = InstructionSet.allCases.filter { $0 <= .best }

    @Test(arguments: sets, [1, 15, 16, 33, 64]) func poolingIsTheMean(isa: InstructionSet, width: Int) {
        var numbers = Numbers(UInt64(width))
        let (rows, bags, stride) = (13, 9, FactorTable.stride(width))
        let table = numbers.floats(rows * stride)
        var (offsets, values): ([UInt64], [UInt32]) = ([0], [])
        for bag in 0..<bags {
            for _ in 0..<bag % 4 { values.append(UInt32(numbers.random.below(rows))) }
            offsets.append(UInt64(values.count))
        }
        let chosen = (0..<20).map { _ in UInt32(numbers.random.below(bags)) }
        let outStride = width + 3
        var out = [Float](repeating: 7, count: chosen.count * outStride)
        sk_embed_pool(table, stride, width, offsets, values, chosen, chosen.count, &out, outStride, isa.rawValue)
        for (sample, bag) in chosen.enumerated() {
            let own = values[Int(offsets[Int(bag)])..<Int(offsets[Int(bag) + 1])]
            for column in 0..<width {
                let sum = own.reduce(Float(0)) { $0 + table[Int($1) * stride + column] }
                let expected = own.isEmpty ? 0 : sum / Float(own.count)
                #expect(abs(out[sample * outStride + column] - expected) < 1e-6)
            }
            #expect(out[sample * outStride + width] == 7)
        }
        // Without offsets a bag is one row.
        sk_embed_pool(table, stride, width, nil, values, [2, 0], 2, &out, outStride, isa.rawValue)
        #expect(out[0] == table[Int(values[2]) * stride] && out[outStride] == table[Int(values[0]) * stride])
    }

    /// Two steps over rows that overlap, as the formulas say.
    @Test(arguments: sets, [SK_EMBED_SGD, SK_EMBED_ROWWISE_ADAGRAD, SK_EMBED_ADAGRAD, SK_EMBED_ADAM])
    func updatesAreTheirFormulas(isa: InstructionSet, kind: Int) {
        for width in [1, 16, 21, 64] {
            var numbers = Numbers(UInt64(width + kind))
            let (rows, stride) = (5, FactorTable.stride(width))
            var table = [Float](repeating: 0, count: rows * stride)
            for row in 0..<rows {
                table.replaceSubrange(row * stride..<row * stride + width, with: numbers.floats(width))
            }
            var expected = table.map(Double.init)
            var (rowState, state) = (
                [Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows * 2 * stride)
            )
            var sums = [Double](repeating: 0, count: rows)
            var (first, second) = (
                [Double](repeating: 0, count: rows * stride), [Double](repeating: 0, count: rows * stride)
            )
            let (touched, starts): ([UInt32], [UInt32]) = ([0, 3, 4], [0, 2, 3, 6])
            let (samples, weights): ([UInt32], [Float]) = ([0, 2, 1, 0, 1, 2], [1, 0.5, 1, 0.25, 0.5, 1])
            for step in 1...2 {
                let gradients = numbers.floats(3 * width)
                table.withUnsafeMutableBufferPointer { table in
                    rowState.withUnsafeMutableBufferPointer { rowState in
                        state.withUnsafeMutableBufferPointer { state in
                            var embed = sk_embed(
                                kind: Int32(kind), rate: 0.1, epsilon: 1e-6, beta1: 0.9, beta2: 0.999, width: width,
                                stride: stride, table: table.baseAddress, rows: rowState.baseAddress,
                                state: state.baseAddress)
                            var sum = [Float](repeating: 5, count: stride)
                            sk_embed_update(
                                &embed, touched, starts, 0, touched.count, samples, weights, gradients, width, &sum,
                                isa.rawValue)
                        }
                    }
                }
                for (group, row) in touched.enumerated() {
                    var gradient = [Double](repeating: 0, count: width)
                    for place in Int(starts[group])..<Int(starts[group + 1]) {
                        for column in 0..<width {
                            gradient[column] += Double(weights[place] * gradients[Int(samples[place]) * width + column])
                        }
                    }
                    sums[Int(row)] += gradient.reduce(0) { $0 + $1 * $1 } / Double(width)
                    for column in 0..<width {
                        let (at, g) = (Int(row) * stride + column, gradient[column])
                        switch kind {
                        case SK_EMBED_SGD: expected[at] -= 0.1 * g
                        case SK_EMBED_ROWWISE_ADAGRAD: expected[at] -= 0.1 * g / (sums[Int(row)].squareRoot() + 1e-6)
                        case SK_EMBED_ADAGRAD:
                            second[at] += g * g
                            expected[at] -= 0.1 * g / (second[at].squareRoot() + 1e-6)
                        default:
                            first[at] = 0.9 * first[at] + 0.1 * g
                            second[at] = 0.999 * second[at] + 0.001 * g * g
                            let (one, two) = (step == 1 ? (0.1, 0.001) : (0.19, 1 - 0.999 * 0.999))
                            expected[at] -= 0.1 * (first[at] / one) / ((second[at] / two).squareRoot() + 1e-6)
                        }
                    }
                }
            }
            for place in table.indices {
                #expect(abs(Double(table[place]) - expected[place]) < 2e-4, "width \(width), place \(place)")
            }
        }
    }

    @Test(arguments: sets, [16, 48, 4096]) func softmaxGradientIsItsFormula(isa: InstructionSet, count: Int) {
        for (seed, spread) in [(1, Float(1)), (2, 30), (3, 200)] {
            var numbers = Numbers(UInt64(seed * count))
            var scores = numbers.floats(count, spread)
            let corrections = numbers.floats(count, 5)
            let own = count / 3
            let logits = (0..<count).map { column -> Double in
                0.5 * Double(scores[column]) - (column == own ? 0.25 : Double(corrections[column]))
            }
            let top = logits.max()!
            let sum = logits.reduce(0) { $0 + exp($1 - top) }
            let loss = sk_softmax_gradient(
                &scores, count, corrections, own, 0.25, 0.5, 0.25, isa.rawValue)
            let expected = top + log(sum) - logits[own]
            #expect(abs(Double(loss) - expected) < 1e-4 * max(1, expected))
            for column in 0..<count {
                let gradient = 0.25 * 0.5 * (exp(logits[column] - top) / sum - (column == own ? 1 : 0))
                #expect(abs(Double(scores[column]) - gradient) < 1e-6)
            }
        }
    }

    @Test func areasUnderCurves() {
        func area(_ scores: [(Float, Bool)]) -> Double? {
            AreaUnderCurve.value(scores.map { (score: $0.0, isPositive: $0.1) })
        }
        #expect(area([(1, true), (0, false)]) == 1 && area([(0, true), (1, false)]) == 0)
        #expect(area([(1, true), (1, false), (1, true)]) == 0.5)
        // Of six pairs four are in order and one is equal.
        #expect(
            area([(3, true), (2, false), (2, true), (1, false), (0, true)]).map { abs($0 - 3.5 / 6) < 1e-12 } == true)
        #expect(area([(3, true)]) == nil && area([]) == nil)
    }
}
