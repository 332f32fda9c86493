package import Interactions
import Kernels
import Torch

/// Batches of an epoch: each user once, in an order that is the epoch's own, with the end of the history or a stretch of it.
/// Everything drawn is a pure function of seed, epoch and place in the epoch.
package struct SequenceSamples {
    /// A batch in training: what goes in, and what is to come next.
    package struct Batch {
        package var inputs: SequenceInputs
        package let sequences: PackedSequences
        /// Places that have a next item, `[scored]`.
        package var scored: [Int64]
        /// For each of these the item that comes next, and drawn ones: `[scored × (1 + negatives)]`.
        package var candidates: [UInt32]

        package init(inputs: SequenceInputs, sequences: PackedSequences, scored: [Int64], candidates: [UInt32]) {
            (self.inputs, self.sequences, self.scored, self.candidates) = (inputs, sequences, scored, candidates)
        }
    }

    private let histories: InteractionSequences
    private let itemCount: Int
    private let options: SSEPTOptions
    /// Users with at least two items, of which something comes next.
    private let users: [UInt32]

    package init(_ histories: InteractionSequences, itemCount: Int, _ options: SSEPTOptions) {
        (self.histories, self.itemCount, self.options) = (histories, itemCount, options)
        users = (0..<histories.userCount).filter { histories[UserRow($0)].count > 1 }.map { UInt32($0) }
    }

    /// Sequences of an epoch.
    package var count: Int { users.count }

    /// The epoch's users.
    package func order(of epoch: Int) -> [UInt32] {
        var random = RandomStream(seed: options.seed, .order, index: UInt64(epoch))
        var order = users
        random.shuffle(&order)
        return order
    }

    /// - Parameters:
    ///   - order: the epoch's.
    ///   - part: places in it.
    ///   - batch: of which they are a rank's part; nil where they are all of it.
    package func batch(
        _ order: [UInt32], _ part: Range<Int>, of batch: Range<Int>? = nil, epoch: Int
    ) throws -> Batch {
        var (inputs, scored) = (SequenceInputs(options), [Int64]())
        var sequences: [Sequence] = []
        for place in part {
            let history = histories[UserRow(Int(order[place]))]
            var random = RandomStream(seed: options.seed, .negatives, index: UInt64(epoch) << 32 | UInt64(place))
            var (window, next) = sample(history, &random)
            var user = Int(order[place])
            if options.replaceUsers > 0, random.uniform() < options.replaceUsers {
                user = random.below(histories.userCount)
            }
            replace(&window, &next, &random)
            sequences.append(Sequence(history: history, next: next, first: scored.count, random: random))
            scored += inputs.append(window[...], user: user).map { Int64($0) }
        }
        let before = (batch ?? part).lowerBound..<part.lowerBound
        let places =
            options.attendsToPadding ? before.count * options.maxLength : self.scored(order, before)
        return Batch(
            inputs: inputs,
            sequences: inputs.sequences(firstNumber: part.lowerBound, before: (before.count, places)), scored: scored,
            candidates: try candidates(of: sequences, scored.count))
    }

    /// How many places of a batch have a next item.
    package func scored(_ order: [UInt32], _ part: Range<Int>) -> Int {
        order[part].reduce(0) { $0 + min(options.maxLength, histories[UserRow(Int($1))].count - 1) }
    }

    /// One of a batch, on the way to its candidates.
    private struct Sequence {
        let history: ArraySlice<UInt32>
        let next: [UInt32]
        /// The place of its first item among the batch's.
        let first: Int
        var random: RandomStream
    }

    private func candidates(of sequences: [Sequence], _ places: Int) throws -> [UInt32] {
        let each = 1 + options.drawn
        return try [UInt32](unsafeUninitializedCapacity: places * each) { memory, filled in
            nonisolated(unsafe) let target = memory.baseAddress!
            try TorchLibrary.opened().parallel(sequences.count) { part in
                var isSeen = [Bool](repeating: false, count: itemCount)
                for index in part {
                    var sequence = sequences[index]
                    for item in sequence.history { isSeen[Int(item)] = true }
                    for (place, item) in sequence.next.enumerated() {
                        let own = target + (sequence.first + place) * each
                        own[0] = item
                        for drawn in stride(from: 1, to: each, by: 1) {
                            own[drawn] = UInt32(unseen(isSeen, &sequence.random))
                        }
                    }
                    for item in sequence.history { isSeen[Int(item)] = false }
                }
            }
            filled = places * each
        }
    }

    /// What is looked at, and what comes next at each place.
    private func sample(
        _ history: ArraySlice<UInt32>, _ random: inout RandomStream
    ) -> (window: [UInt32], next: [UInt32]) {
        let length = min(options.maxLength + 1, history.count)
        var stretch = history.suffix(length)
        if history.count > length, options.sampleWindows > 0, random.uniform() < options.sampleWindows {
            let first = history.startIndex + random.below(history.count - length + 1)
            stretch = history[first..<first + length]
        }
        return (Array(stretch.dropLast()), Array(stretch.dropFirst()))
    }

    /// Stochastic shared embeddings, as the reference code draws them: with the probability, both the item of a place and what
    /// comes next there are replaced, by two random items; and what comes next at the place before is what stands here now.
    private func replace(_ window: inout [UInt32], _ next: inout [UInt32], _ random: inout RandomStream) {
        guard options.replaceItems > 0 else { return }
        for place in window.indices.reversed() {
            if place + 1 < window.count { next[place] = window[place + 1] }
            guard random.uniform() < options.replaceItems else { continue }
            window[place] = UInt32(random.below(itemCount))
            next[place] = UInt32(random.below(itemCount))
        }
    }

    /// An item that the user never had. Of a user who has had nearly all, any.
    private func unseen(_ isSeen: [Bool], _ random: inout RandomStream) -> Int {
        for _ in 0..<64 {
            let item = random.below(itemCount)
            if !isSeen[item] { return item }
        }
        return random.below(itemCount)
    }
}
