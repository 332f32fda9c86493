import Basics
import Interactions
import Kernels
import Neural
import Ranking
import Testing

/// Ranking over items that come part by part, by one rank and by several.
@Suite(torch, .serialized) struct SharedRankingTests {
    /// Vectors of few small whole numbers, so that many scores are equal.
    private struct Few: QueryEncoder {
        var dimensions: Int { 3 }

        func encode(_ users: [UserRow], into table: borrowing FactorTable) {
            for (place, user) in users.enumerated() { Self.fill(table.row(place), seed: user.index) }
        }

        static func fill(_ row: UnsafeMutableBufferPointer<Float>, seed: Int) {
            var random = RandomStream(seed: 3, .initialisation, index: UInt64(seed))
            for column in row.indices { row[column] = Float(random.below(4)) }
        }
    }

    /// Items from `first` on.
    private static func items(_ range: Range<Int>) -> FactorTable {
        let table = FactorTable(rows: range.count, width: 3)
        for item in range { Few.fill(table.row(item - range.lowerBound), seed: 1000 + item) }
        return table
    }

    private static func metrics(
        _ groups: Groups, partRows: Int?, _ ranks: any Communicator = OneRank()
    ) throws -> [String: Double] {
        let ranking = SharedRanking(
            groups.heldOut, groups.history, partRows: partRows, ranks: ranks, workers: Workers(threads: 2), isa: .best)
        let count = groups.history.columnCount
        return try ranking.metrics(
            { body in
                for first in stride(from: 0, to: count, by: ranking.partRows) {
                    try body(first, items(first..<min(count, first + ranking.partRows)))
                }
            }, Few(), cutoff: 5, Cancellation())
    }

    @Test func partsGiveTheListsOfAll() throws {
        let groups = Groups()
        let trained = groups.history.columnsWithEntries
        let index = ItemIndex(vectors: Self.items(0..<groups.history.columnCount)) { trained[$0.index] }
        let expected = try RankingEvaluation.evaluate(
            ranker: Ranker(index: index, workers: Workers(threads: 2)), encoder: Few(), train: groups.history,
            heldOut: groups.heldOut, cutoffs: [5])
        #expect(expected.metrics["recall@5"]! > 0)
        for partRows in [nil, 1, 2, 7, 16, 33, 59, 60, 1000] {
            let found = try Self.metrics(groups, partRows: partRows)
            #expect(found["val_recall@5"] == expected.metrics["recall@5"], "parts of \(partRows ?? 0)")
            #expect(found["val_ndcg@5"] == expected.metrics["ndcg@5"])
        }
        for ranks in [2, 3] {
            for found in try GlooRanks.run(ranks, { try Self.metrics(groups, partRows: 11, $0) }) {
                #expect(abs(found["val_recall@5"]! - expected.metrics["recall@5"]!) < 1e-12)
                #expect(abs(found["val_ndcg@5"]! - expected.metrics["ndcg@5"]!) < 1e-12)
            }
        }
    }

    @Test func columnsAreCounted() {
        let matrix = InteractionMatrix<UserRow, ItemRow>(
            offsets: [0, 3, 3, 7], columns: [0, 4, 4, 1, 2, 5, 9], values: [1, 2, 3, 4, 5, 6, 7], columnCount: 10)
        let some = matrix.selecting(columns: 2..<6)
        #expect(some.offsets == [0, 2, 2, 4] && some.columns == [2, 2, 0, 3])
        #expect(some.values == [2, 3, 5, 6] && some.columnCount == 4)
        #expect(matrix.selecting(columns: 0..<10).columns == matrix.columns)
        #expect(matrix.selecting(columns: 6..<6).columns.isEmpty)
    }
}
