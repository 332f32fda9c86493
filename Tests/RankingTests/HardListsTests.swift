import Basics
import Interactions
import Kernels
import Ranking
import Testing

/// Lists from data that is hard on a ranker that leaves items out, against the plain version, bit for bit.
@Suite struct HardListsTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        /// A coordinate of a user (true) or of an item.
        let value: @Sendable (Bool, Int, Int, inout RandomStream) -> Float
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "normal") { Float($3.normal() + 0 * Double($1 + $2)) },
        Case(name: "biases, as a factor model folds them") { isUser, _, dimension, random in
            let normal = Float(random.normal())
            if isUser { return dimension == 1 ? 1 : dimension == 0 ? 3.5 + normal : normal / 10 }
            return dimension == 0 ? 1 : normal * (dimension == 1 ? 0.4 : 0.1)
        },
        Case(name: "lengths over many powers of ten") { _, row, _, random in
            Float(random.normal()) * [1e-20, 1e-9, 1e-3, 1, 50][row % 5]
        },
        Case(name: "all scores equal") { isUser, _, dimension, random in isUser ? Float(random.normal()) : 1 },
        Case(name: "few different scores") { isUser, row, _, random in
            isUser ? Float(random.normal()) : Float(row % 3)
        },
        Case(name: "whole numbers") { _, _, _, random in Float(random.below(5)) - 2 },
        Case(name: "apart by the last bit") { isUser, row, dimension, random in
            isUser ? 1 + Float(random.below(3)) : dimension == 3 ? 1 + Float(row % 700) * .ulpOfOne : 1
        },
        Case(name: "apart by the last bit everywhere") { _, _, _, random in 1 + Float(random.below(4)) * .ulpOfOne },
        Case(name: "duplicates") { isUser, row, dimension, random in
            var same = RandomStream(seed: 1, .test, index: UInt64((isUser ? row : row % 40) * 100 + dimension))
            return Float(same.normal())
        },
        Case(name: "one huge coordinate") { _, row, dimension, random in
            dimension == row % 12 ? 1e6 * Float(random.normal()) : Float(random.normal())
        },
        Case(name: "zero vectors and negative zeros") { _, row, _, random in
            row % 4 == 0 ? 0 : row % 4 == 1 ? -0.0 : row % 4 == 2 ? Float(random.below(3)) - 1 : Float(random.normal())
        },
        Case(name: "denormals") { _, row, _, random in
            Float(random.normal()) * (row % 2 == 0 ? Float(bitPattern: 0x0001_1000) : 1e-22)
        },
        Case(name: "huge") { _, row, _, random in Float(random.normal()) * (row % 3 == 0 ? 1e19 : 1e11) },
        Case(name: "infinities and NaN among items") { isUser, row, dimension, random in
            if !isUser, dimension == 2, row % 97 == 5 { return [.infinity, -.infinity, .nan][row % 3] }
            return Float(random.normal())
        },
        Case(name: "infinities and NaN among users") { isUser, row, dimension, random in
            if isUser, dimension == 2, row % 5 == 1 { return [.infinity, -.infinity, .nan][row % 3] }
            return Float(random.normal())
        },
        Case(name: "constant dimensions") { isUser, _, dimension, random in
            isUser || dimension % 2 == 0 ? Float(random.normal()) : Float(dimension)
        },
    ]

    @Test(arguments: cases, availableSets) func equalThePlainVersion(test: Case, isa: InstructionSet) throws {
        for (dimensions, count) in [(12, 18), (21, 3), (66, 10)] {
            var random = RandomStream(seed: 21, .test, index: UInt64(dimensions))
            func vectors(_ count: Int, isUser: Bool) -> [[Float]] {
                (0..<count).map { row in (0..<dimensions).map { test.value(isUser, row, $0, &random) } }
            }
            let (users, items) = (vectors(41, isUser: true), vectors(1500, isUser: false))
            let cold = Set((0..<items.count).filter { _ in random.below(9) == 0 })
            let seen = users.indices.map { user in
                user == 1
                    ? Array(items.indices)
                    : user % 3 == 0
                        ? [] : (0..<random.below(user % 3 == 1 ? 1500 : 60)).map { _ in random.below(1500) }.sorted()
            }
            let index = ItemIndex(vectors: table(rows: items.count, width: dimensions) { items[$0][$1] }) {
                !cold.contains($0.index)
            }
            #expect(ItemFilter.isWorthwhile(top: count, items: index.recommendableCount, dimensions: dimensions))
            let expected = users.indices.map { plainTop(count, users[$0], items, seen: seen[$0], cold: cold, isa) }
            let all = users.indices.map { plainTop(count, users[$0], items, seen: [], cold: cold, isa) }
            let history = histories(seen, items: items.count)
            for threads in [1, 3] {
                let ranker = Ranker(index: index, workers: Workers(threads: threads), isa: isa)
                let rows = users.indices.map { UserRow($0) }
                let lists = try ranker.top(count, for: rows, encoder: Rows(vectors: users), excluding: history)
                let unfiltered = try ranker.top(count, for: rows, encoder: Rows(vectors: users), excluding: nil)
                for user in users.indices {
                    #expect(sameBits(lists[user], expected[user]), "user \(user), \(dimensions) dimensions")
                    #expect(sameBits(unfiltered[user], all[user]), "user \(user), \(dimensions) dimensions, all items")
                }
                // One user is the same row of all users.
                for user in stride(from: 0, to: users.count, by: 7) {
                    let alone = try ranker.top(
                        count, for: [UserRow(user)], encoder: Rows(vectors: users), excluding: history)
                    #expect(sameBits(alone[0], expected[user]))
                }
            }
        }
    }
}
