import Basics
import Interactions
import Kernels
import Testing

@Suite struct SplitTests {
    /// Interactions with a value of their own each, by which they are told apart; many equal times.
    static func log(users: Int = 40, items: Int = 30, count: Int = 1000, times: Bool = true) -> InteractionLog {
        var stream = RandomStream(seed: 5, .test)
        return InteractionLog(
            users: Vocabulary(.integers((0..<Int64(users)).map { $0 })),
            items: Vocabulary(.integers((0..<Int64(items)).map { $0 })),
            userRows: (0..<count).map { _ in UInt32(stream.below(users)) },
            itemRows: (0..<count).map { _ in UInt32(stream.below(items)) },
            values: (0..<count).map(Float.init),
            times: times ? (0..<count).map { _ in Int64(stream.below(200)) - 100 } : nil)
    }

    /// Positions in the whole log.
    static func positions(_ part: InteractionLog?) -> [Int] { (part?.values ?? []).map { Int($0) } }

    /// Parts are disjoint, together the whole, in its order, with its columns and vocabularies.
    static func check(_ parts: LogParts, of log: InteractionLog) {
        let all = [parts.train, parts.validation, parts.test, parts.foldIn].compactMap(\.self)
        #expect(all.flatMap(positions).sorted() == Array(0..<log.count))
        for part in all {
            let own = positions(part)
            #expect(own == own.sorted())
            #expect(part.userRows == own.map { log.userRows[$0] })
            #expect(part.itemRows == own.map { log.itemRows[$0] })
            #expect(part.times == log.times.map { times in own.map { times[$0] } })
            #expect(part.users.count == log.users.count && part.items.count == log.items.count)
        }
    }

    @Test(arguments: [(0.1, 0.0, 100, 0), (0.1, 0.15, 100, 150), (0.0, 0.3, 0, 300), (0.0004, 0.3336, 0, 334)])
    func randomHasExactSizes(validation: Double, test: Double, validationCount: Int, testCount: Int) throws {
        let log = Self.log()
        guard validationCount > 0 || validation == 0 else {
            // Rounds to nothing though something was asked for.
            #expect { try log.split(.random(validation: validation, test: test), seed: 1) } throws: {
                ($0 as? StarlingError)?.code == .badData
            }
            return
        }
        let parts = try log.split(.random(validation: validation, test: test), seed: 1)
        Self.check(parts, of: log)
        #expect(parts.validation?.count ?? 0 == validationCount)
        #expect(parts.test?.count ?? 0 == testCount)
        #expect((parts.validation == nil) == (validation == 0))
        #expect((parts.test == nil) == (test == 0))
        #expect(parts.foldIn == nil)
    }

    @Test func randomDependsOnTheSeedAlone() throws {
        let log = Self.log()
        func held(_ seed: UInt64) throws -> [Int] {
            Self.positions(try log.split(.random(validation: 0.1, test: 0), seed: seed).validation)
        }
        #expect(try held(7) == held(7))
        #expect(try held(7) != held(8))
    }

    /// Every position is held out about as often as any other, and neighbours no more often together than chance.
    @Test func randomIsUniform() throws {
        let log = Self.log(count: 100)
        var (counts, together) = ([Int](repeating: 0, count: 100), 0)
        for seed in 0..<2000 {
            let held = Self.positions(try log.split(.random(validation: 0.2, test: 0), seed: UInt64(seed)).validation)
            for position in held { counts[position] += 1 }
            together += zip(held, held.dropFirst()).count { $1 == $0 + 1 }
        }
        // Binomial(2000, 0.2): mean 400, deviation 17.9; the largest of 100 stays within 4.5 deviations.
        #expect(counts.allSatisfy { abs($0 - 400) < 80 })
        let expected = 2000.0 * 99 * (20.0 / 100) * (19.0 / 99)
        #expect(abs(Double(together) - expected) < 0.03 * expected)
    }

    @Test(arguments: [(0.1, 0.0), (0.1, 0.2), (0.0, 0.1)])
    func temporalHoldsOutTheNewest(validation: Double, test: Double) throws {
        let log = Self.log()
        let parts = try log.split(.temporal(validation: validation, test: test), seed: 1)
        Self.check(parts, of: log)
        let order = (0..<log.count).sorted { (log.times![$0], $0) < (log.times![$1], $1) }
        let testCount = Int(test * 1000)
        let validationCount = Int(validation * 1000)
        #expect(Self.positions(parts.test) == order.suffix(testCount).sorted())
        #expect(Self.positions(parts.validation) == order.dropLast(testCount).suffix(validationCount).sorted())
    }

    @Test(arguments: [1, 2, 5, 20, 26]) func lastHoldsOutEachUsersNewest(held: Int) throws {
        let log = Self.log()
        let parts = try log.split(.last(held), seed: 1)
        Self.check(parts, of: log)
        var (validation, test): ([Int], [Int]) = ([], [])
        for user in 0..<40 {
            let own = (0..<log.count).filter { log.userRows[$0] == user }
                .sorted { (log.times![$0], $0) < (log.times![$1], $1) }
            if own.count <= held { continue }
            validation += held == 1 ? own.suffix(1) : own.suffix(held).dropLast()
            if held > 1 { test.append(own.last!) }
        }
        #expect(Self.positions(parts.validation) == validation.sorted())
        #expect(Self.positions(parts.test) == test.sorted())
        #expect((parts.test == nil) == (held == 1))
    }

    @Test func heldOutUsersAreNotInTraining() throws {
        let log = Self.log()
        let parts = try log.split(.heldOutUsers(10), seed: 3)
        Self.check(parts, of: log)
        let heldOut = Set(parts.foldIn!.userRows)
        #expect(heldOut.count == 10)
        #expect(Set(parts.test!.userRows) == heldOut)
        #expect(heldOut.isDisjoint(with: parts.train.userRows))
        for user in heldOut {
            let history = parts.foldIn!.userRows.count { $0 == user }
            let all = log.userRows.count { $0 == user }
            #expect(history == Int((0.8 * Double(all)).rounded()))
        }
        #expect(parts.validation == nil)
        let others = try log.split(.heldOutUsers(10), seed: 4)
        #expect(Set(others.foldIn!.userRows) != heldOut)
        #expect(try Self.positions(log.split(.heldOutUsers(10), seed: 3).test) == Self.positions(parts.test))
    }

    @Test(arguments: [2, 3]) func smallUsersHaveSomethingOnEitherSide(each: Int) throws {
        let log = InteractionLog(
            users: Vocabulary(.integers([0, 1, 2, 3])), items: Vocabulary(.integers([0, 1, 2])),
            userRows: [0] + (1...3).flatMap { [UInt32](repeating: $0, count: each) },
            itemRows: [0] + (1...3).flatMap { _ in (0..<UInt32(each)) }, values: nil, times: nil)
        let parts = try log.split(.heldOutUsers(2), seed: 1)
        #expect(parts.test!.count == 2)
        #expect(parts.foldIn!.count == 2 * (each - 1))
        #expect(!parts.foldIn!.userRows.contains(0))
    }

    @Test func whatCannotBeIsRefused() {
        let log = Self.log(times: false)
        let cases: [(SplitRule, StarlingError.Code)] = [
            (.last(1), .usage), (.temporal(validation: 0.1, test: 0), .usage), (.heldOutUsers(40), .usage),
            (.random(validation: 0.7, test: 0.3), .usage), (.random(validation: .nan, test: 0), .usage),
            (.last(0), .usage), (.random(validation: 0.0001, test: 0), .badData),
            (.random(validation: 0.9999, test: 0), .badData),
        ]
        for (rule, code) in cases {
            #expect { try log.split(rule, seed: 1) } throws: { ($0 as? StarlingError)?.code == code }
        }
        #expect { try Self.log(count: 20).split(.last(20), seed: 1) } throws: {
            ($0 as? StarlingError)?.code == .badData
        }
    }
}
