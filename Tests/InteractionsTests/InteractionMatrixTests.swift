import Interactions
import Kernels
import Testing

/// Matrices against dictionaries that were filled in the order of the log.
@Suite struct InteractionMatrixTests {
    private static let pools = [1, 2, 3, 7].map { Workers(threads: $0) }

    private static func log(
        users: Int, items: Int, count: Int, values: Bool = true, sorted: Bool = false, skewed: Bool = false
    ) -> InteractionLog {
        var random = RandomStream(seed: UInt64(users * 31 + items), .test)
        var userRows = (0..<count).map { _ in UInt32(skewed && random.below(3) > 0 ? 0 : random.below(users)) }
        if sorted { userRows.sort() }
        return InteractionLog(
            users: Vocabulary(.integers((0..<Int64(users)).map { $0 })),
            items: Vocabulary(.integers((0..<Int64(items)).map { $0 })), userRows: userRows,
            itemRows: (0..<count).map { _ in UInt32(random.below(items)) },
            values: values ? (0..<count).map(Float.init) : nil, times: (0..<count).map { Int64($0) })
    }

    private static let logs = [
        log(users: 40, items: 30, count: 1000), log(users: 7, items: 70_000, count: 3000, sorted: true),
        log(users: 300, items: 20_000_000, count: 4000, skewed: true), log(users: 5000, items: 3, count: 20_000),
        log(users: 9, items: 9, count: 60, values: false), log(users: 3, items: 4, count: 0),
        log(users: 1, items: 1, count: 5), log(users: 2000, items: 50, count: 90),
    ]

    @Test(arguments: logs.indices) func historiesAndAudiences(index: Int) {
        let log = Self.logs[index]
        var histories = [[(UInt32, Float)]](repeating: [], count: log.users.count)
        var audiences: [UInt32: [(UInt32, Float)]] = [:]
        for entry in 0..<log.count {
            histories[Int(log.userRows[entry])].append((log.itemRows[entry], log.value(entry)))
            audiences[log.itemRows[entry], default: []].append((log.userRows[entry], log.value(entry)))
        }
        // Standard sorting is stable.
        histories = histories.map { $0.sorted { $0.0 < $1.0 } }
        audiences = audiences.mapValues { $0.sorted { $0.0 < $1.0 } }
        let expected = histories.joined()
        let transposed = audiences.sorted { $0.key < $1.key }.flatMap(\.value)
        var repeats = log.count
        for history in histories { repeats -= Set(history.map(\.0)).count }
        for workers in Self.pools {
            let matrix = log.userMatrix(workers: workers)
            #expect(matrix.rowCount == log.users.count && matrix.columnCount == log.items.count)
            #expect(zip(matrix.offsets, matrix.offsets.dropFirst()).map { $1 - $0 } == histories.map(\.count))
            #expect(matrix.columns == expected.map(\.0))
            #expect(matrix.values == log.values.map { _ in expected.map(\.1) })
            #expect(matrix.repeatedEntries == repeats)
            let audience = matrix.transposed(workers: workers)
            #expect(audience.rowCount == log.items.count && audience.columnCount == log.users.count)
            #expect(audience.columns == transposed.map(\.0))
            #expect(audience.values == log.values.map { _ in transposed.map(\.1) })
            #expect(
                (0..<audience.rowCount).allSatisfy { audience[ItemRow($0)].count == audiences[UInt32($0)]?.count ?? 0 })
            let twice = audience.transposed(workers: workers)
            #expect(twice.offsets == matrix.offsets && twice.columns == matrix.columns && twice.values == matrix.values)
        }
        guard log.items.count < 100_000 else { return }
        let direct = log.itemMatrix(workers: Self.pools[1])
        let through = log.userMatrix().transposed()
        #expect(
            direct.offsets == through.offsets && direct.columns == through.columns && direct.values == through.values)
    }

    /// The histories of a part are those of the part's own log.
    @Test(arguments: [SplitRule.random(validation: 0.2, test: 0.1), .last(2), .temporal(validation: 0.1, test: 0.3)])
    func partsOfASplit(rule: SplitRule) throws {
        for log in Self.logs.prefix(4) {
            let parts = try log.split(rule, seed: 3)
            for workers in Self.pools {
                let partition = try log.partition(rule, seed: 3, workers: workers)
                for (part, own) in [
                    (LogPart.train, parts.train), (.validation, parts.validation!), (.test, parts.test!),
                ] {
                    let matrix = log.userMatrix(of: part, in: partition, workers: workers)
                    let expected = own.userMatrix()
                    #expect(matrix.offsets == expected.offsets && matrix.columns == expected.columns)
                    #expect(matrix.values == expected.values)
                }
            }
        }
    }

    /// Random splits against sorting the keys themselves.
    @Test(arguments: [1, 2, 999, 1_500_000]) func randomPartsAreThoseOfSmallestKeys(count: Int) throws {
        let log = Self.log(users: 1, items: 1, count: count)
        var stream = RandomStream(seed: 9, .split)
        let keys = (0..<count).map { _ in stream.next() }
        let order = (0..<count).sorted { (keys[$0], $0) < (keys[$1], $1) }
        for (validation, test) in [(0.3, 0.2), (0.0, 0.5), (0.4, 0.0)] where count > 2 {
            let (first, second) = (
                Int((validation * Double(count)).rounded()), Int((test * Double(count)).rounded())
            )
            for workers in Self.pools.prefix(3) {
                let rule = SplitRule.random(validation: validation, test: test)
                let partition = try log.partition(rule, seed: 9, workers: workers)
                let held = log.part(.validation, of: partition)?.times ?? []
                #expect(held == order[..<first].sorted().map { Int64($0) })
                let tested = log.part(.test, of: partition)?.times ?? []
                #expect(tested == order[first..<first + second].sorted().map { Int64($0) })
            }
        }
    }
}
