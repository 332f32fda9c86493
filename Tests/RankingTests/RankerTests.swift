import Basics
import Interactions
import Kernels
import Ranking
import Testing

@Suite struct RankerTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var users: Int, items: Int, dimensions: Int, count: Int
        /// Vectors of small integers: scores are exact and mostly tied.
        var ties = false
        var testDescription: String { "\(users)×\(items)×\(dimensions) top \(count)\(ties ? " with ties" : "")" }
    }

    static let shapes = [
        Shape(users: 1, items: 1, dimensions: 1, count: 1), Shape(users: 3, items: 1, dimensions: 3, count: 5),
        Shape(users: 13, items: 31, dimensions: 17, count: 31), Shape(users: 29, items: 33, dimensions: 66, count: 10),
        Shape(users: 7, items: 700, dimensions: 130, count: 10), Shape(users: 97, items: 1500, dimensions: 3, count: 1),
        Shape(users: 60, items: 2000, dimensions: 8, count: 7),
        Shape(users: 25, items: 900, dimensions: 2, count: 2000),
        Shape(users: 200, items: 1000, dimensions: 3, count: 20, ties: true),
        Shape(users: 33, items: 1300, dimensions: 8, count: 1),
        Shape(users: 101, items: 3001, dimensions: 9, count: 38),
        Shape(users: 47, items: 2999, dimensions: 64, count: 33),
        Shape(users: 38, items: 1201, dimensions: 257, count: 7),
        Shape(users: 150, items: 2500, dimensions: 10, count: 20, ties: true),
        Shape(users: 32, items: 1100, dimensions: 2048, count: 2),
        Shape(users: 5, items: 3000, dimensions: 1, count: 100, ties: true),
        Shape(users: 11, items: 450, dimensions: 4, count: 449, ties: true),
    ]

    @Test(arguments: shapes, availableSets)
    func equalsThePlainVersion(shape: Shape, isa: InstructionSet) throws {
        var random = RandomStream(seed: 7, .test, index: UInt64(shape.items * 1000 + shape.dimensions))
        func number() -> Float { shape.ties ? Float(random.below(3) - 1) : Float(random.normal()) }
        let users = (0..<shape.users).map { _ in (0..<shape.dimensions).map { _ in number() } }
        let items = (0..<shape.items).map { _ in (0..<shape.dimensions).map { _ in number() } }
        let cold = Set((0..<shape.items).filter { _ in random.below(7) == 0 })
        let seen = (0..<shape.users).map { user -> [Int] in
            // One user has seen everything, some nothing; repeats occur.
            if user == 1 { return Array(0..<shape.items) }
            if user % 3 == 2 { return [] }
            return (0..<random.below(shape.items + 1)).map { _ in random.below(shape.items) }.sorted()
        }
        let index = ItemIndex(vectors: table(rows: shape.items, width: shape.dimensions) { items[$0][$1] }) {
            !cold.contains($0.index)
        }
        #expect(index.recommendableCount == shape.items - cold.count)
        let rows = (0..<shape.users).map { UserRow($0) }
        let expected = users.indices.map {
            plainTop(shape.count, users[$0], items, seen: seen[$0], cold: cold, isa)
        }
        let history = histories(seen, items: shape.items)
        for threads in [1, 2, 7] {
            let ranker = Ranker(index: index, workers: Workers(threads: threads), isa: isa)
            let lists = try ranker.top(shape.count, for: rows, encoder: Rows(vectors: users), excluding: history)
            for user in users.indices {
                #expect(sameBits(lists[user], expected[user]), "user \(user), \(threads) threads")
            }
        }
        // One user is the same row of all users, and pairs have the scores of lists.
        let ranker = Ranker(index: index, workers: Workers(threads: 1), isa: isa)
        for user in users.indices {
            let alone = try ranker.top(
                shape.count, for: [UserRow(user)], encoder: Rows(vectors: users), excluding: history)
            #expect(sameBits(alone[0], expected[user]))
            let scores = ranker.scores(of: users[user], items: expected[user].items)
            #expect(scores.map(\.bitPattern) == expected[user].scores.map(\.bitPattern))
        }
    }

    @Test func widerSetsAgree() throws {
        guard InstructionSet.best >= .avx2 else { return }
        var random = RandomStream(seed: 11, .test)
        let users = (0..<50).map { _ in (0..<37).map { _ in Float(random.normal()) } }
        let index = ItemIndex(vectors: table(rows: 500, width: 37) { _, _ in Float(random.normal()) })
        let lists = try availableSets.filter { $0 >= .avx2 }.map {
            try Ranker(index: index, workers: Workers(threads: 2), isa: $0).top(
                20, for: (0..<50).map { UserRow($0) }, encoder: Rows(vectors: users), excluding: nil)
        }
        for other in lists { #expect(zip(other, lists[0]).allSatisfy { sameBits($0, $1) }) }
    }

    /// NaN and −∞ are never recommended, +∞ comes first, −0 and 0 are equal.
    @Test(arguments: availableSets) func oddScores(isa: InstructionSet) throws {
        let values: [Float] = [.nan, 1, -.infinity, .infinity, -2, .nan, 1, -0.0, 0, .infinity]
        let index = ItemIndex(vectors: table(rows: values.count, width: 1) { row, _ in values[row] })
        let ranker = Ranker(index: index, workers: Workers(threads: 1), isa: isa)
        for count in [1, 2, 3, 5, 6, 7, 20] {
            let list = try ranker.top(count, for: [UserRow(0)], encoder: Rows(vectors: [[1]]), excluding: nil)[0]
            #expect(list.items == [3, 9, 1, 6, 7, 8, 4].prefix(count).map { ItemRow($0) })
            let scores: [Float] = [.infinity, .infinity, 1, 1, 0, 0, -2]
            #expect(list.scores == Array(scores.prefix(count)))
        }
        let lost = try ranker.top(3, for: [UserRow(0)], encoder: Rows(vectors: [[.nan]]), excluding: nil)[0]
        #expect(lost == RankedList(items: [], scores: []))
    }

    /// Many ties and special values among many items, so that lists are shortened at a tied edge.
    @Test(arguments: availableSets) func tiedEdges(isa: InstructionSet) throws {
        var random = RandomStream(seed: 3, .test)
        let choices: [Float] = [
            .infinity, 0, -0.0, .nan, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
            -.leastNonzeroMagnitude, 1,
        ]
        for _ in 0..<30 {
            // The second dimension underflows: under fused multiply-add a score can become −0.
            let values = (0..<1000).map { _ in
                [choices[random.below(choices.count)], Float(random.below(3) - 1) * 1e-30]
            }
            let index = ItemIndex(vectors: table(rows: 1000, width: 2) { values[$0][$1] })
            let ranker = Ranker(index: index, workers: Workers(threads: 1), isa: isa)
            let count = 1 + random.below(400)
            let user: [Float] = [1, 1e-30]
            let list = try ranker.top(count, for: [UserRow(0)], encoder: Rows(vectors: [user]), excluding: nil)[0]
            #expect(sameBits(list, plainTop(count, user, values, seen: [], cold: [], isa)))
        }
    }

    @Test func streamsInOrderAndStops() throws {
        let index = ItemIndex(vectors: table(rows: 40, width: 2) { row, column in Float(row * (1 - column)) })
        let ranker = Ranker(index: index, workers: Workers(threads: 2))
        let users = (0..<20_000).map { UserRow($0 % 3) }
        let encoder = Rows(vectors: [[1, 0], [-1, 0], [2, 0]])
        var positions: [Int] = []
        try ranker.top(1, for: users, encoder: encoder, excluding: nil) { position, list in
            positions.append(position)
            #expect(list.items == [ItemRow(position % 3 == 1 ? 0 : 39)])
        }
        #expect(positions == Array(0..<20_000))
        #expect(try ranker.top(1, for: [], encoder: encoder, excluding: nil).isEmpty)

        let cancellation = Cancellation()
        var handedOut = 0
        #expect {
            try ranker.top(1, for: users, encoder: encoder, excluding: nil, cancellation: cancellation) { _, _ in
                handedOut += 1
                cancellation.cancel()
            }
        } throws: {
            ($0 as? StarlingError)?.code == .interrupted
        }
        #expect(handedOut > 0 && handedOut < 20_000)
    }

    @Test func noItems() throws {
        let index = ItemIndex(vectors: FactorTable(rows: 0, width: 4))
        let ranker = Ranker(index: index, workers: Workers(threads: 1))
        let lists = try ranker.top(3, for: [UserRow(0)], encoder: Rows(vectors: [[1, 2, 3, 4]]), excluding: nil)
        #expect(lists == [RankedList(items: [], scores: [])])
    }

    @Test func similarIsCosine() {
        let vectors: [[Float]] = [[1, 0], [10, 1], [0, 3], [0.1, 0], [-1, 0], [1, 1], [0, 0]]
        let index = ItemIndex(
            vectors: table(rows: 7, width: 2) { vectors[$0][$1] }, scaling: .unitLength
        ) { $0.index != 1 }
        let ranker = Ranker(index: index, workers: Workers(threads: 1))
        let list = ranker.similar(to: ItemRow(0), count: 9)
        #expect(list.items == [3, 5, 2, 6, 4].map { ItemRow($0) })
        for (score, cosine) in zip(list.scores, [1, 0.5.squareRoot(), 0, 0, -1]) {
            #expect(abs(Double(score) - cosine) < 1e-6)
        }
        #expect(ranker.similar(to: ItemRow(1), count: 1).items == [ItemRow(0)])
    }
}
