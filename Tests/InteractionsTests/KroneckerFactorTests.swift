import Interactions
import Kernels
import Testing

/// Singular values of sparse matrices, and keep rates, beside SciPy's and NumPy's.
@Suite struct KroneckerFactorTests {
    struct Golden: Decodable {
        struct Case: Decodable {
            let rows, columns: Int
            let rates, singular_values: [Double]
        }
        let users, items, pairs: Int
        let singular_values: [Double]
        let cases: [Case]
    }

    let golden: Golden
    /// The matrix that `expansion.py` makes.
    let source: InteractionMatrix<UserRow, ItemRow>

    init() throws {
        golden = try InteractionsTests.golden("expansion.json", as: Golden.self)
        var items: [Int: Set<Int>] = [:]
        for i in 0..<9000 {
            items[i * i % 307 * 5 / 7, default: []].insert((i * i * i + 7 * i) % 101 * (i % 5 + 2) / 4)
        }
        let numbers = Set(items.values.joined()).sorted()
        let rows = items.keys.sorted().map { user in
            items[user]!.map { item in UInt32(numbers.firstIndex(of: item)!) }.sorted()
        }
        source = matrix(rows, columns: numbers.count)
    }

    func svd(_ count: Int, threads: Int = 2, isa: InstructionSet = .best) throws -> TruncatedSVD {
        try TruncatedSVD(of: source, count: count, workers: Workers(threads: threads), isa: isa)
    }

    @Test func singularValuesAreSciPys() throws {
        #expect(
            [source.rowCount, source.columnCount, source.entryCount] == [golden.users, golden.items, golden.pairs])
        for isa in InstructionSet.here {
            let found = try svd(20, isa: isa)
            for (one, other) in zip(found.values, golden.singular_values) { #expect(abs(one - other) < 1e-11 * other) }
            for index in 0..<20 {
                // A v = σ u, and u and v are of length 1.
                var product = [Double](repeating: 0, count: source.rowCount)
                for row in 0..<source.rowCount {
                    for column in source[UserRow(row)] { product[row] += found.right[index][Int(column)] }
                }
                for (one, other) in zip(product, found.left[index]) {
                    #expect(abs(one - found.values[index] * other) < 1e-8)
                }
                #expect(abs(found.left[index].reduce(0) { $0 + $1 * $1 } - 1) < 1e-9)
                #expect(abs(found.right[index].reduce(0) { $0 + $1 * $1 } - 1) < 1e-9)
            }
        }
    }

    @Test func ratesAreNumPys() throws {
        for one in golden.cases {
            let factor = try KroneckerFactor(
                reducing: svd(min(one.rows, one.columns)), rows: one.rows, columns: one.columns, isa: .best)
            #expect(factor.rates.count == one.rates.count && factor.rates.max() == 1)
            for (rate, expected) in zip(factor.rates, one.rates) { #expect(abs(rate - expected) < 1e-8) }
            for (value, expected) in zip(try factor.singularValues(isa: .best), one.singular_values) {
                #expect(abs(value - expected) < 1e-7)
            }
        }
    }

    @Test func threadsChangeNoBit() throws {
        let (one, other) = (try svd(9, threads: 1), try svd(9, threads: 5))
        #expect(one.values == other.values && one.left == other.left && one.right == other.right)
    }

    /// Two full blocks beside each other: √20, √15 and nothing else.
    @Test(arguments: [false, true]) func ranksBelowTheCount(isWide: Bool) throws {
        let tall = [[UInt32]](repeating: [0, 1, 2, 3], count: 5) + [[UInt32]](repeating: [4, 5, 6], count: 5)
        let wide = (0..<7).map { column in (0..<10).filter { tall[Int($0)].contains(column) } as [UInt32] }
        let source = isWide ? matrix(wide, columns: 10) : matrix(tall, columns: 7)
        let found = try TruncatedSVD(of: source, count: 5, workers: Workers(threads: 2), isa: .best)
        for (value, square) in zip(found.values, [20.0, 15, 0, 0, 0]) { #expect(abs(value * value - square) < 1e-9) }
        #expect((found.left + found.right).joined().allSatisfy { $0.isFinite })
        let factor = try KroneckerFactor(reducing: found, rows: 5, columns: 6, isa: .best)
        #expect(factor.rates.allSatisfy { $0 >= 0 && $0 <= 1 })
    }

    @Test func scaling() throws {
        let rates = [0.0, 0.1, 0.2, 0.4, 0.8, 1]
        let factor = KroneckerFactor(rows: 2, columns: 3, rates: rates)
        for copies in [0.001, 1, 2.5, 3.3, 4.2, 4.9, 5] {
            let scaled = try #require(factor.scaled(toKeep: copies))
            #expect(abs(scaled.rates.reduce(0, +) - copies) < 1e-9)
            // One number times all that are not full.
            let free = zip(scaled.rates, rates).filter { $0.0 < 1 && $0.1 > 0 }.map { $0 / $1 }
            #expect(free.allSatisfy { abs($0 - free[0]) < 1e-9 })
            #expect(zip(scaled.rates, rates).allSatisfy { $0 < 1 || $1 * (free.first ?? 10) >= 1 - 1e-9 })
        }
        #expect(factor.scaled(toKeep: 5.01) == nil)
    }
}
