import Basics
import Interactions
import Kernels
import Testing

@Suite struct DuplicatesTests {
    private let timed = "1,1,1,50\n2,1,9,1\n1,1,2,70\n1,2,5,5\n1,1,6,70\n1,1,4,10\n"
    private let untimed = "user,item,rating\n1,1,1\n2,1,9\n1,1,2\n"

    private func rows(_ text: String, _ policy: DuplicatePolicy) throws -> [Row] {
        try load(text) { $0.duplicates = policy }.log.rows
    }

    @Test func byTime() throws {
        let others = [Row("2", "1", 9, 1), Row("1", "2", 5, 5)]
        #expect(try rows(timed, .last) == others + [Row("1", "1", 6, 70)])
        #expect(try rows(timed, .first) == others + [Row("1", "1", 4, 10)])
        #expect(try rows(timed, .mean) == [Row("1", "1", 3.25, 70)] + others)
        #expect(try rows(timed, .sum) == [Row("1", "1", 13, 70)] + others)
    }

    @Test func byPlace() throws {
        #expect(try rows(untimed, .last) == [Row("2", "1", 9), Row("1", "1", 2)])
        #expect(try rows(untimed, .first) == [Row("1", "1", 1), Row("2", "1", 9)])
    }

    @Test func withoutValues() throws {
        let text = "user,item\na,x\nb,y\na,x\n"
        #expect(try rows(text, .sum) == [Row("a", "x", 2), Row("b", "y", 1)])
        #expect(try rows(text, .mean) == [Row("a", "x"), Row("b", "y")])
    }

    @Test func asAnError() throws {
        let error = failure { _ = try rows(timed, .error) }
        #expect(error?.code == .badData && error?.what.contains("user “1” and item “1”") == true)
        #expect(try rows("1,1,1\n1,2,1\n2,1,1\n", .error).count == 3)
    }

    @Test func keptAndCounted() throws {
        #expect(try load(timed).log.count == 6)
        #expect(try load(timed) { $0.duplicates = .last }.report.duplicatesMerged == 3)
    }

    /// Against a dictionary walked in file order.
    @Test(arguments: DuplicatePolicy.allCases.filter { $0 != .error })
    func againstAPlainOne(policy: DuplicatePolicy) throws {
        var random = RandomStream(seed: 5, .test)
        let rows = (0..<3000).map { _ in
            Row(
                "\(Int.random(in: 0..<40, using: &random))", "\(Int.random(in: 0..<30, using: &random))",
                Float(Int.random(in: 1...5, using: &random)), Int64.random(in: 0..<50, using: &random))
        }
        var places: [[String]: [Int]] = [:]
        for (index, row) in rows.enumerated() { places[[row.user, row.item], default: []].append(index) }
        var expected: [(Int, Row)] = []
        for run in places.values {
            var place = run[0]
            for other in run.dropFirst() {
                switch policy {
                case .last: if rows[other].time! >= rows[place].time! { place = other }
                case .first: if rows[other].time! < rows[place].time! { place = other }
                default: break
                }
            }
            var row = rows[place]
            if policy == .mean || policy == .sum {
                let sum = run.reduce(0.0) { $0 + Double(rows[$1].value!) }
                row.value = Float(policy == .sum ? sum : sum / Double(run.count))
                row.time = run.map { rows[$0].time! }.max()
            }
            expected.append((place, row))
        }
        let text = rows.map { "\($0.user),\($0.item),\($0.value!),\($0.time!)\n" }.joined()
        for threads in [1, 3] {
            let loaded = try load(text, threads: threads) { $0.duplicates = policy }
            #expect(loaded.log.rows == expected.sorted { $0.0 < $1.0 }.map(\.1))
        }
    }
}
