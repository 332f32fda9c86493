import Interactions
import Kernels
import Testing

@Suite struct FractalExpansionTests {
    let source = randomMatrix(users: 120, items: 70, density: 0.2, value: { Float($0 % 7) + 0.5 })

    func expansion(
        rows: Int, columns: Int, rates: [Double], _ shuffling: FractalExpansion.Shuffling = .blocks, seed: UInt64 = 3,
        ratings: Bool = false
    ) -> FractalExpansion {
        FractalExpansion(
            of: source, by: KroneckerFactor(rows: rows, columns: columns, rates: rates), shuffling: shuffling,
            seed: seed,
            carriesRatings: ratings)
    }

    @Test func blocksKeepWhatTheirRateSays() {
        let rates = [0, 0.002, 0.03, 0.25, 0.6, 0.95, 1, 0.5]
        let result = expansion(rows: 2, columns: 4, rates: rates)
        #expect(abs(result.expected - rates.reduce(0, +) * Double(source.entryCount)) < 1e-6)
        var pairs: Set<UInt64> = []
        for (block, kept) in made(result).enumerated() {
            let mean = rates[block] * Double(source.entryCount)
            #expect(abs(Double(kept.users.count) - mean) <= 6 * (mean * (1 - rates[block])).squareRoot(), "\(block)")
            for (user, item) in zip(kept.users, kept.items) {
                #expect(Int(user) / 120 == block / 4 && Int(item) / 70 == block % 4)
                pairs.insert(UInt64(user) << 32 | UInt64(item))
            }
        }
        #expect(pairs.count == made(result).reduce(0) { $0 + $1.users.count }, "no pair comes twice")
    }

    /// Entries are kept independently of each other, each with the rate.
    @Test func everyEntryHasTheSameChance() throws {
        let small = matrix((0..<10).map { _ in [0, 1, 2, 3] }, columns: 4, values: (0..<40).map { Float($0) })
        let (rate, trials) = (0.3, 6000)
        var (kept, together) = ([Int](repeating: 0, count: 40), 0)
        for seed in 0..<trials {
            let result = FractalExpansion(
                of: small, by: KroneckerFactor(rows: 1, columns: 1, rates: [rate]), shuffling: .blocks,
                seed: UInt64(seed),
                carriesRatings: true)
            let entries = try #require(made(result)[0].byteRatings)
            for entry in entries { kept[Int(entry)] += 1 }
            together += zip(entries, entries.dropFirst()).count { $1 == $0 + 1 }
        }
        let mean = rate * Double(trials)
        for count in kept { #expect(abs(Double(count) - mean) < 5.5 * (mean * (1 - rate)).squareRoot(), "\(kept)") }
        // Neighbouring pairs share an entry, which adds to the variance.
        let variance = 39 * Double(trials) * (rate * rate * (1 - rate * rate) + 2 * rate * rate * rate * (1 - rate))
        #expect(abs(Double(together) - 39 * rate * mean) < 6 * variance.squareRoot())
    }

    /// A block of rate 1 is the source in another order, ratings with it.
    @Test(arguments: FractalExpansion.Shuffling.allCases) func aFullBlockIsTheSource(
        shuffling: FractalExpansion.Shuffling
    ) throws {
        let result = expansion(rows: 1, columns: 2, rates: [1, 1], shuffling, ratings: true)
        var orders: [[UInt32]] = []
        for (block, kept) in made(result).enumerated() {
            let ratings = try #require(kept.floatRatings)
            #expect(ratings == source.values)
            // The same user and item stand wherever they stood.
            var users = [UInt32?](repeating: nil, count: 120), items = [UInt32?](repeating: nil, count: 70)
            for user in 0..<120 {
                for entry in source.offsets[user]..<source.offsets[user + 1] {
                    let item = Int(source.columns[entry])
                    #expect(users[user] == nil || users[user] == kept.users[entry])
                    #expect(items[item] == nil || items[item] == kept.items[entry])
                    (users[user], items[item]) = (kept.users[entry], kept.items[entry])
                }
            }
            let seen = users.compactMap(\.self)
            #expect(
                Set(seen).count == seen.count && Set(items.compactMap(\.self)).count == items.compactMap(\.self).count)
            #expect(seen != seen.sorted() && seen.allSatisfy { $0 < 120 })
            #expect(items.compactMap(\.self).allSatisfy { Int($0) / 70 == block })
            orders.append(seen)
        }
        #expect((orders[0] == orders[1]) == (shuffling == .sides))
    }

    /// Shuffled by sides and whole, each user has so many times what somebody in the source has: tails multiply.
    @Test func sidesKeepTails() {
        let result = expansion(rows: 3, columns: 4, rates: [Double](repeating: 1, count: 12), .sides)
        let whole = result.matrix(rows: [0, 1, 2], columns: [0, 1, 2, 3], workers: Workers(threads: 2))
        #expect(whole.rowCount == result.users && whole.columnCount == result.items)
        let users = rowCounts(source).flatMap { [4 * $0, 4 * $0, 4 * $0] }.sorted()
        let items = columnCounts(source).flatMap { [3 * $0, 3 * $0, 3 * $0, 3 * $0] }.sorted()
        #expect(rowCounts(whole).sorted() == users && columnCounts(whole).sorted() == items)
        // Anew in every block they even out: the most popular item has less than that.
        let anew = expansion(rows: 3, columns: 4, rates: [Double](repeating: 1, count: 12))
        let mixed = columnCounts(anew.matrix(rows: [0, 1, 2], columns: [0, 1, 2, 3], workers: Workers(threads: 1)))
        #expect(mixed.reduce(0, +) == items.reduce(0, +) && mixed.max()! < items.last!)
    }

    /// The spectrum of what is shuffled by sides is that of the Kronecker product.
    @Test func sidesKeepTheSpectrum() throws {
        // A factor of rank 1 whose value is 5, thinned to nothing but zeros and ones.
        let result = expansion(rows: 5, columns: 5, rates: [Double](repeating: 1, count: 25), .sides)
        let whole = result.matrix(rows: Array(0..<5), columns: Array(0..<5), workers: Workers(threads: 2))
        let workers = Workers(threads: 2)
        let before = try TruncatedSVD(of: source, count: 6, workers: workers, isa: .best).values
        let after = try TruncatedSVD(of: whole, count: 6, workers: workers, isa: .best).values
        for (one, other) in zip(before, after) { #expect(abs(5 * one - other) < 1e-9 * other) }
    }

    @Test func aSampleIsPartOfTheWhole() {
        let rates = (0..<48).map { Double($0 % 10) / 20 }
        let result = expansion(rows: 6, columns: 8, rates: rates)
        let (rows, columns) = result.sample(limit: Int(result.expected / 8))
        #expect((1...3).contains(rows.count) && (1...4).contains(columns.count) && Set(rows).count == rows.count)
        let part = result.matrix(rows: rows, columns: columns, workers: Workers(threads: 3))
        let whole = result.matrix(rows: Array(0..<6), columns: Array(0..<8), workers: Workers(threads: 1))
        for (place, row) in rows.enumerated() {
            for user in 0..<120 {
                let wanted = whole[UserRow(row * 120 + user)].filter { columns.contains(Int($0) / 70) }
                    .map { UInt32(columns.firstIndex(of: Int($0) / 70)! * 70) + $0 % 70 }
                #expect(Array(part[UserRow(place * 120 + user)]) == wanted.sorted())
            }
        }
        #expect(result.sample(limit: 1 << 40).rows == Array(0..<6))
    }

    /// Any piece can be made by itself.
    @Test(arguments: FractalExpansion.Shuffling.allCases) func orderChangesNothing(
        shuffling: FractalExpansion.Shuffling
    ) {
        let result = expansion(rows: 4, columns: 5, rates: (0..<20).map { Double($0) / 20 }, shuffling, ratings: true)
        let scratch = FractalExpansion.Scratch(result)
        let pieces = result.pieces()
        let inOrder = made(result)
        for index in pieces.indices.reversed() {
            let alone = result.make(pieces[index], scratch)
            #expect(alone.users == inOrder[index].users && alone.items == inOrder[index].items)
        }
        let other = made(expansion(rows: 4, columns: 5, rates: (0..<20).map { Double($0) / 20 }, shuffling, seed: 4))
        #expect(other.map(\.users) != inOrder.map(\.users))
    }
}
