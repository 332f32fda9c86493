import Basics
import Formats
import Foundation
import Interactions
import Kernels
import LocalRanks
import Testing

/// Streams of NumPy arrays, of one rank and of several.
@Suite struct StreamReadingTests {
    private static var names: NPYSource { NPYSource(name: "", strings: ["user", "item", "value", "time"]) }

    private func stream(_ arrays: [NPYSource]) throws -> [UInt8] {
        let folder = TemporaryFolder()
        return try arrays.flatMap { array in
            try NPY.write(array, to: folder.path + "/array")
            return try Files.read(folder.path + "/array")
        }
    }

    /// An array of another type than ``NPYSource`` has.
    private func array<Element: BitwiseCopyable>(_ descr: String, _ elements: [Element]) -> [UInt8] {
        var head = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(elements.count),), }\n".utf8)
        head = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(head.count), 0] + head
        return head + elements.withUnsafeBytes { Array($0) }
    }

    private func ids(_ ids: [String], asText: Bool) -> NPYSource {
        asText
            ? NPYSource(name: "", strings: ids) : NPYSource(TensorSource(name: "", ids.map { Int64($0)! }))
    }

    /// A batch of rows; without rows the end.
    private func batch(_ rows: ArraySlice<Row>) -> [NPYSource] {
        func isText(_ ids: [String]) -> Bool { !ids.allSatisfy { Int64($0) != nil } }
        let (users, items) = (rows.map(\.user), rows.map(\.item))
        return [
            ids(users, asText: isText(users)), ids(items, asText: isText(items)),
            NPYSource(TensorSource(name: "", rows.map { $0.value! })),
            NPYSource(TensorSource(name: "", rows.map { $0.time! })),
        ]
    }

    /// Streams of parts of the rows, in batches of some size.
    private func streams(_ rows: [Row], parts: Int, size: Int) throws -> [[UInt8]] {
        try (0..<parts).map { part in
            let own = rows[rows.count * part / parts..<rows.count * (part + 1) / parts]
            let batches = Swift.stride(from: own.startIndex, to: own.endIndex, by: size).map {
                batch(own[$0..<min($0 + size, own.endIndex)])
            }
            return try stream([Self.names] + batches.joined() + batch([]))
        }
    }

    private func read(
        _ bytes: [UInt8], _ change: (inout ReadingOptions) -> Void = { _ in }
    ) throws -> LoadedInteractions {
        let folder = TemporaryFolder()
        return try InteractionsTests.read("npy-stream:" + (try folder.write("stream", bytes)), change)
    }

    private func readByRanks(_ streams: [[UInt8]]) throws -> [Result<LoadedInteractions, any Error>] {
        let folder = TemporaryFolder()
        let paths = try streams.enumerated().map { try folder.write("\($0)", $1) }
        return LocalRanks.outcomes(streams.count) { ranks in
            try InteractionReader.read(
                "npy-stream:" + paths[ranks.rank], options: .init(), workers: Workers(threads: 1), ranks: ranks)
        }
    }

    /// Ids are integers, integers beyond 32 bits, or texts that come late.
    private func rows(_ count: Int, kind: Int, _ random: inout RandomStream) -> [Row] {
        (0..<count).map { row in
            let (user, item) = (Int.random(in: 0..<30, using: &random), Int.random(in: 0..<30, using: &random))
            let late = row > count * 2 / 3
            return Row(
                kind == 1 && late ? "u\(user)" : kind == 3 ? "é\(user)" : "\(user)",
                kind == 2 && late ? "\(item << 40)" : "\(item)", Float(Int.random(in: 1...9, using: &random)) / 2,
                Int64.random(in: -9...9, using: &random))
        }
    }

    @Test(arguments: 0...3)
    func agreesWithText(kind: Int) throws {
        var random = RandomStream(seed: 51, .test, index: UInt64(kind))
        for count in [1, 7, 200] {
            let rows = rows(count, kind: kind, &random)
            let lines = rows.map { "\($0.user),\($0.item),\($0.value!),\($0.time!)\n" }
            let text = try load("user,item,rating,timestamp\n" + lines.joined())
            for size in [1, 13, 1000] {
                expectSame(try read(streams(rows, parts: 1, size: size)[0]), text, "\(kind) \(count) \(size)")
                for parts in 2...4 {
                    for result in try readByRanks(streams(rows, parts: parts, size: size)) {
                        expectSame(try result.get(), text, "\(kind) \(count) \(size), \(parts) ranks")
                    }
                }
            }
        }
        let many = rows(600_000, kind: kind, &random)
        #expect(try read(streams(many, parts: 1, size: 250_000)[0]).log.rows == many, "more than a part of a column")
    }

    @Test func typesOfColumns() throws {
        let names = try stream([NPYSource(name: "", strings: ["item", "time", "user", "extra", "value"])])
        let end = (0..<5).flatMap { _ in array("<f8", [Double]()) }
        let batches: [[[UInt8]]] = [
            [
                array("|u1", [UInt8(9)]), array("<M8[ms]", [Int64(-1500)]), array(">i2", [Int16(256)]),
                array("|b1", [true]), array("<f8", [2.5]),
            ],
            [
                array("<u8", [UInt64.max - 1]), array("<M8[s]", [Int64(7)]), array("<i4", [Int32(1)]),
                array("<c8", [UInt64(0)]), array("|i1", [Int8(-3)]),
            ],
            [
                array("<U2", [UInt32(0xE9), 0]).replacing(Array("(2,)".utf8), with: Array("(1,)".utf8)),
                array("<M8[ns]", [Int64(1_999_999_999)]), array("|i1", [Int8(2)]), array("<f4", [Float.nan]),
                array("<f4", [Float(0.25)]),
            ],
            [
                array("<i8", [Int64(5)]), array("<M8[us]", [Int64(-1)]), array("<u2", [UInt16(3)]),
                array("<f4", [Float.nan]), array("<i8", [Int64(1)]),
            ],
        ]
        // What is no column of interactions must be an array all the same; complex numbers are none that are read.
        let refused = failure { _ = try read(names + batches[1].joined() + end) }
        #expect(refused?.what.hasPrefix("batch 1, column “extra”: its element type “<c8”") == true)
        let loaded = try read(names + ([batches[0]] + batches[2...]).joined().joined() + end)
        #expect(loaded.log.rows == [Row("1", "9", 2.5, -2), Row("2", "é", 0.25, 1), Row("3", "5", 1, -1)])
        #expect(
            loaded.report.format
                == "stream of NumPy arrays: user “user”, item “item”, value “value”, time “time”")
        let huge = try read(
            names + batches[1].enumerated().flatMap { $0 == 3 ? array("|u1", [UInt8(0)]) : $1 } + end)
        #expect(huge.log.rows == [Row("1", "18446744073709551614", -3, 7)])
    }

    @Test func columnsAreNamed() throws {
        let bytes = try stream(
            [NPYSource(name: "", strings: ["a", "b", "rating"])] + batch([Row("1", "2", 3, 0)]).prefix(3)
                + batch([]).prefix(3))
        #expect(failure { _ = try read(bytes) }?.what.contains("it holds “a”, “b”, “rating”") == true)
        let named = try read(bytes) { $0.columns = try? ColumnMapping(parsing: "user=b,item=a") }
        #expect(named.log.rows == [Row("2", "1")])
        for change: (inout ReadingOptions) -> Void in [
            { $0.fraction = 0.5 }, { $0.separator = "," },
            { $0.columns = try? ColumnMapping(parsing: "user=c,item=a") },
        ] {
            #expect(failure { _ = try read(bytes, change) }?.code == .usage)
        }
        #expect(failure { _ = try InteractionsTests.read("npy-stream:") }?.code == .usage)
        #expect(failure { _ = try InteractionShards(at: "npy-stream:-") }?.code == .usage)
    }

    @Test func whatIsWrongIsNamed() throws {
        let batches = [
            batch([Row("1", "2", 3, 4), Row("5", "6", 7, 8)]), batch([Row("1", "2", .nan, 4), Row("", "a\0b", 0, 0)]),
        ]
        let first = try stream([Self.names] + batches[0])
        let whole = try stream([Self.names] + batches[0] + batch([]))
        let arrays = try batches[0].map { try stream([$0]) }
        let named = try stream([Self.names])
        let cases: [(words: String, bytes: [UInt8])] = [
            ("the stream is empty", []), ("names of the columns: no NumPy array stands there", Array("user".utf8)),
            ("it begins with <i8 [2], the names", arrays[0]),
            ("names of the columns: the stream ends within the array's header", Array(whole.prefix(40))),
            (
                "no columns “users” and “items”; it holds “user”, “value”",
                try stream([NPYSource(name: "", strings: ["user", "value"])])
            ),
            ("“user” is there twice", try stream([NPYSource(name: "", strings: ["user", "user"])])),
            ("batch 2, column “user”: the stream ends before it, and without the batch of no rows", first),
            ("batch 1, column “time”: the stream ends before it", named + arrays[0...2].joined()),
            ("batch 1, column “time”: the stream ends within the array, after 15 of its 16 bytes", first.dropLast()),
            (
                "batch 1, column “item”: it has 1 rows, and “user” has 2",
                named + arrays[0] + array("<i8", [Int64(1)]) + arrays[2] + arrays[3]
            ),
            ("batch 1, column “user”: it holds <f4, integers or text are", named + arrays[2]),
            ("batch 1, column “user”: it holds datetime64, integers or text are", named + array("<M8[s]", [Int64(1)])),
            (
                "batch 1, column “value”: it holds <U1, float32",
                try named + arrays[0] + arrays[1] + stream([ids(["a", "b"], asText: true)])
            ),
            (
                "batch 1, column “time”: it holds |b1, int64 or",
                named + arrays[0...2].joined() + array("|b1", [true, true])
            ),
            ("column “time”: its element type “<M8[D]”", named + arrays[0...2].joined() + array("<M8[D]", [Int64(1)])),
            ("column “time”: time[1] is NaT", named + arrays[0...2].joined() + array("<M8[s]", [0, Int64.min])),
            ("column “user”: user[1] is -2, not a", named + array("<i8", [1, Int64(-2)]) + arrays[1...3].joined()),
            ("batch 2, column “value”: value[0] is nan, not", try first + stream(batches[1])),
            (
                "column “user”: its shape is [1, 2]",
                named + arrays[0].replacing(Array("(2,), ".utf8), with: Array("(1,2),".utf8))
            ),
            (
                "batch 1, column “user”: it is in version 2.0 of NumPy's format",
                named + arrays[0].prefix(6) + [2] + arrays[0].dropFirst(7)
            ),
        ]
        for (words, bytes) in cases {
            let error = failure { _ = try read(bytes) }
            #expect(error?.code == .badData && error?.what.contains(words) == true, "\(words): \(error as Any)")
            #expect(error?.place.file?.hasPrefix("npy-stream:/") == true)
        }
        let rest = try stream(batches[1] + batch([Row("9", "9", 9, 9)]) + batch([]))
        let skipped = try read(first + rest) { $0.skipsBadRows = true }
        #expect(skipped.log.rows == [Row("1", "2", 3, 4), Row("5", "6", 7, 8), Row("9", "9", 9, 9)])
        #expect(skipped.report.rowsRead == 5 && skipped.report.firstOffenders.map(\.line) == [3, 4])
        #expect(skipped.report.firstOffenders[0].reason.hasPrefix("batch 2, column “value”: value[0] is nan"))
    }

    @Test func emptyStreamsAndOtherColumns() throws {
        let empty = try stream([Self.names] + batch([]))
        #expect(failure { _ = try read(empty) }?.what == "it holds no interaction")
        for error in try readByRanks([empty, empty]).errors { #expect(error?.what == "it holds no interaction") }
        let full = try stream([Self.names] + batch([Row("1", "é", 2, 3)]) + batch([]))
        for result in try readByRanks([empty, full, empty, full]) {
            #expect(try result.get().log.rows == [Row("1", "é", 2, 3), Row("1", "é", 2, 3)])
        }
        let pairs = try stream(
            [NPYSource(name: "", strings: ["user", "item"])] + batch([Row("1", "é", 2, 3)]).prefix(2)
                + batch([]).prefix(2))
        for error in try readByRanks([empty, full, pairs]).errors {
            #expect(error?.code == .badData && error?.what == "rank 2 lacks values, and rank 1 has them")
        }
        let broken = try readByRanks([full, Array(full.dropLast(3)), full]).errors
        for error in broken {
            #expect(error?.what.hasPrefix("rank 1: npy-stream:/") == true)
            #expect(error?.what.contains("batch 2, column “time”: the stream ends within") == true)
        }
    }

    /// Damaged streams are read or refused. `STARLING_FUZZ_CASES` sets the number of cases.
    @Test func damagedBytes() throws {
        var random = RandomStream(seed: 52, .test)
        let sound = try (0...3).map { try streams(rows(30, kind: $0, &random), parts: 1, size: 11)[0] }
        let cases = min(200_000, environment("STARLING_FUZZ_CASES").flatMap { Int($0) } ?? 3000)
        var accepted = 0
        for index in 0..<cases {
            var random = RandomStream(seed: 53, .test, index: UInt64(index))
            var bytes = sound[random.below(sound.count)]
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let place = random.below(bytes.count)
                switch random.below(6) {
                case 0: bytes[place] ^= 1 << UInt8(random.below(8))
                case 1: bytes[place] = [0, 0x7F, 0x80, 0xFF][random.below(4)]
                case 2: bytes[place] = UInt8(ascii: "0") + UInt8(random.below(10))
                case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(70)))
                case 4: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + random.below(70))], at: place)
                default:
                    // Another shape or type.
                    let digits = bytes[place...].drop { !(0x30...0x39).contains($0) }.prefix {
                        (0x30...0x39).contains($0)
                    }
                    bytes.replaceSubrange(
                        digits.indices, with: ["0", "9", "4294967296", "9223372036854775807"][random.below(4)].utf8)
                }
            }
            do {
                _ = try read(bytes) { $0.skipsBadRows = index % 2 == 0 }
                accepted += 1
            } catch let error as StarlingError {
                #expect(error.code == .badData || error.code == .failed, "case \(index): \(error)")
            }
        }
        #expect(accepted > 0 && accepted < cases)
    }

    /// What NumPy writes to a FIFO, two ranks reading two of them at once.
    @Test(.enabled(if: environment("STARLING_PYTHON") != nil, "set STARLING_PYTHON to a python3 with numpy"))
    func numPyWritesThem() throws {
        let script = """
            import io, sys, numpy as np
            def write(array, out):
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
                out.write(buffer.getbuffer())
            part, rows = int(sys.argv[2]), np.arange(100_000)
            with open(sys.argv[1], "wb") as out:
                write(np.array(["user", "item", "value", "time"]), out)
                for batch in np.array_split(rows[part::2], 7):
                    write(batch % 1000 if part else (batch % 1000).astype(np.uint16), out)
                    write(np.char.add("i", (batch % 77).astype(str)), out)
                    write((batch % 10 / 2).astype(np.float32 if part else np.float64), out)
                    write(batch if part else batch.astype("datetime64[s]").astype("datetime64[us]"), out)
                for kind in [np.int64, np.int64, np.float64, np.int64]:
                    write(np.empty(0, kind), out)
            """
        let folder = TemporaryFolder()
        let python = try #require(environment("STARLING_PYTHON"))
        let writers = try (0..<2).map { part in
            #expect(mkfifo(folder.path + "/\(part)", 0o600) == 0)
            let writer = Process()
            writer.executableURL = URL(fileURLWithPath: python)
            writer.arguments = ["-c", script, folder.path + "/\(part)", "\(part)"]
            try writer.run()
            return writer
        }
        let path = folder.path
        let results = LocalRanks.outcomes(2) { ranks in
            try InteractionReader.read(
                "npy-stream:\(path)/\(ranks.rank)", options: .init(), workers: Workers(threads: 1), ranks: ranks)
        }
        for writer in writers {
            writer.waitUntilExit()
            #expect(writer.terminationStatus == 0)
        }
        let rows = (0..<2).flatMap { part in stride(from: part, to: 100_000, by: 2) }.map { row in
            Row("\(row % 1000)", "i\(row % 77)", Float(row % 10) / 2, Int64(row))
        }
        for result in results { #expect(try result.get().log.rows == rows) }
    }
}
