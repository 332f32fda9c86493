import Basics
import Formats
import Interactions
import Kernels
import Testing

@Suite struct ExpansionWriterTests {
    let folder = TemporaryFolder()
    let expansion = FractalExpansion(
        of: randomMatrix(users: 90, items: 50, density: 0.3, seed: 8, value: { Float($0 % 5 + 1) }),
        by: KroneckerFactor(rows: 4, columns: 6, rates: (0..<24).map { Double($0 % 8) / 9 }), shuffling: .blocks,
        seed: 6,
        carriesRatings: true)

    func write(
        _ name: String, _ form: ExpansionWriter.Form, threads: Int = 2, of other: FractalExpansion? = nil,
        size: Int = 9000
    ) throws -> ExpansionWriter.Written {
        let path = folder.path + "/" + name
        try Files.makeDirectory(path)
        let writer = ExpansionWriter(other ?? expansion, to: path, form: form, sizeLimit: size)
        let written = try writer.write(workers: Workers(threads: threads))
        #expect(written.bytes <= writer.expectedBytes)
        return written
    }

    func content(_ name: String) throws -> [String: [UInt8]] {
        let path = folder.path + "/" + name
        return try Dictionary(uniqueKeysWithValues: Files.list(path).map { ($0, try Files.read(path + "/" + $0)) })
    }

    @Test(arguments: ExpansionWriter.Form.allCases) func readersTakeWhatIsWritten(form: ExpansionWriter.Form) throws {
        let written = try write("a", form)
        let log = try read(folder.path + "/a").log
        var expected: [Row] = []
        for kept in made(expansion) {
            let ratings = try #require(kept.byteRatings)
            for (index, user) in kept.users.enumerated() {
                expected.append(Row("\(user)", "\(kept.items[index])", Float(ratings[index])))
            }
        }
        #expect(log.rows == expected, "in the order of blocks")
        #expect(written.interactions == expected.count && written.shards > 3)
        #expect(written.users.reduce(0) { $0 + Int($1) } == expected.count)
        let users = Dictionary(grouping: expected, by: \.user), items = Dictionary(grouping: expected, by: \.item)
        #expect(written.users.enumerated().allSatisfy { Int($1) == users["\($0)"]?.count ?? 0 })
        #expect(written.items.enumerated().allSatisfy { Int($1) == items["\($0)"]?.count ?? 0 })
    }

    @Test(arguments: ExpansionWriter.Form.allCases) func threadsChangeNoByte(form: ExpansionWriter.Form) throws {
        _ = try write("one", form, threads: 1)
        for threads in [2, 5] {
            _ = try write("\(threads)", form, threads: threads)
            #expect(try content("\(threads)") == content("one"))
        }
    }

    /// What is there stays; what is missing, or was cut off, comes again.
    @Test(arguments: ExpansionWriter.Form.allCases) func goesOn(form: ExpansionWriter.Form) throws {
        let first = try write("a", form)
        let whole = try content("a")
        let names = whole.keys.filter { $0.hasPrefix("shard.") }.sorted()
        try Files.remove(folder.path + "/a/" + names[1])
        try Files.remove(folder.path + "/a/index.json")
        try Files.write(Array(whole[names[3]]!.prefix(100)), to: folder.path + "/a/" + names[3])
        // Another shard of the same size shows that it is not written again.
        let marked = [UInt8](repeating: 7, count: whole[names[2]]!.count)
        try Files.write(marked, to: folder.path + "/a/" + names[2])
        let second = try write("a", form)
        #expect(second.users == first.users && second.items == first.items && second.bytes == first.bytes)
        var found = try content("a")
        #expect(found[names[2]] == marked)
        found[names[2]] = whole[names[2]]
        #expect(found == whole)
    }

    @Test func shardsHoldTheSmallestTypes() throws {
        _ = try write("bytes", .npz)
        let archive = try NPZFile(folder.path + "/bytes/shard.00000.npz")
        #expect(archive.names == ["users", "items", "ratings"])
        #expect(
            try archive.names.map { try archive.array($0).element } == [
                .number(.int32), .number(.int32), .number(.uint8),
            ])
        #expect(try archive.names.allSatisfy { try archive.isStored($0) })
        let halves = FractalExpansion(
            of: matrix([[0, 1], [1]], columns: 2, values: [0.5, 1, 2]),
            by: KroneckerFactor(rows: 1, columns: 1, rates: [1]),
            shuffling: .sides, seed: 1, carriesRatings: true)
        _ = try write("floats", .npz, of: halves)
        let floats = try NPZFile(folder.path + "/floats/shard.00000.npz").array("ratings")
        #expect(floats.element == .number(.float32))
        #expect(try read(folder.path + "/floats").log.values == [0.5, 1, 2])
    }

    @Test func unfinishedFoldersAreNotRead() throws {
        _ = try write("a", .npz)
        var record = ExpansionRecord(
            source: "x", by: "4x6", interactions: nil, shuffle: "blocks", seed: 6, form: "npz", ratings: true,
            sizeLimit: 9000,
            instructionSet: "avx2")
        try record.write(in: folder.path + "/a")
        let refused = failure { _ = try read(folder.path + "/a") }
        #expect(refused?.code == .badData && refused?.remedy?.contains("--resume") == true)
        #expect(try ExpansionRecord.read(in: folder.path + "/a") == record)
        record.result = ["interactions": 5]
        try record.write(in: folder.path + "/a")
        #expect(try ExpansionRecord.read(in: folder.path + "/a") == record)
        #expect(try read(folder.path + "/a").log.count > 0)
    }
}
