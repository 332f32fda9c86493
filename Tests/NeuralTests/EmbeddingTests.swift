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

    /// Against sums in double precision, at odd sizes, with scores up to far beyond what an exponential holds.
    @Test(arguments: sets, [(1, 1, 1), (7, 5, 3), (50, 49, 16), (33, 97, 40), (200, 1000, 64)])
    func softmaxIsItsFormula(isa: InstructionSet, size: (users: Int, items: Int, width: Int)) {
        for (seed, spread) in [(1, Float(0.3)), (2, 3), (3, 20)] {
            var numbers = Numbers(UInt64(seed * size.users + size.items))
            let users = numbers.floats(size.users * size.width, spread)
            let items = numbers.floats(size.items * size.width, spread)
            let counts = (0..<size.items).map { _ in numbers.random.below(3) + 1 }
            let corrections = numbers.floats(size.items, 5)
            // Up to four interactions of a user, which may be with one item.
            var (starts, own): ([UInt32], [UInt32]) = ([0], [])
            for _ in 0..<size.users {
                for _ in 0..<numbers.random.below(4) + 1 { own.append(UInt32(numbers.random.below(size.items))) }
                starts.append(UInt32(own.count))
            }
            let scale = 0.5, weight = 0.25
            let found = softmax(
                users, items, size.width, corrections, counts, starts, own, Float(scale), Float(weight), isa)
            var gradients = (
                users: [Double](repeating: 0, count: users.count), items: [Double](repeating: 0, count: items.count)
            )
            for user in 0..<size.users {
                let scores = (0..<size.items).map { item in
                    (0..<size.width).reduce(0.0) {
                        $0 + Double(users[user * size.width + $1]) * Double(items[item * size.width + $1])
                    }
                }
                for place in Int(starts[user])..<Int(starts[user + 1]) {
                    let mine = Int(own[place])
                    let logits = (0..<size.items).map { item in
                        scale * scores[item] - Double(corrections[item])
                            - (item == mine ? log(Double(counts[item])) : 0)
                    }
                    let top = logits.max()!, sum = logits.reduce(0) { $0 + exp($1 - top) }
                    let loss = top + log(sum) - logits[mine]
                    #expect(abs(Double(found.losses[place]) - loss) < 2e-5 * max(1, logits.map(abs).max()!))
                    for item in 0..<size.items {
                        let change = weight * scale * (exp(logits[item] - top) / sum - (item == mine ? 1 : 0))
                        for column in 0..<size.width {
                            let at = (user * size.width + column, item * size.width + column)
                            gradients.users[at.0] += change * Double(items[at.1])
                            gradients.items[at.1] += change * Double(users[at.0])
                        }
                    }
                }
            }
            let tolerance = 4e-5 * Double(max(1, spread * spread * Float(size.width)))
            for (one, other) in zip(found.users + found.items, gradients.users + gradients.items) {
                #expect(abs(Double(one) - other) < tolerance)
            }
        }
    }

    /// The kernel on memory laid out as it wants it.
    private func softmax(
        _ users: [Float], _ items: [Float], _ width: Int, _ corrections: [Float], _ counts: [Int],
        _ starts: [UInt32], _ own: [UInt32], _ scale: Float, _ weight: Float, _ isa: InstructionSet
    ) -> (losses: [Float], users: [Float], items: [Float]) {
        let (count, panel) = (items.count / width, Int(SK_SOFTMAX_PANEL))
        let columns = (count + panel - 1) / panel * panel
        let packed = FactorTable(rows: columns, width: width), panels = FactorTable(rows: columns, width: width)
        let gradients = FactorTable(rows: columns + 16, width: width)
        let sides = FactorTable(rows: 2, width: columns)
        let scratch = FactorTable(rows: 1, width: sk_softmax_scratch(packed.stride, columns, own.count))
        sk_softmax_pack(items, count, width, packed.stride, packed.base, panels.base)
        for column in 0..<columns {
            sides[0, column] = column < count ? corrections[column] : 1e30
            sides[1, column] = column < count ? 1 / Float(counts[column]) : 1
        }
        var softmax = sk_softmax(
            width: packed.stride, count: columns, items: packed.base, panels: panels.base, corrections: sides.base,
            shares: sides.base + sides.stride, scale: scale, weight: weight)
        var losses = [Float](repeating: 0, count: own.count), left = [Float](repeating: 0, count: users.count)
        sk_softmax_users(
            &softmax, users, width, users.count / width, starts, own, scratch.base, &left, gradients.base, &losses,
            isa.rawValue)
        return (losses, left, (0..<count).flatMap { Array(gradients.row($0)) })
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
