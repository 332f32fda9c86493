public import Basics
public import Interactions
import Kernels

/// Ranking quality among sampled items, as it is often reported: each held-out item against n random ones.
///
/// Such figures say little about what full ranking finds, and can order models differently (Krichene & Rendle, “On sampled
/// metrics for item recommendation”, KDD 2020). Show them beside ``RankingEvaluation``'s, to compare with others' tables.
public enum SampledRanking {
    /// Ranks each relevant item of each user among `negatives` others.
    ///
    /// Relevant pairs are those of ``RankingEvaluation``. For each one, `negatives` items are drawn for it alone,
    /// uniformly and without repeats, from the recommendable items that the user has neither in `train` nor in `heldOut`
    /// (of fewer, all are taken). With p the place, from 1, of the relevant item among itself and those:
    /// - `hit_rate@K`: 1 if p ≤ K, else 0.
    /// - `ndcg@K`: 1 / log₂(p + 1) if p ≤ K, else 0.
    /// - `mrr@K`: 1 / p if p ≤ K, else 0.
    /// - `auc`: the share of the drawn items that score lower, those that score the same counted half. Its expectation
    ///   does not depend on `negatives`.
    ///
    /// All are averaged over the pairs (as by Cremonesi, Koren & Turrin, RecSys 2010; with one held-out item a user the
    /// same as over users). Items with the same score as the relevant one are placed before it, so that a model that
    /// cannot tell items apart earns nothing. A relevant item that cannot be recommended, or whose score is no number,
    /// counts as missed at any K, with an `auc` of 0. Pairs of users who leave nothing to draw are not counted.
    ///
    /// - Parameters: those of ``RankingEvaluation``, and
    ///   - negatives: at least 1.
    ///   - seed: the draws depend on it, on the data and on the items that may be recommended, and not on the model or on
    ///     threads: models are measured on the same draws.
    /// - Returns: how many pairs were ranked, and the means by name; no means without pairs.
    /// - Throws: `interrupted` when cancelled; what the encoder throws.
    /// - Complexity: O(pairs × negatives × dimensions).
    public static func evaluate(
        ranker: Ranker, encoder: some QueryEncoder, train seen: InteractionMatrix<UserRow, ItemRow>,
        heldOut: InteractionLog, relevantFrom threshold: Float? = nil, cutoffs: [Int], negatives: Int, seed: UInt64,
        cancellation: Cancellation? = nil
    ) throws -> (interactions: Int, metrics: [String: Double]) {
        precondition(negatives >= 1, "at least one negative")
        precondition(heldOut.items.count >= ranker.index.count, "the held-out part is not of this index's items")
        let relevant = RelevantItems(of: heldOut, from: threshold, butNot: seen)
        let users = relevant.users
        let touched = heldOut.userMatrix()
        let (wave, block) = (4096, 32)
        let vectors = FactorTable(rows: min(wave, max(1, users.count)), width: encoder.dimensions)
        let scratch = (0..<ranker.workers.count).map { _ in Scratch(NegativeSampler(of: ranker.index)) }
        var total = Sums(cutoffs: Set(cutoffs).sorted())
        for start in stride(from: 0, to: users.count, by: wave) {
            if cancellation?.isCancelled ?? false { throw StarlingError(.interrupted, "evaluation was stopped") }
            let part = Array(users[start..<min(start + wave, users.count)])
            try encoder.encode(part, into: vectors)
            let (base, step) = (vectors.base, vectors.stride)
            let blocks = (part.count + block - 1) / block
            let empty = Sums(cutoffs: total.cutoffs)
            let sums = [Sums](unsafeUninitializedCapacity: blocks) { sums, initialised in
                ranker.workers.forEach(blocks) { index, worker in
                    var sum = empty
                    for position in index * block..<min((index + 1) * block, part.count) {
                        let (user, scratch) = (part[position], scratch[worker])
                        let barred = scratch.sampler.barredPlaces([seen[user], touched[user]].joined())
                        for pair in relevant.offsets[user.index]..<relevant.offsets[user.index + 1] {
                            var stream = RandomStream(seed: seed, .negatives, index: UInt64(pair))
                            scratch.sampler.draw(negatives, barred: barred, from: &stream, into: &scratch.items)
                            guard !scratch.items.isEmpty else { continue }
                            sum.add(ranker.outcome(of: relevant.items[pair], base + position * step, scratch))
                        }
                    }
                    (sums.baseAddress! + index).initialize(to: sum)
                }
                initialised = blocks
            }
            for sum in sums { total.add(sum) }
        }
        return (total.pairs, total.values)
    }

    /// How one relevant item fared among the drawn ones.
    struct Outcome {
        /// How many of them score higher, and how many the same; nil if the item was not ranked at all.
        var rivals: (above: Int, equal: Int)?
        /// At least 1.
        let drawn: Int
    }

    /// What one worker needs. `@unchecked Sendable`: each has its own.
    final class Scratch: @unchecked Sendable {
        var sampler: NegativeSampler
        /// The drawn items; the relevant one joins them to be scored.
        var items: [UInt32] = []
        var scores: [Float] = []

        init(_ sampler: NegativeSampler) { self.sampler = sampler }
    }

    /// Sums over pairs, in double precision.
    private struct Sums {
        let cutoffs: [Int]
        var pairs = 0
        private var auc = 0.0
        private var perCutoff: [(hits: Double, gain: Double, reciprocal: Double)]

        init(cutoffs: [Int]) {
            precondition(cutoffs.first.map { $0 >= 1 } ?? false, "cut-offs start at 1")
            self.cutoffs = cutoffs
            perCutoff = cutoffs.map { _ in (0, 0, 0) }
        }

        mutating func add(_ outcome: Outcome) {
            pairs += 1
            guard let (above, equal) = outcome.rivals else { return }
            auc += 1 - (Double(above) + Double(equal) / 2) / Double(outcome.drawn)
            let place = above + equal
            for (position, cutoff) in cutoffs.enumerated() where place < cutoff {
                perCutoff[position].hits += 1
                perCutoff[position].gain += RankingMetrics.discount(place)
                perCutoff[position].reciprocal += 1 / Double(place + 1)
            }
        }

        mutating func add(_ other: Sums) {
            pairs += other.pairs
            auc += other.auc
            for position in perCutoff.indices {
                perCutoff[position].hits += other.perCutoff[position].hits
                perCutoff[position].gain += other.perCutoff[position].gain
                perCutoff[position].reciprocal += other.perCutoff[position].reciprocal
            }
        }

        var values: [String: Double] {
            guard pairs > 0 else { return [:] }
            var values = ["auc": auc / Double(pairs)]
            for (cutoff, sum) in zip(cutoffs, perCutoff) {
                values["hit_rate@\(cutoff)"] = sum.hits / Double(pairs)
                values["ndcg@\(cutoff)"] = sum.gain / Double(pairs)
                values["mrr@\(cutoff)"] = sum.reciprocal / Double(pairs)
            }
            return values
        }
    }
}

extension Ranker {
    /// Scores the drawn items and the relevant one for the user whose vector, `[dimensions]`, begins at `vector`.
    fileprivate func outcome(
        of item: ItemRow, _ vector: UnsafePointer<Float>, _ scratch: SampledRanking.Scratch
    ) -> SampledRanking.Outcome {
        let drawn = scratch.items.count
        var outcome = SampledRanking.Outcome(drawn: drawn)
        guard item.index < index.count, index.isRecommendable(item) else { return outcome }
        scratch.items.append(UInt32(item.index))
        if scratch.scores.count <= drawn { scratch.scores = [Float](repeating: 0, count: drawn + 1) }
        scratch.scores.withUnsafeMutableBufferPointer { scores in
            scratch.items.withUnsafeBufferPointer { write(scores: scores, of: vector, items: $0) }
            let own = scores[drawn]
            // NaN and −∞ are never recommended.
            guard own > -.infinity else { return }
            outcome.rivals = scores[..<drawn].reduce(into: (0, 0)) { rivals, score in
                if score > own { rivals.0 += 1 } else if score == own { rivals.1 += 1 }
            }
        }
        return outcome
    }
}
