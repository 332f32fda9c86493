import Basics
import Formats
import Interactions
import Kernels
import Testing

/// NumPy archives against text that holds the same interactions.
@Suite struct ArrayReaderTests {
    private static let folder = Files.parent(#filePath) + "/golden/"

    /// Files that NumPy and SciPy wrote: integers of several kinds and byte orders, floats, texts, compressed, sparse.
    @Test(arguments: [
        ("pairs", "pairs"), ("pairs-deflated", "pairs"), ("pairs-other", "pairs"), ("pairs-floats", "pairs"),
        ("texts", "texts"), ("texts-bytes", "texts"), ("sparse", "sparse"),
    ]) func agreesWithText(npz: String, csv: String) throws {
        for duplicates in [nil, DuplicatePolicy.last, .sum] {
            for (threads, chunk) in [(1, 4 << 20), (2, 16), (3, 16 * 7)] {
                func change(_ options: inout ReadingOptions) {
                    options.duplicates = duplicates
                    if duplicates == .last { (options.minimumPerUser, options.minimumPerItem) = (2, 2) }
                }
                let text = try read(Self.folder + csv + ".csv", change)
                let arrays = try read(Self.folder + npz + ".npz", threads: threads, chunkSize: chunk, change)
                expectSame(arrays, text, "\(npz) \(threads) \(chunk)")
            }
        }
    }

    @Test func saysWhichArraysItTook() throws {
        #expect(
            try read(Self.folder + "pairs-other.npz").report.lines()[0].contains(
                "NumPy arrays: user “user_id”, item “movieId”, value “rating”, time “timestamp”"))
        #expect(try read(Self.folder + "sparse.npz").report.format == "SciPy CSR matrix, users × items: 9 × 40")
    }

    /// Arrays by other names, some not wanted.
    @Test func columnsNameArrays() throws {
        let swapped = try read(Self.folder + "pairs.npz") {
            $0.columns = try? ColumnMapping(parsing: "user=items,item=users")
        }
        let plain = try read(Self.folder + "pairs.npz")
        #expect(swapped.log.rows == plain.log.rows.map { Row($0.item, $0.user) })
        for mapping in ["user=1,item=2", "user=a,item=items"] {
            let error = failure {
                _ = try read(Self.folder + "pairs.npz") { $0.columns = try? ColumnMapping(parsing: mapping) }
            }
            #expect(error?.code == .usage && error?.what.contains("“users”, “items”") == true)
        }
        #expect(failure { _ = try read(Self.folder + "pairs.npz") { $0.separator = "," } }?.code == .usage)
    }

    @Test func severalFilesAreOne() throws {
        let folder = TemporaryFolder()
        try NPZ.write(
            [TensorSource(name: "users", [5, 3] as [UInt32]), TensorSource(name: "items", [1, 2] as [UInt32])],
            to: folder.path + "/b.npz")
        try NPZ.write(
            [TensorSource(name: "users", [9] as [Int64]), TensorSource(name: "items", [2] as [Int64])],
            to: folder.path + "/a.npz")
        #expect(try read(folder.path + "/*.npz").log.rows == [Row("9", "2"), Row("5", "1"), Row("3", "2")])
        try NPZ.write(
            [
                TensorSource(name: "users", [9] as [Int64]), TensorSource(name: "items", [2] as [Int64]),
                TensorSource(name: "values", [1] as [Float]),
            ], to: folder.path + "/c.npz")
        #expect(failure { _ = try read(folder.path + "/*.npz") }?.place.file?.hasSuffix("c.npz") == true)
    }

    struct Wrong {
        var words: String
        var arrays: [NPYSource]

        init(_ words: String, _ arrays: [NPYSource]) { (self.words, self.arrays) = (words, arrays) }
    }

    private static func floats(_ name: String, _ values: [Double]) -> NPYSource {
        NPYSource(TensorSource(name: name, values))
    }
    private static func integers(_ name: String, _ values: [Int64], shape: [Int]? = nil) -> NPYSource {
        NPYSource(TensorSource(name: name, values, shape: shape))
    }

    @Test func refusesWhatCannotBe() throws {
        let users = Self.integers("users", [1, 2, 3])
        let items = Self.integers("items", [1, 2, 3])
        let cases = [
            Wrong("array “items”: it has 2 elements, and “users” has 3", [users, Self.integers("items", [1, 2])]),
            Wrong("array “values”: it has 4 elements", [users, items, Self.floats("values", [1, 2, 3, 4])]),
            Wrong("array “users”: users[1] is -2, not a whole number", [Self.integers("users", [1, -2, -3]), items]),
            Wrong("array “items”: items[2] is 1.5, not a whole", [users, Self.floats("items", [1, 2, 1.5])]),
            Wrong("array “items”: items[0] is nan, not a whole", [users, Self.floats("items", [.nan, 2, 3])]),
            Wrong(
                "array “items”: items[0] is 1e+17, not a number that <f8", [users, Self.floats("items", [1e17, 2, 3])]),
            Wrong(
                "array “values”: values[1] is inf, not a finite",
                [users, items, Self.floats("values", [1, .infinity, 3])]),
            Wrong(
                "array “values”: values[1] is 1e+200, not a finite",
                [users, items, Self.floats("values", [1, 1e200, 3])]),
            Wrong("array “times”: times[2] is nan", [users, items, Self.floats("times", [1, 2, .nan])]),
            Wrong(
                "array “values”: it holds text (<U1)",
                [users, items, NPYSource(name: "values", strings: ["a", "b", "c"])]),
            Wrong("array “users”: its shape is [3, 1]", [Self.integers("users", [1, 2, 3], shape: [3, 1]), items]),
            Wrong("array “items”: items[1] is empty", [users, NPYSource(name: "items", strings: ["a", "", "c"])]),
            Wrong("no arrays “users” and “items”; it holds “users”", [users]),
            Wrong("the archive holds no arrays", []),
            Wrong(
                "several arrays may each be the item",
                [users, Self.integers("item", [1]), Self.integers("movie_id", [1])]),
            Wrong("a model's vectors", [users, items, Self.floats("user_factors", [1])]),
            Wrong("its arrays hold no interactions", [Self.integers("users", []), Self.integers("items", [])]),
        ]
        let folder = TemporaryFolder()
        for (index, wrong) in cases.enumerated() {
            let path = folder.path + "/\(index).npz"
            try NPZ.write(wrong.arrays, to: path)
            let error = failure { _ = try read(path) }
            #expect(
                error?.code == .badData && error?.place.file == path, "\(wrong.words): \(String(describing: error))")
            #expect(error?.what.contains(wrong.words) == true, "\(wrong.words): \(String(describing: error))")
        }
        let csc = failure { _ = try read(Self.folder + "sparse-csc.npz") }
        #expect(csc?.code == .badData && csc?.what.contains("“csc”") == true && csc?.remedy?.contains("tocsr") == true)
        #expect(
            failure { _ = try read(Files.parent(Self.folder.dropLast() + "") + "/../FormatsTests/golden/object.npy") }?
                .code == .badData)
    }

    @Test(arguments: [
        ([0, 1, 1] as [Int64], [0], "indptr"), ([0, 2, 1, 3], [0, 1, 2], "indptr"),
        ([1, 2, 3, 3], [0, 1, 2], "indptr"),
        ([0, 1, 2, 3], [0, 5, 2], "indices"), ([0, 1, 2, 3], [0, -1, 2], "indices"),
        ([0, 1, 2, 3], [0, Int64(UInt32.max) + 7, 2], "indices"),
    ]) func refusesBrokenMatrices(indptr: [Int64], indices: [Int64], array: String) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/m.npz"
        try NPZ.write(
            [
                Self.integers("indptr", indptr), Self.integers("indices", indices), Self.integers("shape", [3, 5]),
                NPYSource(name: "format", strings: ["csr"], shape: []),
                Self.floats("data", indices.map { _ in 1 }),
            ], to: path)
        let error = failure { _ = try read(path) }
        #expect(
            error?.code == .badData && error?.what.hasPrefix("array “\(array)”") == true, "\(String(describing: error))"
        )
    }

    /// Random logs with bad rows among them, in arrays and in text: the same rows are left out, for the same reasons.
    @Test func badRowsAreLeftOutAsInText() throws {
        var random = RandomStream(seed: 11, .test)
        let folder = TemporaryFolder()
        for round in 0..<60 {
            let count = Int.random(in: 1...50, using: &random)
            let isText = Bool.random(using: &random)
            let wide: Int64 = Bool.random(using: &random) ? 1 : 1 << 33
            func isBad(_ random: inout RandomStream) -> Bool { Int.random(in: 0..<9, using: &random) == 0 }
            let users = (0..<count).map { _ in Int64.random(in: 0..<20, using: &random) * wide }
            let items = (0..<count).map { _ in isBad(&random) ? "" : "\(Int.random(in: 0..<9, using: &random))x" }
            let values = (0..<count).map { _ in
                isBad(&random) ? Float.nan : Float(Int.random(in: 1...5, using: &random))
            }
            let times = (0..<count).map { _ in
                isBad(&random) ? Double.infinity : Double.random(in: -9...99, using: &random)
            }
            let path = folder.path + "/r.npz"
            var arrays = [
                isText ? NPYSource(name: "users", strings: users.map { "\($0)" }) : Self.integers("users", users),
                NPYSource(name: "items", strings: items), NPYSource(TensorSource(name: "values", values)),
            ]
            let hasTimes = Bool.random(using: &random)
            if hasTimes { arrays.append(Self.floats("times", times)) }
            try NPZ.write(arrays, to: path)
            let text = try folder.write(
                "r.csv",
                "user,item,rating" + (hasTimes ? ",timestamp\n" : "\n")
                    + (0..<count).map {
                        "\(users[$0]),\(items[$0]),\(values[$0])" + (hasTimes ? ",\(times[$0])\n" : "\n")
                    }
                    .joined())
            let expected = Result { try read(text) { $0.skipsBadRows = true } }
            let (threads, chunk) = (Int.random(in: 1...3, using: &random), 16 * Int.random(in: 1...20, using: &random))
            let found = Result { try read(path, threads: threads, chunkSize: chunk) { $0.skipsBadRows = true } }
            switch (expected, found) {
            case (.success(let expected), .success(let found)):
                expectSame(found, expected, "round \(round)")
                #expect(found.report.refused.values.reduce(0, +) == expected.report.refused.values.reduce(0, +))
                #expect(found.report.firstOffenders.map { $0.line + 1 } == expected.report.firstOffenders.map(\.line))
            case (.failure(let expected as StarlingError), .failure(let found as StarlingError)):
                #expect(expected.code == found.code)
            default: Issue.record("round \(round): \(expected), \(found)")
            }
        }
    }

    /// Damaged archives are read or refused, and never crash. `STARLING_FUZZ_CASES` sets the number of cases.
    @Test func damagedArchives() throws {
        let names = [
            "pairs", "pairs-deflated", "pairs-other", "texts", "texts-bytes", "sparse", "x16x32_0", "x16x32_1",
            "x16x32_2",
        ]
        let single = ["x16x32-c", "x16x32-fortran", "x16x32-big"]
        let corpus = try (names.map { $0 + ".npz" } + single.map { $0 + ".npy" }).map {
            try Files.read(Self.folder + $0)
        }
        let folder = TemporaryFolder()
        var accepted = 0
        let cases = min(200_000, environment("STARLING_FUZZ_CASES").flatMap { Int($0) } ?? 2000)
        for index in 0..<cases {
            var random = RandomStream(seed: 13, .test, index: UInt64(index))
            var bytes = corpus[random.below(corpus.count)]
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] ^= 1 << UInt8(random.below(8))
                case 1: bytes[place] = UInt8(random.below(256))
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(9)))
                default:
                    bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + random.below(9))], at: place)
                }
            }
            do {
                _ = try read(try folder.write("x", bytes))
                accepted += 1
            } catch let error as StarlingError {
                #expect(error.code == .badData || error.code == .failed, "case \(index): \(error)")
            }
        }
        #expect(accepted > 0 && accepted < cases)
    }

    /// Archives that are sound, but hold anything: every type, any shape and length, any role.
    @Test func strangeArchives() throws {
        var random = RandomStream(seed: 14, .test)
        let folder = TemporaryFolder()
        let names = [
            "users", "items", "values", "times", "indptr", "indices", "data", "shape", "format", "rating", "other",
        ]
        var accepted = 0
        for index in 0..<1500 {
            var arrays: [NPYSource] = []
            for name in names where random.below(3) > 0 || ["users", "items"].contains(name) {
                let count = random.below(10) > 0 ? 4 : random.below(5)
                let numbers = (0..<count).map { _ in Int64(random.below(6)) - (random.below(20) == 0 ? 5 : 0) }
                switch random.below(7) {
                case 0: arrays.append(Self.integers(name, numbers.map { $0 << Int64(random.below(40)) }))
                case 1:
                    arrays.append(NPYSource(TensorSource(name: name, numbers.map { UInt32(truncatingIfNeeded: $0) })))
                case 2:
                    arrays.append(NPYSource(TensorSource(name: name, numbers.map { UInt8(truncatingIfNeeded: $0) })))
                case 3: arrays.append(Self.floats(name, numbers.map { Double($0) / Double(1 + random.below(2)) }))
                case 4: arrays.append(NPYSource(TensorSource(name: name, numbers.map { Float($0) })))
                case 5:
                    arrays.append(
                        NPYSource(
                            name: name, strings: numbers.map { ["", "csr", "é", "1", "12", "a b"][abs(Int($0)) % 6] }))
                default: arrays.append(Self.integers(name, Array(repeating: 2, count: 4), shape: [2, 2]))
                }
            }
            let path = folder.path + "/s.npz"
            try NPZ.write(arrays, to: path)
            do {
                let loaded = try read(path, chunkSize: 32) { $0.skipsBadRows = index % 2 == 0 }
                #expect(loaded.log.count == loaded.report.rowsKept)
                accepted += 1
            } catch let error as StarlingError {
                #expect(error.code == .badData && error.place.file == path, "case \(index): \(error)")
            }
        }
        #expect(accepted > 50, "\(accepted)")
    }
}
