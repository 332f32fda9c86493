import CKernels
import Interactions
import Kernels
import Ranking
import Testing

#if arch(x86_64)

/// What the filter promises: its bounds enclose every score, and few items are left to be scored.
@Suite(.enabled(if: InstructionSet.best >= .avx512vnni)) struct ItemFilterTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let dimensions: Int
        /// The value of a coordinate of a user (true) or an item, from the row, the dimension and a normal number.
        let value: @Sendable (Bool, Int, Int, Double) -> Double
        var testDescription: String { "\(name), \(dimensions)" }
    }

    static let cases = [9, 17, 66, 130, 300].flatMap { dimensions in
        [
            Case(name: "normal", dimensions: dimensions) { $3 },
            Case(name: "biases", dimensions: dimensions) { isUser, _, dimension, normal in
                let last = dimension == dimensions - 1, first = dimension == 0
                if isUser { return last ? 1 : first ? 3.5 + normal : normal / 10 }
                return first ? 1 : normal * (last ? 0.4 : 0.1)
            },
            Case(name: "lengths", dimensions: dimensions) { _, row, _, normal in
                normal * [1e-10, 1e-6, 1e-3, 1, 30][row % 5]
            },
            Case(name: "one huge coordinate", dimensions: dimensions) { _, row, dimension, normal in
                dimension == row % dimensions ? 1e5 * normal : normal
            },
            Case(name: "far from the origin", dimensions: dimensions) { isUser, _, _, normal in
                isUser ? normal : 100 + normal
            },
            Case(name: "whole numbers", dimensions: dimensions) { $3.rounded() },
            Case(name: "tiny", dimensions: dimensions) { isUser, _, _, normal in normal * (isUser ? 1e-9 : 1e-30) },
            Case(name: "large", dimensions: dimensions) { _, _, _, normal in normal * 1e11 },
        ]
    }

    @Test(arguments: cases) func boundsEncloseScores(of test: Case) throws {
        var random = RandomStream(seed: 5, .test, index: UInt64(test.dimensions))
        func vectors(_ count: Int, isUser: Bool) -> [[Float]] {
            (0..<count).map { row in
                (0..<test.dimensions).map { Float(test.value(isUser, row, $0, random.normal())) }
            }
        }
        let (users, items) = (vectors(30, isUser: true), vectors(300, isUser: false))
        let index = ItemIndex(vectors: table(rows: items.count, width: test.dimensions) { items[$0][$1] })
        let filter = try #require(ItemFilter(of: index, Workers(threads: 2)))
        // Room for all, so that none is dropped.
        try filtered(filter, users, top: 300, capacity: 700) { work, user in
            let (tile, slot) = (work.tiles[user / 12], user * work.step)
            try #require(tile.given_up == 0)
            let count = withUnsafeBytes(of: tile.count) { Int($0.load(fromByteOffset: user % 12 * 4, as: UInt32.self)) }
            try #require(count == items.count)
            let units = unit(users[user], filter.index)
            let common = zip(users[user], 0..<test.dimensions).reduce(0) {
                $0 + Double($1.0) * filter.index.pointee.centre[$1.1]
            }
            for entry in 0..<count {
                let item = Int(filter.index.pointee.rows[Int(work.places[slot + entry])])
                let score = Double(plainScore(users[user], items[item], .avx2)) - common
                let (low, high) = (Double(work.low[slot + entry]) * units, Double(work.high[slot + entry]) * units)
                #expect(low <= score && score <= high, "user \(user), item \(item)")
            }
        }
    }

    /// The size of a user's unit: s in `sk_filter.h`.
    private func unit(_ user: [Float], _ index: UnsafePointer<sk_filter_index>) -> Double {
        let columns = (0..<index.pointee.column_count).map { Int(index.pointee.columns[$0]) }
        let largest = columns.reduce(Float(0)) { max($0, abs(user[$1])) }
        return 1 / Double(Float(index.pointee.range) / largest)
    }

    /// Not a promise about speed, but what speed rests on.
    @Test func fewAreLeft() throws {
        var random = RandomStream(seed: 6, .test)
        let users = (0..<36).map { _ in (0..<64).map { _ in Float(random.normal()) } }
        let index = ItemIndex(vectors: table(rows: 8000, width: 64) { _, _ in Float(random.normal()) })
        let filter = try #require(ItemFilter(of: index, Workers(threads: 1)))
        try filtered(filter, users, top: 20, capacity: 300) { work, user in
            var items = [UInt32](repeating: 0, count: 20)
            var scores = [Float](repeating: 0, count: 20)
            var work = work
            #expect(
                users[user].withUnsafeBufferPointer {
                    sk_filter_finish(filter.index, &work, user, $0.baseAddress!, &items, &scores)
                } == 20)
            let count = withUnsafeBytes(of: work.tiles[user / 12].count) {
                Int($0.load(fromByteOffset: user % 12 * 4, as: UInt32.self))
            }
            #expect(count < 60)
        }
    }

    @Test func whatCannotBeRoundedHasNoFilter() {
        for odd in [Float.nan, .infinity, -.infinity, 1e13] {
            let vectors = table(rows: 40, width: 9) { $0 == 3 && $1 == 2 ? odd : Float($0 * $1) }
            #expect(ItemFilter(of: ItemIndex(vectors: vectors), Workers(threads: 1)) == nil)
            // A row that cannot be recommended does not matter.
            let index = ItemIndex(vectors: vectors) { $0.index != 3 }
            #expect(ItemFilter(of: index, Workers(threads: 1)) != nil)
        }
        let same = table(rows: 40, width: 9) { row, column in column == 4 ? Float(row) : 1 }
        #expect(ItemFilter(of: ItemIndex(vectors: same), Workers(threads: 1)) == nil)
        #expect(ItemFilter(of: ItemIndex(vectors: FactorTable(rows: 0, width: 9)), Workers(threads: 1)) == nil)
    }

    /// Runs the filter's scan and hands its lists to `body`, user by user.
    private func filtered(
        _ filter: ItemFilter, _ users: [[Float]], top: Int, capacity: Int,
        _ body: (sk_filter_work, Int) throws -> Void
    ) throws {
        let (tiles, index) = ((users.count + 11) / 12, filter.index.pointee)
        let step = capacity + 16
        var memory: [UnsafeMutableRawPointer] = []
        defer { for pointer in memory { pointer.deallocate() } }
        func room<Element: BitwiseCopyable>(_ count: Int, _ zero: Element) -> UnsafeMutablePointer<Element> {
            memory.append(.allocate(byteCount: count * MemoryLayout<Element>.stride, alignment: 64))
            return memory.last!.initializeMemory(as: Element.self, repeating: zero, count: count)
        }
        var work = sk_filter_work(
            top: UInt32(top), capacity: UInt32(capacity), step: step, tiles: room(tiles, sk_filter_tile()),
            packed: room(tiles * 12 * index.groups, 0), low: room(tiles * 12 * step, 0),
            high: room(tiles * 12 * step, 0), places: room(tiles * 12 * step, 0),
            barred: room(tiles * 12 * index.panel_count, 0), scores: room(step, 0), keys: room(2 * step, 0))
        let rows = table(rows: users.count, width: users[0].count) { users[$0][$1] }
        sk_filter_block(filter.index, &work, rows.base, rows.stride, users.count)
        for user in users.indices { try body(work, user) }
    }
}

#endif
