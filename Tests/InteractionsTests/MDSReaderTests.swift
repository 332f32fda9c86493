import Basics
import Formats
import Interactions
import Kernels
import Testing

/// Mosaic streaming data sets as a source of interactions.
@Suite struct MDSReaderTests {
    private static let golden = Files.parent(#filePath) + "/../FormatsTests/golden/mds/"

    private static let numbers: [String: MDSEncoding] = ["user": .int64, "item": .int64, "rating": .float32]

    /// Writes a data set to a folder of its own below `folder`.
    private func shards(
        _ folder: TemporaryFolder, _ columns: [String: MDSEncoding], _ samples: [[String: MDSValue]],
        _ options: MDSWriter.Options = .init(hashes: [.xxh3Bits64], sizeLimit: 1200), name: String = "shards"
    ) throws -> String {
        let path = folder.path + "/" + name
        try Files.remove(path)
        let writer = try MDSWriter(path, columns: columns, options: options)
        for sample in samples { try writer.write(sample) }
        try writer.finish()
        return path
    }

    /// What the format's own package wrote, whole and in several shards, compressed and not.
    @Test(arguments: [("ratings", 100), ("one", 100), ("zstd", 200), ("zstd7", 200), ("gz", 200), ("gz1", 200)])
    func readsThePackagesShards(name: String, count: Int) throws {
        let rows = (0..<count).map { Row("\($0 * $0)", "\(-$0)", Float($0 % 9 + 1) / 2) }
        let folder = TemporaryFolder()
        let lines = rows.map { "\($0.user),\($0.item),\($0.value!)\n" }
        let text = try read(try folder.write("r.csv", "user,item,rating\n" + lines.joined()))
        for (threads, chunk) in [(1, 4 << 20), (2, 64), (3, 64 * 7)] {
            let loaded = try read(Self.golden + name, threads: threads, chunkSize: chunk)
            #expect(loaded.log.rows == rows)
            expectSame(loaded, text, "\(name) \(threads) \(chunk)")
            #expect(loaded.report.format == "MDS shards: user “user”, item “item”, value “rating”")
        }
        #expect(try read(Self.golden + name + "/").log.rows == rows, "a slash at the end")
        let merged = try read(Self.golden + name) { ($0.duplicates, $0.minimumPerUser) = (.last, 1) }
        #expect(merged.log.rows == rows)
    }

    @Test(arguments: [nil, "zstd", "gz:1"], [1200, 1 << 26])
    func logsComeBack(compression: String?, sizeLimit: Int) throws {
        let folder = TemporaryFolder()
        let options = MDSWriter.Options(
            compression: try compression.map { try MDSCompression($0) }, hashes: [.sha1], sizeLimit: sizeLimit)
        for text in [
            "user,item,rating,timestamp\n7,30,2.5,100\n0,2,1,-5\n7,2,4.5,7\n12,30,0.5,9000000000\n7,30,1,1\n",
            "user,item\né,1\nb b,2\n\"a,\"\"x\",20\n", "user,item\n1,é\n-7,ab\n1,9223372036854775807\n",
            "user,item,rating\n" + (0..<400).map { "u\($0 % 37),\($0 * 7 % 91),\($0 % 5)\n" }.joined(),
        ] {
            let source = try load(text)
            try InteractionWriter.writeMDS(source.log, to: folder.path + "/x", options: options)
            for threads in 1...3 {
                expectSame(try read(folder.path + "/x", threads: threads, chunkSize: 64 * 9), source, text)
            }
        }
    }

    /// Every kind of column that can be an id, a value or a time.
    @Test func kindsOfColumns() throws {
        let folder = TemporaryFolder()
        let huge: [UInt64] = [3, .max, 1 << 40]
        let path = try shards(
            folder, ["a": .uint64, "b": .integerText, "c": .floatText, "d": .float64, "e": .bytes],
            huge.enumerated().map { index, id in
                [
                    "a": .uint(id), "b": .int(Int64(index) - 1), "c": .float(0.25), "d": .float(-1.75 * Double(index)),
                    "e": .bytes([]),
                ]
            })
        let loaded = try read(path) { $0.columns = try? ColumnMapping(parsing: "user=a,item=b,value=c,time=d") }
        #expect(
            loaded.log.rows == [
                Row("3", "-1", 0.25, 0), Row("18446744073709551615", "0", 0.25, -1),
                Row("1099511627776", "1", 0.25, -3),
            ])
        for (type, value) in [
            (MDSEncoding.int8, MDSValue.int(100)), (.uint8, .int(200)), (.int16, .int(100)), (.uint16, .int(60_000)),
            (.int32, .int(1 << 30)), (.uint32, .int(4_294_967_295)), (.int, .int(5_000_000_000)), (.int64, .int(5)),
        ] {
            let path = try shards(folder, ["user": type, "item": .string], [["user": value, "item": .string("x")]])
            guard case .int(let number) = value else { continue }
            #expect(try read(path).log.rows == [Row("\(number)", "x")], "\(type)")
        }
    }

    @Test func columnsAreNamed() throws {
        let plain = try read(Self.golden + "ratings").log.rows
        let swapped = try read(Self.golden + "ratings") {
            $0.columns = try? ColumnMapping(parsing: "user=item,item=user")
        }
        #expect(swapped.log.rows == plain.map { Row($0.item, $0.user) })
        for mapping in ["user=1,item=2", "user=users,item=item"] {
            let error = failure {
                _ = try read(Self.golden + "ratings") { $0.columns = try? ColumnMapping(parsing: mapping) }
            }
            #expect(error?.code == .usage && error?.what.contains("it holds “item”, “rating”, “user”") == true)
        }
        #expect(failure { _ = try read(Self.golden + "ratings") { $0.separator = "," } }?.code == .usage)
        let unnamed = failure { _ = try read(Self.golden + "text") }
        #expect(unnamed?.code == .badData && unnamed?.what.contains("it holds “n”, “é”") == true)
        #expect(unnamed?.remedy?.contains("--columns") == true)
        let float = failure {
            _ = try read(Self.golden + "ratings") { $0.columns = try? ColumnMapping(parsing: "user=rating,item=item") }
        }
        #expect(
            float?.code == .badData && float?.what == "column “rating” is float32, whole numbers or str are expected")
        let empty = failure { _ = try read(Self.golden + "none") }
        #expect(empty?.code == .badData)
    }

    @Test func badSamplesAreNamedOrLeftOut() throws {
        let folder = TemporaryFolder()
        var samples: [[String: MDSValue]] = (0..<60).map {
            ["user": .string("u\($0 % 7)"), "item": .int($0), "rating": .float(1), "timestamp": .float(Double($0))]
        }
        samples[33]["user"] = .string("")
        samples[40]["rating"] = .float(.nan)
        samples[41]["user"] = .string("a\0b")
        samples[50]["timestamp"] = .float(.infinity)
        let path = try shards(
            folder, ["user": .string, "item": .int64, "rating": .float32, "timestamp": .float64], samples,
            .init(sizeLimit: 900))
        let index = try MDSIndex(path + "/index.json")
        #expect(index.shards.count > 2)
        for threads in 1...3 {
            let error = failure { _ = try read(path, threads: threads, chunkSize: 64) }
            #expect(error?.code == .badData && error?.what == "column “user”: the id is empty")
            let place = try MDSFolder(path).place(of: 33)
            #expect(error?.place.shard == index.shards[place.shard].label && error?.place.sample == place.row)
            #expect(error?.place.file?.hasSuffix(index.shards[place.shard].rawData.basename) == true)
            let loaded = try read(path, threads: threads, chunkSize: 64 * 4) { $0.skipsBadRows = true }
            let bad: Set = [33, 40, 41, 50]
            #expect(
                loaded.log.rows
                    == (0..<60).filter { !bad.contains($0) }.map { Row("u\($0 % 7)", "\($0)", 1, Int64($0)) })
            #expect(loaded.report.refused.values.reduce(0, +) == 4)
            #expect(loaded.report.firstOffenders[0].reason.contains("column “user”: the id is empty"))
        }
        // A number of 64 bits that no column of integers takes.
        let wide = try shards(
            folder, ["user": .integerText, "item": .int64],
            [["user": .int(1), "item": .int(1)], ["user": .decimal("99999999999999999999"), "item": .int(1)]])
        let error = failure { _ = try read(wide) }
        #expect(error?.code == .badData && error?.place.shard == "00000" && error?.place.sample == 1)
        #expect(error?.what.contains("99999999999999999999 is outside the range of Int64") == true)
    }

    /// Damage is found while reading, and named.
    @Test func damagedDataSets() throws {
        let folder = TemporaryFolder()
        func fresh() throws -> String {
            try shards(
                folder, Self.numbers, (0..<100).map { ["user": .int($0), "item": .int($0 % 9), "rating": .float(1)] })
        }
        func expect(_ words: String, shard: String?, _ path: String) {
            for threads in [1, 3] {
                let error = failure { _ = try read(path, threads: threads) }
                #expect(error?.code == .badData && error?.place.shard == shard, "\(String(describing: error))")
                #expect(error?.what.contains(words) == true, "\(String(describing: error))")
            }
        }
        var path = try fresh()
        var bytes = try Files.read(path + "/shard.00001.mds")
        bytes[bytes.count - 5] ^= 1
        try Files.write(bytes, to: path + "/shard.00001.mds")
        expect("its xxh3_64 is", shard: "00001", path)
        try Files.write(bytes.dropLast(9), to: path + "/shard.00001.mds")
        expect("the index says", shard: "00001", path)
        try Files.remove(path + "/shard.00001.mds")
        expect("the shard is missing", shard: "00001", path)
        path = try fresh()
        try Files.write(try Files.read(path + "/shard.00000.mds"), to: path + "/shard.00001.mds")
        expect("its xxh3_64 is", shard: "00001", path)
        path = try fresh()
        let index = try Files.readText(path + "/index.json")
        let second = try #require(index.ranges(of: "\"item\"").dropFirst().first)
        try Files.write(
            (index[..<second.lowerBound] + "\"film\"" + index[second.upperBound...]).utf8, to: path + "/index.json")
        expect("column “item” is missing, which shard 00000 has", shard: "00001", path)
        try Files.remove(path + "/index.json")
        #expect(failure { _ = try read(path) }?.what.contains("nor index.json of shards") == true)
    }

    /// Damaged shards and indexes are read or refused, and never crash. `STARLING_FUZZ_CASES` sets the number of cases.
    @Test func damagedBytes() throws {
        let folder = TemporaryFolder()
        let samples: [[String: MDSValue]] = (0..<40).map {
            ["user": .string("u\($0 % 7)"), "item": .int($0 - 3), "rating": .float(Double($0)), "time": .int($0)]
        }
        let path = try shards(
            folder, ["user": .string, "item": .integerText, "rating": .float32, "time": .int32], samples,
            .init(sizeLimit: 1000))
        let names = try Files.list(path)
        let sound = try names.map { try Files.read(path + "/" + $0) }
        var accepted = 0
        let cases = min(200_000, environment("STARLING_FUZZ_CASES").flatMap { Int($0) } ?? 1500)
        for index in 0..<cases {
            var random = RandomStream(seed: 17, .test, index: UInt64(index))
            let file = random.below(names.count)
            var bytes = sound[file]
            for _ in 0...random.below(2) {
                let place = random.below(bytes.count)
                switch random.below(5) {
                case 0: bytes[place] ^= 1 << UInt8(random.below(8))
                case 1: bytes[place] = UInt8(random.below(256))
                case 2: bytes[place] = UInt8(ascii: "0") + UInt8(random.below(10))
                case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(9)))
                default: bytes[place] = [0, 0x7F, 0xFF][random.below(3)]
                }
            }
            _ = try folder.write("shards/" + names[file], bytes)
            do {
                _ = try read(path, threads: 1 + index % 2, chunkSize: 64 * (1 + index % 20)) {
                    $0.skipsBadRows = index % 3 == 0
                }
                accepted += 1
            } catch let error as StarlingError {
                #expect(error.code == .badData || error.code == .failed, "case \(index): \(error)")
            }
            _ = try folder.write("shards/" + names[file], sound[file])
        }
        #expect(accepted > 0 && accepted < cases)
    }

    @Test func foldersThatAreOpen() throws {
        var calls: [(Int, Int)] = []
        let loaded = try InteractionReader.read(
            MDSFolder(Self.golden + "zstd"), options: ReadingOptions(), workers: Workers(threads: 2),
            progress: { calls.append(($0, $1)) })
        #expect(loaded.log.rows == (try read(Self.golden + "zstd")).log.rows)
        #expect(loaded.report.files == [Self.golden + "zstd"])
        #expect(calls.last! == (calls[0].1, calls[0].1) && zip(calls, calls.dropFirst()).allSatisfy { $0.0 <= $1.0 })
    }

    @Test func canBeCancelled() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        let error = failure {
            _ = try InteractionReader.read(
                Self.golden + "ratings", options: ReadingOptions(), workers: Workers(threads: 2),
                cancellation: cancellation)
        }
        #expect(error?.code == .interrupted)
    }
}
