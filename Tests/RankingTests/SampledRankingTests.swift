import Interactions
import Kernels
import Ranking
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct NegativeSamplerTests {
    private let index = ItemIndex(vectors: table(rows: 12, width: 1) { row, _ in Float(row) }) {
        ![2, 11].contains($0.index)
    }

    /// 10 items may be drawn, 3 of them are barred: each of the other 7 stands in 3/7 of the draws of 3.
    @Test func drawsAreUniformWithoutRepeatsAndNeverBarred() {
        var sampler = NegativeSampler(of: index)
        let barred = sampler.barredPlaces([7, 0, 2, 7, 5, 99])
        #expect(barred.count == 3)
        var (counts, drawn) = ([Int](repeating: 0, count: 12), [UInt32]())
        var pairs: [Set<UInt32>: Int] = [:]
        let draws = 21_000
        for draw in 0..<draws {
            var stream = RandomStream(seed: 1, .test, index: UInt64(draw))
            sampler.draw(3, barred: barred, from: &stream, into: &drawn)
            #expect(Set(drawn).count == 3 && drawn.count == 3)
            for item in drawn { counts[Int(item)] += 1 }
            pairs[Set(drawn), default: 0] += 1
        }
        for item in 0..<12 {
            let expected = [0, 2, 5, 7, 11].contains(item) ? 0 : Double(draws) * 3 / 7
            #expect(abs(Double(counts[item]) - expected) <= 5 * 72, "item \(item): \(counts[item])")
        }
        // All 35 sets of three, 600 times each (a standard deviation of 24).
        #expect(pairs.count == 35 && pairs.values.allSatisfy { abs($0 - 600) < 130 })
    }

    @Test func allAreTakenWhereThereAreNoMore() {
        var sampler = NegativeSampler(of: index)
        var (stream, drawn) = (RandomStream(seed: 1, .test), [UInt32](repeating: 5, count: 4))
        for count in [9, 10, 1000] {
            sampler.draw(count, barred: sampler.barredPlaces([4]), from: &stream, into: &drawn)
            #expect(drawn.sorted() == [0, 1, 3, 5, 6, 7, 8, 9, 10])
        }
        sampler.draw(3, barred: sampler.barredPlaces(0..<12), from: &stream, into: &drawn)
        #expect(drawn.isEmpty)
    }
}

@Suite struct SampledRankingTests {
    /// Random users, items with scores that are exact and often equal, one NaN; items 35 to 39 are cold, 40 and 41 are
    /// behind the index's rows.
    struct Case {
        let users = 70, items = 40
        var vectors: [[Float]] = [], itemVectors: [[Float]] = []
        var train: [[Int]] = []
        var held: [(Int, Int, Float)] = []

        init() {
            var random = RandomStream(seed: 41, .test)
            vectors = (0..<users).map { _ in (0..<3).map { _ in Float(random.below(7) - 3) } }
            itemVectors = (0..<items).map { _ in (0..<3).map { _ in Float(random.below(7) - 3) } }
            itemVectors[4] = [.nan, 0, 0]
            for user in 0..<users {
                train.append((0..<items - 5).filter { _ in random.below(5) == 0 })
                // Some are in training too, some below the threshold.
                let own = (0..<items + 2).filter { _ in random.below(12) == 0 }
                held += own.map { (user, $0, Float(1 + random.below(3))) }
            }
            train[3] = Array(0..<items)  // has everything
        }

        func measure(negatives: Int, seed: UInt64 = 7, threads: Int = 2) throws -> (Int, [String: Double]) {
            let index = ItemIndex(vectors: table(rows: items, width: 3) { itemVectors[$0][$1] }) { $0.index < 35 }
            let result = try SampledRanking.evaluate(
                ranker: Ranker(index: index, workers: Workers(threads: threads)), encoder: Rows(vectors: vectors),
                train: histories(train, items: items), heldOut: log(held, users: users, items: items + 2),
                relevantFrom: 2, cutoffs: [1, 5, 10], negatives: negatives, seed: seed)
            return (result.interactions, result.metrics)
        }

        /// Pairs in order, each with the items that may be drawn for it.
        var pairs: [(user: Int, item: Int, eligible: [Int])] {
            (0..<users).flatMap { user -> [(user: Int, item: Int, eligible: [Int])] in
                let had = Set(train[user] + held.filter { $0.0 == user }.map(\.1))
                let eligible = (0..<35).filter { !had.contains($0) }
                return held.filter { $0.0 == user && $0.2 >= 2 && !train[user].contains($0.1) }.map {
                    (user, $0.1, eligible)
                }
            }
        }

        /// What the definitions give for negatives chosen by `choose`.
        func expected(_ choose: (Int, [Int]) -> [Int]) -> (Int, [String: Double]) {
            var (count, sums) = (0, [String: Double]())
            for (number, pair) in pairs.enumerated() {
                let negatives = choose(number, pair.eligible)
                if negatives.isEmpty { continue }
                count += 1
                func score(_ item: Int) -> Float { plainScore(vectors[pair.user], itemVectors[item], .avx2) }
                let isRanked = pair.item < 35 && !score(pair.item).isNaN
                let above = isRanked ? negatives.filter { score($0) > score(pair.item) }.count : 0
                let equal = isRanked ? negatives.filter { score($0) == score(pair.item) }.count : 0
                let place = above + equal + 1
                for cutoff in [1, 5, 10] {
                    let isHit = isRanked && place <= cutoff
                    sums["hit_rate@\(cutoff)", default: 0] += isHit ? 1 : 0
                    sums["mrr@\(cutoff)", default: 0] += isHit ? 1 / Double(place) : 0
                    sums["ndcg@\(cutoff)", default: 0] += isHit ? 1 / log2(Double(place + 1)) : 0
                }
                let below = isRanked ? negatives.count - above - equal : 0
                sums["auc", default: 0] += (Double(below) + Double(equal) / 2) / Double(negatives.count)
            }
            return (count, sums.mapValues { $0 / Double(count) })
        }
    }

    private func expectClose(_ found: (Int, [String: Double]), _ expected: (Int, [String: Double])) {
        #expect(found.0 == expected.0 && found.0 > 50)
        #expect(Set(found.1.keys) == Set(expected.1.keys) && found.1.count == 10)
        for (name, value) in expected.1 {
            #expect(abs((found.1[name] ?? .nan) - value) < 1e-12, "\(name): \(found.1[name] ?? .nan), not \(value)")
        }
    }

    /// With more negatives than there are, all are taken, and nothing is left to chance.
    @Test func allNegativesGiveTheExactFigures() throws {
        let test = Case()
        let found = try test.measure(negatives: 1000)
        expectClose(found, test.expected { $1 })
        #expect(try test.measure(negatives: 1000, seed: 8).1 == found.1)
        let auc = try #require(found.1["auc"])
        #expect(auc > 0.1 && auc < 0.9)
    }

    @Test func drawnNegativesAreThoseOfTheSampler() throws {
        let test = Case()
        let index = ItemIndex(vectors: table(rows: test.items, width: 1) { row, _ in Float(row) }) { $0.index < 35 }
        var (sampler, drawn) = (NegativeSampler(of: index), [UInt32]())
        let expected = test.expected { number, eligible in
            var stream = RandomStream(seed: 7, .negatives, index: UInt64(number))
            let barred = sampler.barredPlaces((0..<35).filter { !eligible.contains($0) }.map { UInt32($0) })
            sampler.draw(6, barred: barred, from: &stream, into: &drawn)
            return drawn.map { Int($0) }
        }
        expectClose(try test.measure(negatives: 6), expected)
    }

    @Test func dependsOnTheSeedAndNotOnThreads() throws {
        let test = Case()
        let runs = try [1, 2, 5].map { try test.measure(negatives: 5, threads: $0).1 }
        #expect(runs[0] == runs[1] && runs[0] == runs[2])
        #expect(try test.measure(negatives: 5, seed: 8).1 != runs[0])
    }

    /// The mean AUC over seeds is the exact one, whatever the number of negatives.
    @Test func sampledAUCIsUnbiased() throws {
        let test = Case()
        let exact = try #require(try test.measure(negatives: 1000).1["auc"])
        let sampled = try (0..<60).map { try #require(try test.measure(negatives: 3, seed: UInt64($0)).1["auc"]) }
        let mean = sampled.reduce(0, +) / 60
        let variance = sampled.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59
        #expect(abs(mean - exact) < 5 * (variance / 60).squareRoot(), "\(mean), not \(exact)")
    }
}
