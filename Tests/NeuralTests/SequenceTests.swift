import Interactions
import Kernels
import Neural
import Testing
import Torch

/// Batches of histories, and the network by kernels and by operators.
@Suite(torch) struct SequenceTests {
    /// Users with histories of various lengths, some repeating items.
    static func histories(users: Int = 23, items: Int = 40, longest: Int = 30) -> InteractionSequences {
        var random = RandomStream(seed: 3, .test)
        return InteractionSequences(
            (0..<users).map { _ in (0..<random.below(longest + 1)).map { _ in UInt32(random.below(items)) } })
    }

    private func options(_ change: (inout SSEPTOptions) -> Void) throws -> SSEPTOptions {
        var options = SSEPTOptions()
        (options.maxLength, options.dropout, options.batchSize) = (12, 0, 8)
        change(&options)
        try options.validate()
        return options
    }

    struct Case: Sendable {
        let loss: SSEPTOptions.LossKind
        let factors: Int, userDim: Int, heads: Int, negatives: Int
        var attendsToPadding = false
    }

    static let cases: [Case] = [
        Case(loss: .bce, factors: 7, userDim: 3, heads: 2, negatives: 1),
        Case(loss: .bce, factors: 33, userDim: 0, heads: 3, negatives: 5),
        Case(loss: .gbce, factors: 50, userDim: 14, heads: 1, negatives: 40),
        Case(loss: .sampledSoftmax, factors: 17, userDim: 17, heads: 1, negatives: 19),
        Case(loss: .softmax, factors: 16, userDim: 4, heads: 4, negatives: 0),
        Case(loss: .gbce, factors: 12, userDim: 0, heads: 2, negatives: 9, attendsToPadding: true),
    ]

    /// The same loss and gradients, within rounding, of the same weights and batch.
    @Test(arguments: cases) func kernelsAgreeWithOperators(_ one: Case) throws {
        let histories = Self.histories()
        let found = try [false, true].map { avoidsKernels -> (Double, [(String, [Float])]) in
            let options = try options {
                ($0.factors, $0.userDim, $0.heads, $0.loss) = (one.factors, one.userDim, one.heads, one.loss)
                $0.negatives = one.loss == .softmax ? nil : one.negatives
                ($0.attendsToPadding, $0.avoidsKernels) = (one.attendsToPadding, avoidsKernels)
            }
            let network = try SequenceNetwork(users: 23, items: 40, options)
            let samples = SequenceSamples(histories, itemCount: 40, options)
            let batch = try samples.batch(samples.order(of: 1), 0..<samples.count, epoch: 1)
            let step = try SequenceStep(
                batch.sequences, isPadding: batch.inputs.isPadding, isTraining: true, epoch: 1, options, isa: .best)
            let loss = try network.loss(network(batch.inputs, step), batch)
            // A gradient from outside, as of a part of a step.
            try loss.multiplied(by: 0.5).backward()
            return (
                try loss.item(),
                try network.parameters.map { ($0.name, try $0.tensor.gradient?.array(of: Float.self) ?? []) }
            )
        }
        #expect(abs(found[0].0 - found[1].0) < 1e-5 * found[1].0)
        for ((name, kernels), (_, operators)) in zip(found[0].1, found[1].1) {
            let size = operators.reduce(0) { max($0, abs($1)) }
            for (one, other) in zip(kernels, operators) {
                try #require(abs(one - other) <= 1e-4 * max(size, 1e-3), "\(name): \(one), by operators \(other)")
            }
        }
    }

    @Test func batchesHoldEachUserOnceWithWhatComesNext() throws {
        let histories = Self.histories()
        let options = try options { ($0.userDim, $0.negatives) = (0, 3) }
        let samples = SequenceSamples(histories, itemCount: 40, options)
        #expect(samples.count == (0..<23).count { histories[UserRow($0)].count > 1 })
        let order = samples.order(of: 4)
        #expect(Set(order).count == samples.count && order != samples.order(of: 5) && order == samples.order(of: 4))
        let batch = try samples.batch(order, 0..<samples.count, epoch: 4)
        for (index, user) in order.enumerated() {
            let history = Array(histories[UserRow(Int(user))])
            let (first, last) = (Int(batch.sequences.starts[index]), Int(batch.sequences.starts[index + 1]))
            #expect(last - first == min(12, history.count - 1))
            #expect(batch.inputs.items[first..<last].map { UInt32($0) } == history.dropLast().suffix(12))
            #expect(batch.inputs.positions[first..<last].last == 11)
            for place in first..<last {
                let own = batch.candidates[(place * 4)..<(place * 4 + 4)]
                #expect(own.first == history.suffix(last - first)[history.count - (last - place)])
                #expect(own.dropFirst().allSatisfy { !history.contains($0) })
            }
        }
        // A part of the epoch draws what the whole one draws.
        let part = try samples.batch(order, 5..<9, epoch: 4)
        let start = Int(batch.sequences.starts[5])
        #expect(part.candidates == Array(batch.candidates[(start * 4)..<((start + part.scored.count) * 4)]))
    }

    /// Replacements come as often as asked, and what comes next at a place is what stands at the one behind it, unless it was
    /// replaced itself.
    @Test func replacesAtTheRateAsked() throws {
        let histories = InteractionSequences((0..<400).map { user in (0..<21).map { UInt32(($0 + user) % 5_000) } })
        let options = try options {
            ($0.maxLength, $0.itemReplacement, $0.userReplacement) = (20, 0.25, 0.6)
        }
        let samples = SequenceSamples(histories, itemCount: 5_000, options)
        let order = samples.order(of: 1)
        let batch = try samples.batch(order, 0..<400, epoch: 1)
        var (inputs, next, users) = (0, 0, 0)
        for (index, user) in order.enumerated() {
            let history = Array(histories[UserRow(Int(user))])
            users += batch.inputs.users![index * 20] == Int64(user) ? 0 : 1
            for place in 0..<20 {
                inputs += batch.inputs.items[index * 20 + place] == Int64(history[place]) ? 0 : 1
                next += batch.candidates[(index * 20 + place) * 2] == history[place + 1] ? 0 : 1
            }
        }
        #expect(abs(Double(inputs) / 8_000 - 0.25) < 0.02 && abs(Double(users) / 400 - 0.6) < 0.1)
        // 1 − 0.75² but at the newest place.
        #expect(abs(Double(next) / 8_000 - (0.4375 * 19 + 0.25) / 20) < 0.02)
    }

    @Test func windowsAreStretchesOfLongHistories() throws {
        let histories = InteractionSequences((0..<200).map { _ in (0..<50).map { UInt32($0) } })
        let options = try options { ($0.userDim, $0.sampleWindows) = (0, 0.5) }
        let samples = SequenceSamples(histories, itemCount: 60, options)
        let batch = try samples.batch(samples.order(of: 2), 0..<200, epoch: 2)
        let firsts = (0..<200).map { Int(batch.inputs.items[$0 * 12]) }
        #expect((0..<200).allSatisfy { batch.inputs.items[$0 * 12 + 11] == Int64(firsts[$0] + 11) })
        let newest = firsts.count { $0 == 37 }
        #expect((75...135).contains(newest) && firsts.min()! < 5 && firsts.max()! == 37, "\(newest)")
    }

    @Test func sequencesFollowTheOrderInTime() throws {
        let log = InteractionLog(
            users: Vocabulary((0..<23).map { "\($0)" }), items: Vocabulary((0..<40).map { "\($0)" }), userRows: [0],
            itemRows: [0], values: nil, times: nil)
        let sequences = InteractionSequences((0..<23).map { $0 == 3 ? [] : [UInt32]((0...UInt32($0)).map { $0 % 40 }) })
        #expect(sequences.followed(by: log)[UserRow(0)] == [0, 0])
        let times: [Int64] = [5, 3, 5, 1]
        let ordered = InteractionSequences(
            InteractionLog(
                users: log.users, items: log.items, userRows: [2, 2, 2, 1], itemRows: [7, 8, 9, 1], values: nil,
                times: times))
        #expect(Array(ordered[UserRow(2)]) == [8, 7, 9] && ordered[UserRow(1)] == [1] && ordered.longest == 3)
        #expect(sequences.matrix(items: 40)[UserRow(5)].count == 6)
    }
}
