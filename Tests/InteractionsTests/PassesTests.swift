import Basics
import Formats
import Interactions
import Kernels
import Testing

/// Passes over sources against the log that the ordinary reader makes of them.
@Suite struct PassesTests {
    private static let workers = Workers(threads: 3)
    private static let sliceSize = 64

    /// Some thousand interactions, with repeated pairs, of users and items with gaps between their ids.
    private static func log(_ count: Int, values: Bool, times: Bool, wide: Bool = false) -> [(
        Int64, Int64, Float, Int64
    )] {
        var random = RandomStream(seed: 7, .test)
        return (0..<count).map { row in
            let (user, item) = (Int64(random.below(90) * random.below(90)), Int64(random.below(40) * 3))
            return (wide ? user * 540_000 : user, item, Float(random.below(9)) / 2 + 0.5, Int64(row * 7 % 1000))
        }
    }

    /// Writes interactions as files of about 300 rows each, in a form that can be gone through in passes.
    private static func write(_ form: String, _ folder: TemporaryFolder, wide: Bool = false) throws -> String {
        let rows = log(1999, values: true, times: true, wide: wide)
        let cuts = [0, 1, 300, 300, 777, 1024, 1999]
        for (part, (start, end)) in zip(cuts, cuts.dropFirst()).enumerated() {
            let own = Array(rows[start..<end]), path = "\(folder.path)/\(part)"
            let pairs = TensorSource(name: "arr_0", own.flatMap { [$0.0, $0.1] }, shape: [own.count, 2])
            let columns = [
                TensorSource(name: "users", own.map(\.0)), TensorSource(name: "items", own.map(\.1)),
                TensorSource(name: "values", own.map(\.2)), TensorSource(name: "times", own.map(\.3)),
            ]
            switch form {
            case "pairs.npz": try NPZ.write([pairs], to: path + ".npz")
            case "pairs.npy": try NPY.write(NPYSource(pairs), to: path + ".npy")
            case "arrays": try NPZ.write(columns, to: path + ".npz")
            case "values": try NPZ.write(Array(columns.dropLast()), to: path + ".npz")
            default: preconditionFailure(form)
            }
        }
        return folder.path + "/*"
    }

    private static func shards(_ folder: TemporaryFolder, _ compression: String?) throws -> String {
        let path = folder.path + "/shards"
        let options = MDSWriter.Options(
            compression: try compression.map { try MDSCompression($0) }, hashes: [.xxh3Bits64], sizeLimit: 5000)
        let writer = try MDSWriter(
            path, columns: ["user": .int32, "item": .int64, "rating": .float32], options: options)
        for row in log(1999, values: true, times: false) {
            try writer.write(["user": .int(row.0), "item": .int(row.1), "rating": .float(Double(row.2))])
        }
        try writer.finish()
        return path
    }

    private static func open(_ path: String, sliceSize: Int = sliceSize) throws -> IndexedSource {
        try IndexedSource(PassableSource(path, options: ReadingOptions(), sliceSize: sliceSize), workers: workers)
    }

    private static func expectSame(_ path: String, _ rule: SplitRule?, sliceSize: Int = sliceSize) throws {
        let loaded = try read(path)
        let log = loaded.log
        let indexed = try open(path, sliceSize: sliceSize)
        #expect(indexed.users.ids == log.users.ids)
        #expect(indexed.items.ids == log.items.ids)
        #expect(indexed.report.lines().dropFirst() == loaded.report.lines().dropFirst())
        #expect(indexed.report.format == loaded.report.format && indexed.report.rowsKept == log.count)
        let passes = try SourcePasses(indexed, split: rule, seed: 5, workers: workers)
        #expect(passes.fingerprint == log.fingerprint(sliceSize: sliceSize, workers))
        let parts = try rule.map { try log.split($0, seed: 5) }
        let train = parts?.train ?? log
        for (one, other) in [(passes.validation, parts?.validation), (passes.test, parts?.test)] {
            #expect(one?.rows == other?.rows)
        }
        let (history, expected) = (try passes.userMatrix(workers: workers), train.userMatrix())
        #expect(history.offsets == expected.offsets && history.columns == expected.columns)
        #expect(history.values == expected.values && history.columnCount == expected.columnCount)
        #expect(passes.valueRange == train.values.map { $0.min()!...$0.max()! })
        try expectSame(passes, LogPasses(train, sliceSize: sliceSize), train)
    }

    /// What slices hold, put together in their order, is the log; and so of both kinds of passes.
    private static func expectSame(_ one: some HistoryPasses, _ other: some HistoryPasses, _ log: InteractionLog) throws
    {
        for passes in [one, other] as [any HistoryPasses] {
            var slices = [[Row]](repeating: [], count: passes.sliceCount)
            var told = 0
            try slices.withUnsafeMutableBufferPointer { slices in
                nonisolated(unsafe) let slices = slices
                try passes.forEachSlice(
                    workers: workers, cancellation: nil, progress: { done, _ in told = max(told, done) }
                ) {
                    slice, worker in
                    slices[slice.index] = slice.users.indices.map { place in
                        Row("\(slice.users[place])", "\(slice.items[place])", slice.values?[place])
                    }
                }
            }
            #expect(
                Array(slices.joined())
                    == log.userRows.indices.map {
                        Row("\(log.userRows[$0])", "\(log.itemRows[$0])", log.values?[$0])
                    })
            #expect(told > 0)
            #expect(passes.entryCount == log.count && passes.hasValues == (log.values != nil))
            #expect(passes.userCount == log.users.count && passes.itemCount == log.items.count)
            #expect(passes.activity == (0..<log.users.count).map { user in UInt32(log.userRows.count { $0 == user }) })
            #expect(passes.audience == (0..<log.items.count).map { item in UInt32(log.itemRows.count { $0 == item }) })
        }
    }

    @Test(
        arguments: ["pairs.npz", "pairs.npy", "arrays", "values"],
        [nil, "random:0.1", "random:0.2,0.05", "random:0,0.3"])
    func passesAreTheLog(form: String, rule: String?) throws {
        let folder = TemporaryFolder()
        let path = try Self.write(form, folder)
        try Self.expectSame(path, try rule.map { try SplitRule(parsing: $0) })
    }

    @Test func wideIDs() throws {
        let folder = TemporaryFolder()
        try Self.expectSame(try Self.write("values", folder, wide: true), .random(validation: 0.1, test: 0))
    }

    @Test(arguments: [nil, "zstd"]) func shards(compression: String?) throws {
        let folder = TemporaryFolder()
        let path = try Self.shards(folder, compression)
        for size in [Self.sliceSize, 333, 5000] {
            try Self.expectSame(path, .random(validation: 0.1, test: 0), sliceSize: size)
        }
    }

    /// With slices as they are, the fingerprint is the one that runs keep.
    @Test func fingerprintOfManySlices() throws {
        let folder = TemporaryFolder()
        let count = 2 << 20 + 17
        let users = (0..<count).map { UInt32($0 * 7919 % 100_003) },
            items = (0..<count).map { UInt32($0 * 31 % 50_021) }
        let sources = [TensorSource(name: "users", users), TensorSource(name: "items", items)]
        try NPZ.write(sources, to: folder.path + "/a.npz")
        let passes = try SourcePasses(
            Self.open(folder.path + "/a.npz", sliceSize: PassableSource.sliceSize), split: nil, seed: 1,
            workers: Self.workers)
        #expect(passes.fingerprint == (try read(folder.path + "/a.npz")).log.fingerprint(workers: Self.workers))
    }

    /// What users had, of a pass that asks for them; other data shows.
    @Test func historiesOfSomeUsers() throws {
        let folder = TemporaryFolder()
        let path = try Self.write("arrays", folder)
        let rule = SplitRule.random(validation: 0.2, test: 0)
        let passes = try SourcePasses(Self.open(path), split: rule, seed: 3, workers: Self.workers)
        let whole = try passes.userMatrix(workers: Self.workers)
        let source = try PassableSource(path, options: ReadingOptions(), sliceSize: Self.sliceSize)
        let known = try IndexedSource(
            source, users: passes.indexed.users, items: passes.indexed.items, workers: Self.workers)
        let users = [UserRow(3), UserRow(0), UserRow(whole.rowCount - 1)]
        func histories(seed: UInt64, _ fingerprint: String) throws -> InteractionMatrix<UserRow, ItemRow> {
            try known.histories(of: users, split: rule, seed: seed, fingerprint: fingerprint, workers: Self.workers)
        }
        let some = try histories(seed: 3, passes.fingerprint)
        #expect(some.rowCount == whole.rowCount && some.columnCount == whole.columnCount)
        for user in 0..<whole.rowCount {
            let row = UserRow(user)
            #expect(some[row] == (users.contains(row) ? whole[row] : []), "\(user)")
            if users.contains(row) { #expect(some.values(row) == whole.values(row)) }
        }
        #expect(failure { _ = try histories(seed: 3, String(passes.fingerprint.reversed())) }?.code == .badData)
        // A file of the same size with another id, and with one that is known.
        for id: Int64 in [5_000_000, 0] {
            let other = TemporaryFolder()
            let path = try Self.write("arrays", other)
            var first = Self.log(1, values: true, times: true)[0]
            first.0 = id
            try NPZ.write(
                [
                    TensorSource(name: "users", [first.0]), TensorSource(name: "items", [first.1]),
                    TensorSource(name: "values", [first.2]), TensorSource(name: "times", [first.3]),
                ], to: other.path + "/0.npz")
            let changed = try IndexedSource(
                PassableSource(path, options: ReadingOptions(), sliceSize: Self.sliceSize), users: passes.indexed.users,
                items: passes.indexed.items, workers: Self.workers)
            let error = failure {
                _ = try changed.histories(
                    of: users, split: rule, seed: 3, fingerprint: passes.fingerprint, workers: Self.workers)
            }
            #expect(error?.code == .badData && error?.what.contains("has changed") == true, "\(id)")
        }
    }

    /// What cannot be gone through says why, and the way out.
    @Test func obstacles() throws {
        let folder = TemporaryFolder()
        func obstacle(_ path: String, _ change: (inout ReadingOptions) -> Void = { _ in }) -> String {
            var options = ReadingOptions()
            change(&options)
            let error = failure { _ = try PassableSource(path, options: options) }
            #expect(error?.code == .usage && error?.remedy != nil, "\(path)")
            return error?.what ?? ""
        }
        let pairs = TensorSource(name: "arr_0", [1, 2, 3, 4] as [Int64], shape: [2, 2])
        try NPZ.write([pairs], to: folder.path + "/zip.npz", compressed: true)
        #expect(obstacle(folder.path + "/zip.npz").contains("compressed"))
        let columns = [
            TensorSource(name: "users", [1, 2] as [Int64]), TensorSource(name: "items", [3, 4] as [Int64]),
        ]
        try NPZ.write(columns, to: folder.path + "/zipped.npz", compressed: true)
        #expect(obstacle(folder.path + "/zipped.npz").contains("compressed"))
        try NPZ.write(columns, to: folder.path + "/good.npz")
        #expect(obstacle(folder.path + "/good.npz") { $0.duplicates = .last }.contains("--duplicates"))
        #expect(obstacle(folder.path + "/good.npz") { $0.minimumPerItem = 2 }.contains("--min-item"))
        #expect(obstacle(folder.path + "/good.npz") { $0.skipsBadRows = true }.contains("--skip-bad-rows"))
        let text = NPYSource(name: "users", strings: ["a", "b"])
        try NPZ.write([text, NPYSource(columns[1])], to: folder.path + "/text.npz")
        #expect(obstacle(folder.path + "/text.npz").contains("text"))
        #expect(obstacle(try folder.write("a.csv", "user,item\n1,2\n")).contains("text"))
        #expect(obstacle("npy-stream:-").contains("stream"))
        #expect(obstacle("/dev/stdin").contains("once"))

        let good = try Self.open(folder.path + "/good.npz")
        for rule in ["last:1", "temporal:0.5", "held-out-users:1"] {
            let error = failure {
                _ = try SourcePasses(good, split: SplitRule(parsing: rule), seed: 1, workers: Self.workers)
            }
            #expect(error?.code == .usage && error?.remedy?.contains("random:0.1") == true, "\(rule)")
        }
        let empty = failure {
            _ = try SourcePasses(good, split: .random(validation: 0.1, test: 0), seed: 1, workers: Self.workers)
        }
        #expect(empty?.code == .badData && empty?.what.contains("leaves nothing for validation") == true)
    }

    /// Ids beyond 32 bits, negative ones, and damaged files are refused with file and place.
    @Test func refusals() throws {
        let folder = TemporaryFolder()
        func refusal(_ name: String, _ users: [Int64]) throws -> StarlingError? {
            let path = folder.path + "/" + name
            try NPZ.write(
                [TensorSource(name: "users", users), TensorSource(name: "items", users.map { _ in 1 as Int64 })],
                to: path)
            return failure { _ = try Self.open(path) }
        }
        let wide = try refusal("wide.npz", [1, Int64(UInt32.max)])
        #expect(wide?.code == .badData && wide?.what.contains("user id “4294967295”") == true)
        #expect(wide?.place.file?.hasSuffix("wide.npz") == true)
        #expect(try refusal("widest.npz", [1, Int64(UInt32.max) - 1]) == nil)
        #expect(try refusal("minus.npz", [1, -2])?.what.contains("users[1] is -2") == true)

        let pairs = TensorSource(name: "arr_0", (0..<4000).map { Int64($0 % 60) }, shape: [2000, 2])
        try NPZ.write([pairs], to: folder.path + "/flipped.npz")
        var bytes = try Files.read(folder.path + "/flipped.npz")
        bytes[9000] ^= 1
        let path = try folder.write("flipped.npz", bytes)
        #expect(failure { _ = try Self.open(path) }?.code == .badData)

        let shards = try Self.shards(folder, nil)
        let shard = try #require(try Files.list(shards).first { $0.hasSuffix(".mds") })
        var damaged = try Files.read(shards + "/" + shard)
        damaged[damaged.count - 3] ^= 1
        _ = try folder.write("shards/" + shard, damaged)
        #expect(failure { _ = try Self.open(shards) }?.what.contains("xxh3") == true)
    }

    @Test func stopsWhenCancelled() throws {
        let folder = TemporaryFolder()
        let cancellation = Cancellation()
        let indexed = try Self.open(try Self.write("values", folder))
        let passes = try SourcePasses(indexed, split: nil, seed: 1, workers: Self.workers)
        cancellation.cancel()
        for body in [
            { try passes.forEachSlice(workers: Self.workers, cancellation: cancellation, progress: nil) { _, _ in } },
            { _ = try passes.userMatrix(workers: Self.workers, cancellation: cancellation) },
        ] {
            #expect(failure(body)?.code == .interrupted)
        }
    }
}
