import Basics
import Foundation
import Interactions
import Kernels
import Testing

@Suite struct InteractionWriterTests {
    private func written(_ log: InteractionLog, threads: Int = 2) throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("written-\(UUID().uuidString).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try InteractionWriter.write(log, to: file.path, workers: Workers(threads: threads))
        return try String(contentsOf: file, encoding: .utf8)
    }

    @Test func columnsThatAreAbsentStayAbsent() throws {
        func log(_ values: [Float]?, _ times: [Int64]?) -> InteractionLog {
            InteractionLog(
                users: Vocabulary(.integers([-3, 10])), items: Vocabulary(["b", "ä"]), userRows: [1, 0],
                itemRows: [0, 1], values: values, times: times)
        }
        #expect(
            try written(log([4, 0.5], [12, -7]))
                == "user,item,rating,timestamp\n10,b,4.0,12\n-3,ä,0.5,-7\n")
        #expect(try written(log(nil, [12, .min])) == "user,item,timestamp\n10,b,12\n-3,ä,-9223372036854775808\n")
        #expect(try written(log([4, 0.5], nil)) == "user,item,rating\n10,b,4.0\n-3,ä,0.5\n")
        #expect(try written(log(nil, nil)) == "user,item\n10,b\n-3,ä\n")
    }

    @Test func idsAreQuotedWhereTheyMustBe() throws {
        let ids = ["a,b", "say \"hi\"", " led", "plain text", "trail\t"]
        let users = Vocabulary<UserRow>(ids)
        let log = InteractionLog(
            users: users, items: Vocabulary(.integers([1])), userRows: ids.map { UInt32(users.row(of: $0)!.index) },
            itemRows: [0, 0, 0, 0, 0], values: nil, times: nil)
        #expect(
            try written(log) == "user,item\n\"a,b\",1\n\"say \"\"hi\"\"\",1\n\" led\",1\nplain text,1\n\"trail\t\",1\n")
    }

    @Test(arguments: ["a\nb", "a\r"]) func lineEndsInIDsAreRefused(id: String) {
        let log = InteractionLog(
            users: Vocabulary([id]), items: Vocabulary(["1"]), userRows: [0], itemRows: [0], values: nil, times: nil)
        #expect { try written(log) } throws: { ($0 as? StarlingError)?.code == .badData }
    }

    @Test func floatsReadBackIdentical() throws {
        var stream = RandomStream(seed: 1, .test)
        var values: [Float] = [
            0, -0.0, 0.5, 4, 5, 0.1, 1 / 3, -2.5, .leastNonzeroMagnitude, .leastNormalMagnitude,
            .greatestFiniteMagnitude, 16_777_216,
            524_288,
            524_287.5, 1e10, 123_456.789,
        ]
        while values.count < 20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: stream.next()))
            if value.isFinite { values.append(value) }
        }
        let zeros = [UInt32](repeating: 0, count: values.count)
        let log = InteractionLog(
            users: Vocabulary(.integers([1])), items: Vocabulary(.integers([1])), userRows: zeros, itemRows: zeros,
            values: values, times: nil)
        let read = try written(log).split(separator: "\n").dropFirst().map { line in
            try #require(Float(line.split(separator: ",")[2]))
        }
        #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test func blocksStandInOrderAtAnyThreadCount() throws {
        let count = 1_000_003
        let log = InteractionLog(
            users: Vocabulary(.integers(Array(0..<1000))), items: Vocabulary(.integers(Array(0..<77))),
            userRows: (0..<count).map { UInt32($0 % 1000) }, itemRows: (0..<count).map { UInt32($0 % 77) },
            values: nil, times: (0..<Int64(count)).map { $0 })
        let text = try written(log, threads: 1)
        #expect(try written(log, threads: 7) == text)
        var line = 0
        text.utf8.split(separator: UInt8(ascii: "\n")).dropFirst().forEach { bytes in
            if line % 997 == 0 { #expect(String(Substring(bytes)) == "\(line % 1000),\(line % 77),\(line)") }
            line += 1
        }
        #expect(line == count)
    }

    @Test func aCancelledWriteLeavesNothing() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cancelled-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect {
            try InteractionWriter.write(
                SplitTests.log(), to: folder.appendingPathComponent("x.csv").path, cancellation: cancellation)
        } throws: { ($0 as? StarlingError)?.code == .interrupted }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
