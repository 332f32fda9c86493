import Basics
import Foundation
import Interactions
import Kernels
import Testing

/// Logs written as NumPy archives.
@Suite struct ArrayWriterTests {
    private static let workers = Workers(threads: 2)

    private func read(_ path: String) throws -> InteractionLog {
        try InteractionReader.read(path, options: ReadingOptions(), workers: Self.workers).log
    }

    private func log(_ text: String) throws -> InteractionLog { try load(text).log }

    private let numbers = "7,30,2.5,100\n0,2,1,-5\n7,2,4.5,7\n12,30,0.5,9000000000\n7,30,1,1\n"

    @Test(arguments: [false, true]) func columnsComeBack(compressed: Bool) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        let texts = ["userId,movieId\né,1\nb,2\né,20\n", "userId,movieId,rating\nb b,1,0.1\n3,00,3\n", numbers]
        for text in texts {
            let log = try log(text)
            try InteractionWriter.writeArrays(log, as: .columns, to: path, compressed: compressed)
            #expect(try read(path).rows == log.rows)
        }
        // More than a block.
        let large = SyntheticLog.make(count: 150_000)
        try InteractionWriter.writeArrays(large, as: .columns, to: path, compressed: compressed)
        #expect(try read(path).fingerprint(workers: Self.workers) == large.fingerprint(workers: Self.workers))
        try InteractionWriter.writeArrays(large, as: .pairs, to: path, compressed: compressed)
        let pairs = try read(path)
        #expect(pairs.userRows == large.userRows && pairs.itemRows == large.itemRows && pairs.values == nil)
    }

    @Test func pairsAndMatricesComeBack() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        let log = try log(numbers)
        try InteractionWriter.writeArrays(log, as: .pairs, to: path)
        #expect(try read(path).rows == log.rows.map { Row($0.user, $0.item) })
        try InteractionWriter.writeArrays(log, as: .sparse, to: path, compressed: true)
        let sorted = [
            Row("0", "2", 1), Row("7", "2", 4.5), Row("7", "30", 2.5), Row("7", "30", 1), Row("12", "30", 0.5),
        ]
        #expect(try read(path).rows == sorted)
        // A vocabulary that is not in order.
        let appended = InteractionLog(
            users: log.users.appending(["3"]), items: log.items.appending(["1"]), userRows: log.userRows + [3],
            itemRows: log.itemRows + [2], values: log.values! + [3], times: nil)
        try InteractionWriter.writeArrays(appended, as: .sparse, to: path)
        #expect(try read(path).rows == [sorted[0], Row("3", "1", 3)] + sorted[1...])
    }

    @Test func refusesIDsThatAreNoNumbers() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        for text in ["userId,movieId\na,1\n", "userId,movieId\n1,-1\n"] {
            for form in [InteractionWriter.ArrayForm.pairs, .sparse] {
                let log = try log(text)
                let error = failure { try InteractionWriter.writeArrays(log, as: form, to: path) }
                #expect(error?.code == .badData && error?.what.contains("whole numbers of 0 or more") == true)
                #expect(!Files.exists(path))
            }
        }
        let sparse = try log("userId,movieId\n4000000000,1\n")
        let error = failure { try InteractionWriter.writeArrays(sparse, as: .sparse, to: path) }
        #expect(error?.what.contains("mostly empty") == true && !Files.exists(path))
    }

    @Test(.enabled(if: environment("STARLING_PYTHON") != nil, "set STARLING_PYTHON to a python3 with scipy"))
    func sciPyOpensIt() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/x.npz"
        let log = try log(numbers)
        let script = """
            import sys, scipy.sparse
            m = scipy.sparse.load_npz(sys.argv[1])
            m.check_format()
            print(m.format, m.dtype, m.indices.dtype, m.shape, m.nnz)
            m.sum_duplicates()
            print([(int(i), int(j), float(v)) for i, j, v in zip(*scipy.sparse.find(m))])
            """
        let expected = """
            csr float32 int32 (13, 31) 5
            [(0, 2, 1.0), (7, 2, 4.5), (7, 30, 3.5), (12, 30, 0.5)]

            """
        for compressed in [false, true] {
            try InteractionWriter.writeArrays(log, as: .sparse, to: path, compressed: compressed)
            #expect(try python(script, path) == expected)
        }
    }

    private func python(_ script: String, _ argument: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(environment("STARLING_PYTHON")))
        process.arguments = ["-c", script, argument]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }
}

private enum SyntheticLog {
    static func make(count: Int) -> InteractionLog {
        var random = RandomStream(seed: 5, .test)
        let users = Vocabulary<UserRow>(.integers((0..<500).map { $0 * 3 }))
        let items = Vocabulary<ItemRow>(.integers((0..<300).map { $0 * $0 }))
        // Everybody and everything stands somewhere, so that the vocabularies come back.
        return InteractionLog(
            users: users, items: items, userRows: (0..<count).map { UInt32($0 % 500) },
            itemRows: (0..<count).map { UInt32($0 < 300 ? $0 : random.below(300)) },
            values: (0..<count).map { Float($0 % 9) / 2 }, times: (0..<count).map { Int64($0) * 7 - 1000 })
    }
}
