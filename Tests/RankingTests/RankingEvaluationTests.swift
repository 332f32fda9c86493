import Basics
import Interactions
import Kernels
import Ranking
import Testing

@Suite struct RankingEvaluationTests {
    // One dimension: item scores fall with the row, so every user's ranking is 0 1 2 3 4 5, of which 5 is cold.
    private let index = ItemIndex(vectors: table(rows: 6, width: 1) { row, _ in Float(6 - row) }) { $0.index != 5 }
    private let encoder = Rows(vectors: [[1], [2], [1], [3]])
    private var ranker: Ranker { Ranker(index: index, workers: Workers(threads: 2)) }
    // User 0 has seen 0, user 1 has seen 1 and 2, users 2 and 3 nothing.
    private let train = histories([[0], [1, 2], [], []], items: 6)

    @Test func relevantSeenAndCold() throws {
        let heldOut = log(
            [
                (0, 1, 5), (0, 0, 5),  // 0 is in training too: dropped; 1 comes first
                (1, 5, 5), (1, 3, 2), (1, 3, 4),  // 5 is cold: missed; 3 is second after 0; its repeat counts once
                (3, 2, 3),  // third
            ], users: 4, items: 6)
        let result = try RankingEvaluation.evaluate(
            ranker: ranker, encoder: encoder, train: train, heldOut: heldOut, cutoffs: [1, 2, 3])
        #expect(result.usersEvaluated == 3)  // user 2 has nothing held out
        let expected: [String: Double] = [
            "recall@1": 1.0 / 3, "recall@2": (1 + 0.5) / 3, "recall@3": (1 + 0.5 + 1) / 3,
            "hit_rate@1": 1.0 / 3, "hit_rate@3": 1, "mrr@3": (1 + 0.5 + 1.0 / 3) / 3,
            "map@3": (1 + 0.25 + 1.0 / 3) / 3,
            "coverage@1": 2.0 / 5, "coverage@3": 5.0 / 5,
        ]
        for (name, value) in expected { #expect(abs(result.metrics[name]! - value) < 1e-12, "\(name)") }

        // From 4 stars on: user 3 drops out, user 1 keeps 5 and 3 (rated 4 once).
        let liked = try RankingEvaluation.evaluate(
            ranker: ranker, encoder: encoder, train: train, heldOut: heldOut, relevantFrom: 4, cutoffs: [2])
        #expect(liked.usersEvaluated == 2)
        #expect(abs(liked.metrics["recall@2"]! - 0.75) < 1e-12)

        // Seen items stay in the ranking: 1 is second for user 0, 3 fourth for user 1.
        let unfiltered = try RankingEvaluation.evaluate(
            ranker: ranker, encoder: encoder, train: train, heldOut: heldOut, cutoffs: [1, 2], filterSeen: false)
        #expect(unfiltered.metrics["hit_rate@1"] == 0)
        #expect(abs(unfiltered.metrics["hit_rate@2"]! - 1.0 / 3) < 1e-12)
    }

    @Test func nobodyToEvaluate() throws {
        let result = try RankingEvaluation.evaluate(
            ranker: ranker, encoder: encoder, train: train, heldOut: log([(0, 0, 1)], users: 4, items: 6), cutoffs: [5])
        #expect(result.usersEvaluated == 0 && result.metrics.isEmpty)
    }

    /// See golden/make_lightgcn.py: given train and test lists, items that only the test lists have among them.
    @Test func agreesWithLightGCN() throws {
        struct Golden: Decodable {
            var trained: Int, named: Int, cutoffs: [Int], users: [[Float]], items: [[Float]], train: [[Int]]
            var test: [[Int]], tested: Int, metrics: [String: Double]
        }
        let file = Files.parent(#filePath) + "/golden/lightgcn.json"
        let golden = try JSON.decode(Golden.self, from: try Files.read(file), file: file)
        let index = ItemIndex(vectors: table(rows: golden.items.count, width: 3) { golden.items[$0][$1] }) {
            $0.index < golden.trained
        }
        let test = golden.test.enumerated().flatMap { user, items in items.map { (user, $0, Float(1)) } }
        let result = try RankingEvaluation.evaluate(
            ranker: Ranker(index: index, workers: Workers(threads: 2)), encoder: Rows(vectors: golden.users),
            train: histories(golden.train, items: golden.items.count),
            heldOut: log(test, users: golden.users.count, items: golden.named), cutoffs: golden.cutoffs)
        #expect(result.usersEvaluated == golden.tested && golden.metrics.count == 12)
        for (name, value) in golden.metrics {
            #expect(abs((result.metrics[name] ?? .nan) - value) < 1e-12, "\(name)")
        }
    }

    @Test func protocolEncodes() throws {
        #expect(
            try JSON.text(EvaluationProtocol(split: "random:0.1"))
                == #"{"candidates":"all","filter_seen":true,"split":"random:0.1"}"#)
        #expect(
            try JSON.text(EvaluationProtocol(split: "last:1", candidates: .negatives(100), filterSeen: false))
                == #"{"candidates":100,"filter_seen":false,"split":"last:1"}"#)
    }

    @Test func predictionErrors() throws {
        // Predictions 6, 5 (user 0), 6 (user 1: 2 × 3), 18 (user 3).
        let ratings = log([(0, 0, 4), (3, 0, 20), (1, 3, 6), (0, 1, 5.5)], users: 4, items: 6)
        let plain = try PredictionError.measure(ratings, ranker: ranker, encoder: encoder)
        #expect(plain.count == 4)
        #expect(abs(plain.rmse - ((4 + 4 + 0 + 0.25) / 4.0).squareRoot()) < 1e-12)
        #expect(abs(plain.mae - (2 + 2 + 0 + 0.5) / 4) < 1e-12)
        // Into 1...5: 5, 5, 5, 5.
        let clipped = try PredictionError.measure(ratings, ranker: ranker, encoder: encoder, clippedTo: 1...5)
        #expect(abs(clipped.rmse - ((1 + 225 + 1 + 0.25) / 4.0).squareRoot()) < 1e-12)
        #expect(abs(clipped.mae - (1 + 15 + 1 + 0.5) / 4) < 1e-12)
        // Items that the index does not have are left out.
        let more = try PredictionError.measure(
            log([(0, 0, 4), (3, 0, 20), (1, 3, 6), (0, 1, 5.5), (1, 7, 9)], users: 4, items: 8), ranker: ranker,
            encoder: encoder)
        #expect(more == plain)
        let empty = try PredictionError.measure(log([], users: 4, items: 6), ranker: ranker, encoder: encoder)
        #expect(empty.count == 0 && empty.rmse == 0 && empty.mae == 0)
    }

    @Test func sameBitsAtAnyThreadCount() throws {
        var random = RandomStream(seed: 5, .test)
        let (users, items, width) = (5000, 300, 10)
        let vectors = (0..<users).map { _ in (0..<width).map { _ in Float(random.normal()) } }
        let index = ItemIndex(vectors: table(rows: items, width: width) { _, _ in Float(random.normal()) })
        func entries(_ count: Int) -> [(Int, Int, Float)] {
            (0..<count).map { _ in (random.below(users), random.below(items), Float(random.normal())) }
        }
        let train = log(entries(20_000), users: users, items: items).userMatrix()
        let heldOut = log(entries(20_000), users: users, items: items)
        let results = try [1, 2, 7].map { threads in
            let ranker = Ranker(index: index, workers: Workers(threads: threads))
            let error = try PredictionError.measure(heldOut, ranker: ranker, encoder: Rows(vectors: vectors))
            let ranking = try RankingEvaluation.evaluate(
                ranker: ranker, encoder: Rows(vectors: vectors), train: train, heldOut: heldOut, cutoffs: [5, 10])
            return (error, ranking.metrics)
        }
        #expect(results.allSatisfy { $0.0 == results[0].0 && $0.1 == results[0].1 })
        #expect(results[0].1["recall@10"]! > 0)
    }
}
