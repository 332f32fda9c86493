import Basics
import Interactions
import Kernels
import Ranking
import Testing

/// Adds up the vectors of a history's items, times their values.
struct SumEncoder: HistoryEncoder {
    let items: [[Float]]
    var dimensions: Int { items[0].count }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        throw StarlingError(.failed, "these users are known by their histories alone")
    }

    func encode(_ histories: InteractionMatrix<UserRow, ItemRow>, into table: borrowing FactorTable) throws {
        for row in 0..<histories.rowCount {
            let sum = vector(Array(histories[UserRow(row)]), histories.values(UserRow(row)).map(Array.init))
            _ = table.row(row).update(from: sum)
        }
    }

    func vector(_ history: [UInt32], _ values: [Float]?) -> [Float] {
        (0..<dimensions).map { dimension in
            history.indices.reduce(0) { $0 + (values?[$1] ?? 1) * items[Int(history[$1])][dimension] }
        }
    }
}

/// Strong generalisation: users who are ranked by a history that training did not see.
@Suite struct HistoryQueriesTests {
    @Test func heldOutUsersAreRankedByTheirHistories() throws {
        var random = RandomStream(seed: 31, .test)
        let (users, items) = (60, 50)
        let vectors = (0..<items).map { _ in (0..<4).map { _ in Float(random.normal()) } }
        let all = log(
            (0..<users).flatMap { user in
                (0..<items).filter { _ in random.below(4) == 0 }.map { (user, $0, Float(1 + random.below(5))) }
            }, users: users, items: items)
        let parts = try all.split(.heldOutUsers(25), seed: 3)
        let (foldIn, test) = (try #require(parts.foldIn), try #require(parts.test))
        let trained = Set(parts.train.itemRows)
        let index = ItemIndex(vectors: table(rows: items, width: 4) { vectors[$0][$1] }) {
            trained.contains(UInt32($0.index))
        }
        let ranker = Ranker(index: index, workers: Workers(threads: 2))
        let encoder = SumEncoder(items: vectors)
        let history = foldIn.userMatrix()
        let found = try RankingEvaluation.evaluate(
            ranker: ranker, encoder: HistoryQueries(encoder, history), train: history, heldOut: test, cutoffs: [5])

        var (recalls, count) = (0.0, 0)
        let targets = test.userMatrix()
        for user in 0..<users where !targets[UserRow(user)].isEmpty {
            #expect(!parts.train.userRows.contains(UInt32(user)), "a held-out user is in training")
            let seen = Array(history[UserRow(user)])
            #expect(!seen.isEmpty)
            let query = encoder.vector(seen, history.values(UserRow(user)).map(Array.init))
            let cold = Set((0..<items).filter { !trained.contains(UInt32($0)) })
            let best = plainTop(5, query, vectors, seen: seen.map { Int($0) }, cold: cold, .avx2).items
            let relevant = Set(targets[UserRow(user)].map { ItemRow(Int($0)) })
            recalls += Double(best.count { relevant.contains($0) }) / Double(relevant.count)
            count += 1
        }
        #expect(count == 25 && found.usersEvaluated == 25)
        #expect(abs(try #require(found.metrics["recall@5"]) - recalls / 25) < 1e-12)
        #expect(recalls > 0)
    }

    /// One history alone has the bits of its row among many, whatever order they come in.
    @Test func oneEqualsTheRowOfMany() throws {
        var random = RandomStream(seed: 32, .test)
        let vectors = (0..<40).map { _ in (0..<5).map { _ in Float(random.normal()) } }
        let rows = (0..<5000).map { _ in Set((0..<1 + random.below(9)).map { _ in random.below(40) }).sorted() }
        let matrix = histories(rows, items: 40)
        let ranker = Ranker(
            index: ItemIndex(vectors: table(rows: 40, width: 5) { vectors[$0][$1] }), workers: Workers(threads: 2))
        let encoder = SumEncoder(items: vectors)
        let all = try ranker.top(
            7, for: rows.indices.map { UserRow($0) }, encoder: HistoryQueries(encoder, matrix), excluding: matrix)
        for user in [0, 17, 4095, 4096, 4999] {
            let own = histories([rows[user]], items: 40)
            let alone = try ranker.top(7, for: [UserRow(0)], encoder: HistoryQueries(encoder, own), excluding: own)
            #expect(sameBits(alone[0], all[user]))
        }
    }
}
