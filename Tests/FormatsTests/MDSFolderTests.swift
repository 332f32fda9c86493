import Basics
import Formats
import Foundation
import Testing

@Suite struct MDSFolderTests {
    @Test func readsWhatThePackageWrote() throws {
        let folder = try MDSFolder(MDSSamples.folder("every"))
        #expect(folder.count == 5)
        #expect(folder.columns.map(\.name) == (try MDSSamples.everyColumn).keys.sorted())
        let shard = try folder.shard(0)
        for k in 0..<5 { #expect(try shard.sample(k) == MDSSamples.stored(MDSSamples.every(k))) }
        #expect(try MDSFolder(MDSSamples.folder("none")).count == 0)
    }

    @Test(arguments: ["ratings", "one", "zstd", "gz1"])
    func columnsAtOnce(_ name: String) throws {
        let folder = try MDSFolder(MDSSamples.folder(name))
        var (users, ratings, start): ([Int64], [Float], Int) = ([], [], 0)
        for number in folder.index.shards.indices {
            let shard = try folder.shard(number)
            users += try shard.int64s("user", .range(0..<shard.count))
            ratings += try shard.floats("rating", .range(0..<shard.count))
            let rows = [UInt32(shard.count - 1), 0, 1, 0]
            #expect(try shard.int64s("item", .list(rows)) == rows.map { -Int64(start) - Int64($0) })
            start += shard.count
            #expect(folder.place(of: start - 1) == (number, shard.count - 1))
        }
        #expect(users == (0..<folder.count).map { Int64($0 * $0) })
        let expected = (0..<folder.count).map { k -> Float in Float(k % 9 + 1) / 2 }
        #expect(ratings == expected)
    }

    @Test func cellsOfVariableSize() throws {
        let folder = try MDSFolder(MDSSamples.folder("text"))
        var start = 0
        for number in folder.index.shards.indices {
            let shard = try folder.shard(number)
            let rows = Array(0..<UInt32(shard.count))
            let texts = rows.map { String(repeating: "x", count: (start + Int($0)) * 37 % 50) }
            #expect(try shard.strings("é", .list(rows)) == texts)
            #expect(try shard.bytes("é", .list(rows)) == texts.map { Array($0.utf8) })
            #expect(try shard.int64s("n", .list(rows)) == rows.map { Int64(start) + Int64($0) })
            start += shard.count
        }
        #expect(start == 30)
        let oversize = try MDSFolder(MDSSamples.folder("oversize"))
        #expect(oversize.index.shards.map(\.samples) == [0, 1, 1, 1, 1, 1])
        #expect(oversize.place(of: 0) == (1, 0))
        let sizes = try (0..<5).map {
            try oversize.shard(oversize.place(of: $0).shard).bytes("b", .range(0..<1))[0].count
        }
        #expect(sizes == [500, 3, 600, 700, 1])
        #expect(try oversize.shard(0).bytes("b", .range(0..<0)).isEmpty)
    }

    @Test func numbersOfEveryColumn() throws {
        let shard = try MDSFolder(MDSSamples.folder("every")).shard(0)
        let rows = MDSRows.range(0..<5)
        for name in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "int"] {
            let expected = try (0..<5).map { k -> Int64 in
                switch try #require(MDSSamples.every(k)[name]) {
                case .int(let number): number
                case .uint(let number): Int64(number)
                default: 0
                }
            }
            #expect(try shard.int64s(name, rows) == expected)
            #expect(try shard.doubles(name, rows) == expected.map(Double.init))
            #expect(try shard.floats(name, rows) == expected.map(Float.init))
        }
        for (name, round) in [("float64", { $0 }), ("float32", { Double(Float($0)) })] as [(String, (Double) -> Double)]
        {
            #expect(try shard.doubles(name, rows) == [0.1, -1.5, 65504, 1e-7, -.infinity].map(round))
        }
        #expect(try shard.floats("float16", rows) == [0.099975586, -1.5, 65504, 1.1920929e-07, -.infinity])
        #expect(try shard.doubles("str_float", rows) == [0.1, -1.5, 1e16, 1.5e16, 1e-05])
        #expect(try shard.int64s("str_int", .list([0, 1, 4])) == [0, -7, .max])
        var cells = [UInt8](repeating: 0, count: 48)
        try cells.withUnsafeMutableBytes { try shard.copyCells("ndarray:float32:2,3", .list([4, 1]), into: $0) }
        let floats = cells.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(floats == [4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6])

        let file = MDSSamples.folder("every") + "/shard.00000.mds"
        func int32s(_ column: String, _ rows: [UInt32]) throws -> [Int32] {
            var numbers = [Int32](repeating: 0, count: rows.count)
            try numbers.withUnsafeMutableBufferPointer { try shard.gather(column, .list(rows), into: $0) }
            return numbers
        }
        #expect(try int32s("int32", [1, 0]) == [.min + 1, .min])
        expectMDSError("column “uint32”: 4294967294 is outside the range of Int32", file, "00000", 1) {
            _ = try int32s("uint32", [1])
        }
        expectMDSError("column “uint64”: 18446744073709551613 is outside the range of Int64", file, "00000", 2) {
            _ = try shard.int64s("uint64", .list([2]))
        }
        expectMDSError("column “str_int”: 1000000000000000000000000000000 is outside", file, "00000", 3) {
            _ = try shard.int64s("str_int", .list([3, 2]))
        }
        expectMDSError("column “float32” is float32, whole numbers are expected", file, "00000", nil) {
            _ = try shard.int64s("float32", rows)
        }
        expectMDSError("column “str” is str, numbers are expected", file, "00000", nil) {
            _ = try shard.floats("str", rows)
        }
        expectMDSError("column “int8”: a whole number is not text", file, "00000", 0) {
            _ = try shard.strings("int8", rows)
        }
        expectError("no column “user” among bytes, float16", code: .failed, file: file) {
            _ = try shard.value("user", sample: 0)
        }
        expectError("cells of str have no fixed size", code: .failed, file: file) {
            try shard.copyCells("str", rows, into: .init(start: nil, count: 0))
        }
    }

    @Test func aShardFromAnotherPlace() throws {
        let index = try MDSIndex(MDSSamples.folder("zstd") + "/index.json")
        let info = index.shards[1]
        try Golden.withDirectory { directory in
            let cached = directory + "/cached"
            try Files.write(Files.read(MDSSamples.folder("zstd") + "/" + info.storedData.basename), to: cached)
            let shard = try MDSShard(info, file: cached)
            let first = index.shards[0].samples
            #expect(try shard.sample(3) == MDSSamples.rating(first + 3))
            // The uncompressed file of the same shard.
            let compressed = try Files.read(cached)
            #expect(throws: StarlingError.self) {
                try MDSShard(info, bytes: compressed, name: "x", compressed: false)
            }
        }
    }

    @Test func aDataSetMergedFromFolders() throws {
        try Golden.withDirectory { directory in
            let part = try MDSSamples.copy("one", to: directory)
            var text = try Files.readText(part + "/index.json")
            text = text.replacing("shard.00000.mds", with: "one/shard.00000.mds")
            try Files.write(text.utf8, to: directory + "/index.json")
            let folder = try MDSFolder(directory)
            #expect(try folder.shard(0).sample(7) == MDSSamples.rating(7))
            #expect(folder.index.bytes() == Array(text.utf8))
        }
    }

    @Test(MDSPython.trait) func thePackageReadsOurs() throws {
        let script = """
            import sys, tempfile
            from streaming import StreamingDataset
            from streaming.base.util import clean_stale_shared_memory
            clean_stale_shared_memory()
            for folder in sys.argv[1:]:
                data = StreamingDataset(remote=folder, local=tempfile.mkdtemp(), validate_hash='sha1', batch_size=1,
                                        num_canonical_nodes=1, shuffle=False)
                for i in range(len(data)):
                    sample = data[i]
                    print(i, *(repr(getattr(sample[key], 'tolist', lambda: sample[key])()) for key in sorted(sample)))
            """
        try Golden.withDirectory { directory in
            var folders: [String] = []
            var expected = ""
            for compression in [nil, "zstd:5", "gz"] as [String?] {
                folders.append(directory + "/" + (compression ?? "none"))
                let options = MDSWriter.Options(
                    compression: try compression.map { try MDSCompression($0) }, hashes: [.sha1], sizeLimit: 1500)
                let writer = try MDSWriter(folders.last!, columns: MDSSamples.ratingColumns, options: options)
                try writer.write(MDSSamples.ratings(0..<90))
                try writer.finish()
                for k in 0..<90 { expected += "\(k) \(-k) \(Double(k % 9 + 1) / 2) \(k * k)\n" }
            }
            folders.append(directory + "/mixed")
            let columns: [String: MDSEncoding] = ["a": .string, "b": .array(), "c": .json, "d": .decimalText]
            let writer = try MDSWriter(folders.last!, columns: columns, options: .init(hashes: [.sha1]))
            for k in 0..<3 {
                try writer.write([
                    "a": .string(String(repeating: "é", count: k)),
                    "b": .array(MDSArray((0..<Int64(2 * k + 2)).map { $0 }, shape: [2, k + 1])),
                    "c": .json(["k": .integer(k), "é": .array([.null, .number(0.5)])]), "d": .decimal("\(k).50"),
                ])
                let rows = (0..<2).map { row in
                    "[" + (0...k).map { "\(row * (k + 1) + $0)" }.joined(separator: ", ") + "]"
                }
                expected +=
                    "\(k) '\(String(repeating: "é", count: k))' [\(rows.joined(separator: ", "))] "
                    + "{'k': \(k), 'é': [None, 0.5]} Decimal('\(k).50')\n"
            }
            try writer.finish()
            #expect(try MDSPython.run(script, folders) == expected)
        }
    }
}

/// A Python that has the mosaicml-streaming package.
enum MDSPython {
    static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["STARLING_MDS_PYTHON"] { return path }
        guard let path = environment["STARLING_PYTHON"] else { return nil }
        let find = "import importlib.util as u, sys; sys.exit(u.find_spec('streaming') is None)"
        return (try? launch(path, find, []))?.status == 0 ? path : nil
    }()

    static let trait: ConditionTrait = .enabled(
        if: path != nil, "set STARLING_MDS_PYTHON to a python3 with mosaicml-streaming 0.13 to run this test")

    /// What the script prints to its standard output; a failing script fails the test.
    static func run(_ script: String, _ arguments: [String]) throws -> String {
        let (output, status) = try launch(try #require(path), script, arguments)
        #expect(status == 0, "\(output)")
        return output
    }

    private static func launch(
        _ path: String, _ script: String, _ arguments: [String]
    ) throws -> (output: String, status: Int32) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-W", "ignore", "-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationStatus)
    }
}

/// Expects `badData` that names file, shard and sample and says `words`.
func expectMDSError(
    _ words: String, _ file: String, _ shard: String?, _ sample: Int? = nil,
    _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    expectError(words, file: file, location) {
        do {
            try body()
        } catch let error as StarlingError {
            #expect(error.place.shard == shard && error.place.sample == sample, "\(error)", sourceLocation: location)
            throw error
        }
    }
}
