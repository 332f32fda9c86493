import Basics
import Formats
import Interactions
import Testing

/// NumPy files as shards of a stream.
@Suite struct ArrayShardSourceTests {
    private static let golden = Files.parent(#filePath) + "/golden/"
    private let folder = TemporaryFolder()

    private func samples(_ shards: InteractionShards, batch: Int, shuffles: Bool) throws -> [Row] {
        let users = Vocabulary<UserRow>(.integers((0..<200_000).map { Int64($0) }))
        let items = Vocabulary<ItemRow>(.integers((0..<200_000).map { Int64($0) }))
        let stream = try ShardStream(shards.source, options: .init(batchSize: batch, shuffles: shuffles))
        var rows: [Row] = []
        while let batch = try stream.next() {
            let found = try shards.interactions(of: batch, users, items)
            for place in 0..<batch.count {
                rows.append(
                    Row(
                        users[UserRow(Int(found.users[place]))], items[ItemRow(Int(found.items[place]))],
                        found.values?[place]))
            }
        }
        return rows
    }

    /// What NumPy wrote, compressed and not, of several types and both orders: the same pairs as the reader's.
    @Test(arguments: ["x16x32_*.npz", "x16x32-c.npy", "x16x32-fortran.npy", "x16x32-big.npy"])
    func pairsAsTheReaderHasThem(name: String) throws {
        let expected = try read(Self.golden + name).log.rows
        let shards = try InteractionShards(at: Self.golden + name)
        #expect(try samples(shards, batch: 7, shuffles: false) == expected)
        let shuffled = try samples(shards, batch: 16, shuffles: true)
        #expect(shuffled != expected && Set(shuffled) == Set(expected) && shuffled.count == expected.count)
    }

    /// Arrays by name, with values, text ids among them.
    @Test func arraysByName() throws {
        let users: [Int64] = [3, 1, 2, 3], items: [Int64] = [9, 8, 7, 6]
        var paths: [String] = []
        for part in 0..<3 {
            let path = folder.path + "/\(part).npz"
            let arrays = [
                TensorSource(name: "users", users.map { $0 + Int64(part) }), TensorSource(name: "items", items),
                TensorSource(name: "values", [Float](repeating: Float(part), count: 4)),
            ]
            try NPZ.write(arrays.map { NPYSource($0) }, to: path)
            paths.append(path)
        }
        let shards = try InteractionShards(at: folder.path)
        #expect(shards.user == "users" && shards.value == "values" && shards.source.counts == [4, 4, 4])
        let rows = try samples(shards, batch: 5, shuffles: false)
        #expect(rows.count == 12 && rows[4] == Row("4", "9", 1) && rows[11] == Row("5", "6", 2))
        let other = folder.path + "/other.npz"
        try NPZ.write([NPYSource(TensorSource(name: "users", users))], to: other)
        #expect(failure { _ = try ArrayShardSource([paths[0], other]) }?.what.contains("not those of") == true)
        #expect(failure { _ = try InteractionShards(ArrayShardSource([other])) }?.code == .badData)
    }

    /// A file that changed after it was first read, ids that were not there, text for shards.
    @Test func changesAreNoticed() throws {
        let path = folder.path + "/a.npz"
        func write(_ ids: [Int64]) throws {
            try NPZ.write([NPYSource(TensorSource(name: "arr_0", ids, shape: [ids.count / 2, 2]))], to: path)
        }
        try write([1, 2, 3, 4])
        let shards = try InteractionShards(at: path)
        try write([1, 2, 3, 4, 5, 6])
        #expect(failure { _ = try samples(shards, batch: 2, shuffles: false) }?.what.contains("has changed") == true)
        try write([1, 2, 3, 600_000])
        let error = failure { _ = try samples(shards, batch: 2, shuffles: false) }
        #expect(error?.what.contains("column “item” holds “600000”, which was not there") == true, "\(error as Any)")
        let text = try folder.write("a.csv", "user,item\n1,2\n")
        #expect(failure { _ = try InteractionShards(at: text) }?.what.contains("text cannot be streamed") == true)
    }
}

/// Data that lies in folders for its parts.
@Suite struct PartFoldersTests {
    private let folder = TemporaryFolder()

    @Test func findsThemByTheirNames() throws {
        #expect(try PartFolders(in: folder.path) == nil)
        for name in ["training", "val", "evaluation"] { try Files.makeDirectory(folder.path + "/" + name) }
        let found = try #require(try PartFolders(in: folder.path + "/"))
        #expect(found.train == folder.path + "/training" && found.validation == folder.path + "/val")
        #expect(found.test == folder.path + "/evaluation")
        try Files.makeDirectory(folder.path + "/validation")
        #expect(failure { _ = try PartFolders(in: folder.path) }?.what.contains("validation and val may both") == true)
    }

    /// Parts under vocabularies of all of them, whichever ids a part lacks.
    @Test func partsAreJoined() throws {
        func log(_ name: String, _ text: String) throws -> InteractionLog {
            try read(try folder.write(name, "user,item,rating\n" + text)).log
        }
        let train = try log("a.csv", "3,10,1\n1,30,2\n"), validation = try log("b.csv", "2,20,3\n")
        let test = try log("c.csv", "x,10,4\n")
        let (joined, partition) = try InteractionLog.joining(train: train, validation: validation, test: nil)
        #expect(joined.users.rawIDs == ["1", "2", "3"] && joined.items.rawIDs == ["10", "20", "30"])
        #expect(joined.rows == train.rows + validation.rows)
        #expect(joined.part(.validation, of: partition)?.rows == validation.rows)
        #expect(joined.part(.test, of: partition) == nil)
        let all = try InteractionLog.joining(train: train, validation: validation, test: test)
        #expect(all.log.users.rawIDs == ["1", "2", "3", "x"])
        #expect(all.log.part(.test, of: all.partition)?.rows == test.rows)
        #expect(try SplitRule(parsing: "folders") == .folders && SplitRule.folders.description == "folders")
        #expect(failure { _ = try train.split(.folders, seed: 1) }?.code == .usage)
    }
}
