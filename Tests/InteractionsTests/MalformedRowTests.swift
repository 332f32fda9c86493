import Basics
import Interactions
import Kernels
import Testing

/// One bad line in each way, between good ones: where it stops, and what skipping counts.
@Suite struct MalformedRowTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let line: [UInt8]
        let reason: String
        let column: Int
        var testDescription: String { reason }

        init(_ line: String, _ reason: String, _ column: Int) { self.init(Array(line.utf8), reason, column) }
        init(_ line: [UInt8], _ reason: String, _ column: Int) {
            (self.line, self.reason, self.column) = (line, reason, column)
        }
    }

    static let header = "userId,movieId,rating,timestamp"

    static let cases = [
        Case("1,2,3", "missing field", 6),
        Case("1", "missing field", 2),
        Case(" ", "missing field", 2),
        Case("1,2,,4", "missing field", 5),
        Case("1,2,3,", "missing field", 7),
        Case("1,2,3,4,5", "too many fields", 9),
        Case("1,2,3,4,", "too many fields", 9),
        Case("1,2,five,4", "value is not a number", 5),
        Case("1,2,0x5,4", "value is not a number", 5),
        Case("1,2,nan,4", "value is not finite", 5),
        Case("1,2,-Inf,4", "value is not finite", 5),
        Case("1,2,1e39,4", "value is not finite", 5),
        Case("1,2,3,noon", "time is not a number", 7),
        Case("1,2,3,99999999999999999999", "time is not finite", 7),
        Case(",2,3,4", "empty id", 1),
        Case("1, ,3,4", "empty id", 3),
        Case("1,\"\",3,4", "empty id", 4),
        Case([0x31, 0x2C, 0xC3, 0x28] + Array(",3,4".utf8), "invalid UTF-8 in an id", 3),
        Case([0x31, 0x2C, 0x32, 0] + Array(",3,4".utf8), "embedded NUL byte", 4),
        Case("1,2,3," + String(repeating: "4", count: 1 << 20), "overlong line", 1),
        Case("1,\"2,3,4", "unterminated quote", 3),
        Case("1,\"2\"x,3,4", "text after a closing quote", 6),
        Case(header, "the header again", 1),
    ]

    @Test(arguments: cases) func stopsThereOrCounts(_ bad: Case) throws {
        let good = "\(Self.header)\n1,2,3,4\n5,6,7,8\n"
        let text = Array(good.utf8) + bad.line + Array("\n9,10,11,12\n".utf8)
        for chunkSize in [1, 7, 64, 4 << 20] {
            let error = failure { _ = try load(text, chunkSize: chunkSize) }
            #expect(error?.code == .badData)
            #expect(error?.place.line == 4 && error?.place.column == bad.column, "\(error?.description ?? "none")")
            #expect(error?.remedy?.contains("--skip-bad-rows") == true)
            let loaded = try load(text, chunkSize: chunkSize) { $0.skipsBadRows = true }
            #expect(loaded.log.rows == [Row("1", "2", 3, 4), Row("5", "6", 7, 8), Row("9", "10", 11, 12)])
            #expect(loaded.report.refused == [bad.reason: 1])
            #expect(loaded.report.firstOffenders.map(\.line) == [4])
            #expect(loaded.report.rowsRead == 4 && loaded.report.rowsKept == 3)
        }
    }

    @Test func theLastLine() throws {
        let whole = "1,2,3,4\n5,6,7,8"
        #expect(try load(whole).log.count == 2)
        #expect(try load(whole + "\r").log.count == 2)
        let error = failure { _ = try load("1,2,3,4\n5,6,7,8\n9,10") }
        #expect(error?.place.line == 3 && error?.what.contains("cut off") == true)
        let loaded = try load("1,2,3,4\n5,6,7,8\n9,10") { $0.skipsBadRows = true }
        #expect(loaded.report.refused == ["truncated last line": 1] && loaded.log.count == 2)
    }

    @Test func linesOfListsMayBeLong() throws {
        let items = (0..<300_000).map { "\($0)" }.joined(separator: " ")
        let loaded = try load("7 \(items)\n8 1\n9 2 3\n", chunkSize: 1000)
        #expect(loaded.log.count == 300_003 && loaded.log.users.count == 3 && loaded.log.items.count == 300_000)
    }

    /// Where ids are texts, the header looks like a row but for its value, and without one in every way.
    @Test(arguments: ["user,item", "user,item,rating", "user,item,note,timestamp"]) func theHeaderAgain(
        _ header: String
    ) throws {
        let row = header.contains("rating") ? "a,b,3" : header.contains("timestamp") ? "a,b,c,4" : "a,b"
        let text = ([header] + [String](repeating: row, count: 20) + [header, row, ""]).joined(separator: "\n")
        for set in InstructionSet.here {
            let loaded = try load(text, instructionSet: set) { $0.skipsBadRows = true }
            #expect(loaded.report.refused == ["the header again": 1] && loaded.log.count == 21)
            #expect(failure { _ = try load(text, instructionSet: set) }?.place.line == 22)
        }
    }

    /// The error is that of the lowest line, however the work is shared.
    @Test func theLowestLineIsNamed() {
        var lines = (0..<400).map { "\($0),1,2,3" }
        for bad in [399, 250, 77] { lines[bad] = "x" }
        let text = "user,item,value,time\n" + lines.joined(separator: "\n")
        for threads in [1, 2, 7] {
            for _ in 0..<5 {
                #expect(failure { _ = try load(text, threads: threads, chunkSize: 64) }?.place.line == 79)
            }
        }
    }

    @Test func atMostFiveOffendersInOrder() throws {
        let text = "1,2,3\n" + String(repeating: "1,2,x\n1,2,3\n", count: 9)
        let report = try load(text, threads: 3, chunkSize: 7) { $0.skipsBadRows = true }.report
        #expect(report.firstOffenders.map(\.line) == [2, 4, 6, 8, 10])
        #expect(report.refused == ["value is not a number": 9])
        #expect(report.lines().contains { $0.contains("value is not a number (9)") })
    }

    @Test func nothingButBadRows() {
        let error = failure { _ = try load("user,item,rating\n1,2,x\n") { $0.skipsBadRows = true } }
        #expect(error?.code == .badData && error?.what.contains("value is not a number (1)") == true)
    }
}
