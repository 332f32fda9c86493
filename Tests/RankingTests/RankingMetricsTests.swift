import Basics
import Interactions
import Ranking
import Testing

@Suite struct RankingMetricsTests {
    /// Worked by hand: the list 4 7 1 9 against {1, 4, 8}: places 1 and 3 are hits.
    @Test func handWorked() {
        var metrics = RankingMetrics(cutoffs: [4, 1, 2], items: 10, recommendable: 8)
        #expect(metrics.cutoffs == [1, 2, 4])
        #expect(metrics.values.isEmpty)
        metrics.add(recommended: [4, 7, 1, 9].map { ItemRow($0) }, relevant: [1, 4, 8].map { ItemRow($0) })
        // 1 / log2(4) = 0.5; the ideal over 3 places: 1 + 1 / log2(3) + 0.5.
        let ideal3 = 2.1309297535714573, ideal2 = 1.6309297535714573
        expect(
            metrics.values,
            [
                "recall_capped@1": 1, "recall_capped@2": 1.0 / 2, "recall_capped@4": 2.0 / 3,
                "recall@1": 1.0 / 3, "ndcg@1": 1, "hit_rate@1": 1, "mrr@1": 1, "map@1": 1, "coverage@1": 1.0 / 8,
                "recall@2": 1.0 / 3, "ndcg@2": 1 / ideal2, "hit_rate@2": 1, "mrr@2": 1, "map@2": 0.5,
                "coverage@2": 2.0 / 8,
                "recall@4": 2.0 / 3, "ndcg@4": 1.5 / ideal3, "hit_rate@4": 1, "mrr@4": 1,
                "map@4": (1 + 2.0 / 3) / 3, "coverage@4": 4.0 / 8,
            ])
        // A second user: one relevant item at place 3; a list shorter than the cut-off.
        metrics.add(recommended: [7, 4, 5].map { ItemRow($0) }, relevant: [ItemRow(5)])
        #expect(metrics.users == 2)
        expect(
            metrics.values,
            [
                "recall_capped@1": 0.5, "recall_capped@2": 0.25, "recall_capped@4": 5.0 / 6,
                "recall@1": 1.0 / 6, "ndcg@1": 0.5, "hit_rate@1": 0.5, "mrr@1": 0.5, "map@1": 0.5,
                "coverage@1": 2.0 / 8,
                "recall@2": 1.0 / 6, "ndcg@2": 0.5 / ideal2, "hit_rate@2": 0.5, "mrr@2": 0.5, "map@2": 0.25,
                "coverage@2": 2.0 / 8,
                "recall@4": 5.0 / 6, "ndcg@4": (1.5 / ideal3 + 0.5) / 2, "hit_rate@4": 1, "mrr@4": (1 + 1.0 / 3) / 2,
                "map@4": (5.0 / 9 + 1.0 / 3) / 2, "coverage@4": 5.0 / 8,
            ])
    }

    @Test func emptyListMisses() {
        var metrics = RankingMetrics(cutoffs: [5], items: 3, recommendable: 0)
        metrics.add(recommended: [], relevant: [ItemRow(0)])
        #expect(metrics.values.count == 7 && metrics.values.values.allSatisfy { $0 == 0 })
    }

    /// Random lists scored by trec_eval; see golden/make_ranking_metrics.py.
    @Test func agreesWithTrecEval() throws {
        struct Golden: Decodable {
            struct User: Decodable { var recommended: [Int], relevant: [Int] }
            var items: Int, cutoffs: [Int], users: [User], metrics: [String: Double]
        }
        let file = Files.parent(#filePath) + "/golden/ranking_metrics.json"
        let golden = try JSON.decode(Golden.self, from: try Files.read(file), file: file)
        var metrics = RankingMetrics(cutoffs: golden.cutoffs, items: golden.items, recommendable: golden.items)
        for user in golden.users {
            metrics.add(
                recommended: user.recommended.map { ItemRow($0) }, relevant: user.relevant.map { ItemRow($0) })
        }
        #expect(golden.metrics.count == 30)
        expect(metrics.values.filter { !$0.key.hasPrefix("coverage") }, golden.metrics)
    }

    private func expect(_ values: [String: Double], _ expected: [String: Double]) {
        #expect(Set(values.keys) == Set(expected.keys))
        for (name, value) in expected {
            #expect(abs((values[name] ?? .nan) - value) < 1e-9, "\(name): \(values[name] ?? .nan), not \(value)")
        }
    }
}
