import Basics
import Formats
import Foundation
import Interactions
import Kernels
import Testing
import Training

/// `data partition`: the folders that the SSE-PT system reads.
@Suite struct DataPartitionTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        // Ids that are not rows, and times that are not in the order of the file.
        var random = RandomStream(seed: 4, .test)
        var text = "user,item,rating,timestamp\n"
        for index in 0..<3000 {
            let (user, item) = (3 + 7 * random.below(80), 11 * random.below(200))
            text += "\(user),\(item),\(index % 9),\(random.below(100_000))\n"
        }
        ratings = try folder.file("ratings.csv", text)
    }

    func partition(_ arguments: [String], data: String? = nil) throws -> (status: Int32, output: String, error: String)
    {
        try starling(
            ["data", "partition", "--data", data ?? ratings, "--output", folder.path("parts")] + arguments)
    }

    func read(_ path: String) throws -> InteractionLog {
        try InteractionReader.read(path, options: ReadingOptions(), workers: Workers(threads: 2)).log
    }

    func pairs(_ log: InteractionLog) -> [String] {
        (0..<log.count).map {
            "\(log.users[UserRow(Int(log.userRows[$0]))]) \(log.items[ItemRow(Int(log.itemRows[$0]))])"
        }
    }

    static let folders = ["training", "validation", "evaluation"]

    @Test(arguments: ["random:0.2,0.1", "last:3", "temporal:0.1,0.2"])
    func isTheSplitOfTrain(rule: String) throws {
        let result = try partition(["--split", rule, "--seed", "9", "--json"])
        #expect(result.status == 0, "\(result.error)")
        let answer = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(answer["split"] as? String == rule && answer["seed"] as? Int == 9)
        let counts = try #require(answer["parts"] as? [String: [String: Int]])

        let trained = try starling([
            "train", "mf", "--data", ratings, "--split", rule, "--seed", "9", "--output", folder.path("run"),
            "--factors",
            "4", "--epochs", "1", "--json",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        let model = try ModelFolder(folder.path("run/model"))
        let history = try #require(try model.history())
        let (users, items) = (try model.users, try model.items)
        var seen: [String] = []
        for user in 0..<history.rowCount {
            for item in history[UserRow(user)] { seen.append("\(users[UserRow(user)]) \(items[ItemRow(Int(item))])") }
        }
        let expected = [
            seen, pairs(try #require(try model.heldOut(.validation))), pairs(try #require(try model.heldOut(.test))),
        ]
        var all: [String] = []
        for (name, expected) in zip(Self.folders, expected) {
            let found = pairs(try read(folder.path("parts/\(name)")))
            #expect(found.sorted() == expected.sorted(), "\(name)")
            #expect(counts[name]?["interactions"] == found.count)
            all += found
        }
        #expect(all.sorted() == pairs(try read(ratings)).sorted(), "disjoint and whole")
    }

    @Test func filesHoldWholeUsersInTheOrderOfTime() throws {
        let result = try partition(["--split", "random:0.2,0.2"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("parts/training") && result.output.contains("16"))
        let names = [
            "training": (0..<16).map { "trainx16x32_\($0).npz" }, "validation": (0..<8).map { "test_\($0).npz" },
            "evaluation": (8..<16).map { "test_\($0).npz" },
        ]
        #expect(try Files.list(folder.path("parts")) == Self.folders.sorted())
        let whole = try read(ratings)
        var times: [String: [Int64]] = [:]
        for (index, pair) in pairs(whole).enumerated() { times[pair, default: []].append(whole.times![index]) }
        for name in Self.folders {
            #expect(try Files.list(folder.path("parts/\(name)")) == names[name]!.sorted())
            var files: [String: Set<String>] = [:]
            var sizes: [Int] = []
            for file in names[name]! {
                let log = try read(folder.path("parts/\(name)/\(file)"))
                sizes.append(log.count)
                var last: (user: String, time: Int64) = ("", .min)
                for pair in pairs(log) {
                    let user = String(pair.prefix { $0 != " " })
                    files[user, default: []].insert(file)
                    // A pair that stands several times may be any of them.
                    let earliest = times[pair]!.filter { user != last.user || $0 >= last.time }.min()
                    #expect(earliest != nil, "\(name) \(file): \(pair) is out of order")
                    last = (user, earliest ?? .min)
                }
            }
            #expect(files.values.allSatisfy { $0.count == 1 }, "a user is in one file")
            #expect(sizes.max()! < 3 * sizes.reduce(0, +) / sizes.count, "about equal: \(sizes)")
        }
        // Other threads: the same bytes.
        let before = try Files.read(folder.path("parts/training/trainx16x32_7.npz"))
        #expect(try partition(["--split", "random:0.2,0.2", "--overwrite", "--threads", "5"]).status == 0)
        #expect(try Files.read(folder.path("parts/training/trainx16x32_7.npz")) == before)
    }

    @Test func numPyReadsTheFiles() throws {
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: NumPy did not read the files")
        }
        #expect(try partition(["--split", "last:2", "--files", "5"]).status == 0)
        let script = """
            import glob, numpy, sys
            for name in ["training", "validation", "evaluation"]:
                arrays = [numpy.load(f)["arr_0"] for f in sorted(glob.glob(sys.argv[1] + "/" + name + "/*.npz"))]
                both = numpy.concatenate(arrays)
                print(name, len(arrays), both.dtype, both.shape[1], len(both), both[:, 0].sum(), both[:, 1].sum())
            """
        let path = try folder.file("script.py", script)
        let result = try shell("'\(python)' '\(path)' '\(folder.path("parts"))'")
        let expected = try zip(Self.folders, [5, 2, 3]).map { name, files in
            let log = try read(folder.path("parts/\(name)"))
            let sums = pairs(log).reduce(into: (0, 0)) { sums, pair in
                let numbers = pair.split(separator: " ").map { Int($0)! }
                sums = (sums.0 + numbers[0], sums.1 + numbers[1])
            }
            return "\(name) \(files) int64 2 \(log.count) \(sums.0) \(sums.1)\n"
        }
        #expect(result.output == expected.joined(), "\(result.error)")
    }

    @Test func refusesWhatCannotBe() throws {
        for (arguments, words) in [
            (["--split", "random:0.1"], "random:0.1,0.1"), (["--split", "last:1"], "last:2"),
            (["--split", "held-out-users:5"], "does not make"), (["--split", "halves"], "not a way to split"),
            (["--split", "last:2", "--files", "1"], "cut in half"),
            (["--split", "last:2", "--compression", "zstd"], "deflate or none"),
        ] {
            let result = try partition(arguments)
            #expect(result.status == 64 && result.error.contains(words), "\(result.error)")
            #expect(!Files.exists(folder.path("parts")))
        }
        let text = try folder.file("t.csv", "user,item\n" + (0..<50).map { "u\($0),\($0)\n" }.joined())
        let named = try partition(["--split", "random:0.2,0.2"], data: text)
        #expect(named.status == 65 && named.error.contains("users are not whole numbers"), "\(named.error)")
        #expect(!Files.exists(folder.path("parts")))
    }

    @Test func replacesOnlyAnEarlierPartition() throws {
        let arguments = ["--split", "last:2", "--files", "2", "--compression", "none"]
        #expect(try partition(arguments).status == 0)
        #expect(try partition(arguments).status == 64)
        #expect(try partition(arguments + ["--overwrite"]).status == 0)
        _ = try folder.file("parts/training/notes.txt", "mine")
        let refused = try partition(arguments + ["--overwrite"])
        #expect(refused.status == 64 && refused.error.contains("training/notes.txt"), "\(refused.error)")
        #expect(try Files.list(folder.path("parts/training")).count == 3)
    }
}
