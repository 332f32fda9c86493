import Basics
import Foundation
import Interactions
import Kernels
import Testing

@Suite struct DataCommandTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    func json(_ text: String) throws -> [String: Any] {
        #expect(text.hasSuffix("}\n") && text.split(separator: "\n").count == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    func read(_ path: String) throws -> InteractionLog {
        try InteractionReader.read(path, options: ReadingOptions(), workers: Workers(threads: 2)).log
    }

    /// Interactions as text, so that logs under different vocabularies compare.
    func lines(_ log: InteractionLog) -> [String] {
        (0..<log.count).map { index in
            let user = log.users[UserRow(Int(log.userRows[index]))]
            return
                "\(user) \(log.items[ItemRow(Int(log.itemRows[index]))]) \(log.value(index)) \(log.times?[index] ?? 0)"
        }
    }

    // MARK: - describe

    @Test func describePrintsAlignedTables() throws {
        let file = try folder.file(
            "small.csv",
            "user,item,rating,timestamp\n1,a,4,874724710\n1,b,5,874724711\n2,a,4,893286638\n3,a,1,893286000\n")
        let result = try starling(["data", "describe", file])
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output == """
                users               3
                items               2
                interactions        4
                density       66.667%

                value  interactions  share  mean 3.500, standard deviation 1.500
                ─────  ────────────  ─────  ────────────────────────────────────
                    1             1  25.0%  ███████████████
                    4             2  50.0%  ██████████████████████████████
                    5             1  25.0%  ███████████████

                interactions  least  25 %  median  75 %  90 %  99 %  most  mean
                ────────────  ─────  ────  ──────  ────  ────  ────  ────  ────
                of a user         1     1       1     2     2     2     2   1.3
                of an item        1     1       1     3     3     3     3   2.0

                most popular items  share  of all interactions
                ──────────────────  ─────  ───────────────────────
                1 %                 75.0%  ██████████████████████▌
                10 %                75.0%  ██████████████████████▌

                first interaction  1997-09-20T03:05:10Z
                last interaction   1998-04-22T23:10:38Z

                """)
        #expect(result.error.contains("4 interactions"), "the ingestion report goes to standard error")
    }

    @Test func describePrintsOneJSONObject() throws {
        let named = try starling(["data", "describe", "--data", ratings, "--json"])
        let object = try json(named.output)
        #expect(
            Set(object.keys) == [
                "source", "ingestion", "users", "items", "interactions", "repeated_pairs", "density", "values",
                "user_activity", "item_popularity",
                "top_1_percent_items_share", "top_10_percent_items_share", "times", "read_seconds",
                "peak_memory_bytes",
            ])
        #expect(try #require(object["read_seconds"] as? Double) > 0)
        #expect(try #require(object["peak_memory_bytes"] as? Int) > 1 << 20)
        #expect(object["users"] as? Int == 90)
        #expect(object["interactions"] as? Int == (try read(ratings).count))
        func timeless(_ object: [String: Any]) throws -> Data {
            let measured = ["ingestion", "read_seconds", "peak_memory_bytes"]
            return try JSONSerialization.data(
                withJSONObject: object.filter { !measured.contains($0.key) }, options: .sortedKeys)
        }
        let other = try json(starling(["data", "describe", ratings, "--json", "--threads", "1"]).output)
        #expect(try timeless(other) == timeless(object))
    }

    @Test func describeReadsAsItIsTold() throws {
        let file = try folder.file("odd.txt", "x;7;u1;i1\nx;8;u1;i2\nx;oops;u2;i1\nx;9;u1;i1\n")
        let flags = ["--separator", "semicolon", "--columns", "user=3,item=4,value=2", "--json"]
        #expect(try starling(["data", "describe", file] + flags).status == 65)
        let skipped = try json(starling(["data", "describe", file, "--skip-bad-rows"] + flags).output)
        #expect(skipped["interactions"] as? Int == 3)
        let merged = try json(
            starling(["data", "describe", file, "--skip-bad-rows", "--duplicates", "mean"] + flags).output)
        #expect(merged["interactions"] as? Int == 2)
        let core = try starling(["data", "describe", file, "--skip-bad-rows", "--min-item", "3"] + flags)
        #expect(core.status == 65 && core.error.contains("is left"))
    }

    @Test(
        arguments: [
            (["data", "describe"], 64), (["data", "describe", "absent.csv"], 65),
            (["data", "describe", "a.csv", "--data", "b.csv"], 64),
            (["data", "describe", "a.csv", "--duplicates", "median"], 64),
            (["data", "describe", "a.csv", "--columns", "user=1"], 64),
            (["data", "describe", "a.csv", "--threads", "0"], 64),
            (["data", "split", "--data", "a.csv", "--split", "halves", "--output", "x"], 64),
            (["data", "generate", "--output", "x.csv"], 64),
            (["data", "generate", "--like", "ml-3m", "--output", "x.csv"], 64),
            (["data", "generate", "--like", "ml-1m", "--users", "3", "--output", "x.csv"], 64),
            (["data", "generate", "--users", "3", "--items", "3", "--interactions", "10", "--output", "x.csv"], 64),
        ] as [([String], Int32)])
    func wrongUsageSaysSo(arguments: [String], status: Int32) throws {
        let result = try starling(arguments)
        #expect(result.status == status, "\(result.error)")
        #expect(result.output.isEmpty)
        #expect(result.error.contains("rror: "))
    }

    // MARK: - split

    @Test(
        arguments: [
            ("random:0.1,0.1", ["train", "validation", "test"]), ("random:0.2", ["train", "validation"]),
            ("last:2", ["train", "validation", "test"]), ("temporal:0.1", ["train", "validation"]),
            ("held-out-users:9", ["train", "fold_in", "test"]),
        ] as [(String, [String])])
    func splitWritesWhatTheLibrarySplits(rule: String, names: [String]) throws {
        let arguments = ["data", "split", "--data", ratings, "--split", rule, "--seed", "5", "--output"]
        let result = try starling(arguments + [folder.path("parts"), "--json"])
        #expect(result.status == 0, "\(result.error)")
        let whole = try read(ratings)
        let parts = try whole.split(try SplitRule(parsing: rule), seed: 5)
        let expected = [
            "train": parts.train, "validation": parts.validation, "test": parts.test, "fold_in": parts.foldIn,
        ]
        let object = try json(result.output)
        #expect(Set((object["interactions"] as? [String: Int] ?? [:]).keys) == Set(names))
        #expect(object["split"] as? String == rule && object["seed"] as? Int == 5)
        let files = names.map { $0.replacing("_", with: "-") + ".csv" }
        #expect(try Files.list(folder.path("parts")) == files.sorted())
        for (name, file) in zip(names, files) {
            #expect(try lines(read(folder.path("parts/\(file)"))) == lines(expected[name]!!))
        }
        // Again, with other threads: the same bytes.
        #expect(try starling(arguments + [folder.path("again"), "--threads", "7"]).status == 0)
        for file in files {
            #expect(try Files.read(folder.path("again/\(file)")) == Files.read(folder.path("parts/\(file)")))
        }
        #expect(try Files.list(folder.path("")).sorted() == ["again", "parts", "ratings.csv"], "nothing is left aside")
    }

    @Test func splitReplacesOnlyAnEarlierSplit() throws {
        let split = ["data", "split", "--data", ratings, "--output", folder.path("parts"), "--split"]
        #expect(try starling(split + ["random:0.1,0.1"]).status == 0)
        let refused = try starling(split + ["random:0.1"])
        #expect(refused.status == 64 && refused.error.contains("--overwrite"))
        #expect(try Files.list(folder.path("parts")).count == 3)
        let replaced = try starling(split + ["random:0.1", "--overwrite"])
        #expect(replaced.status == 0, "\(replaced.error)")
        #expect(replaced.output.contains("validation.csv"))
        #expect(try Files.list(folder.path("parts")) == ["train.csv", "validation.csv"])
        _ = try folder.file("parts/notes.txt", "mine")
        #expect(try starling(split + ["random:0.1", "--overwrite"]).status == 64)
        #expect(try Files.list(folder.path("parts")).count == 3)
    }

    @Test func aSplitThatCannotBeLeavesNoFolder() throws {
        let file = try folder.file("untimed.csv", "user,item,rating\n1,a,4\n1,b,5\n2,a,4\n")
        let result = try starling(["data", "split", "--data", file, "--split", "last:1", "--output", folder.path("p")])
        #expect(result.status == 64 && result.error.contains("needs times"))
        #expect(!Files.exists(folder.path("p")))
    }

    // MARK: - generate

    @Test func generateWritesTheLibrarysRatings() throws {
        let arguments = [
            "data", "generate", "--users", "200", "--items", "80", "--interactions", "3000", "--rank", "4", "--noise",
            "0.5",
            "--min-user", "2", "--seed", "11", "--output",
        ]
        let result = try starling(arguments + [folder.path("made.csv"), "--json"])
        #expect(result.status == 0, "\(result.error)")
        let truth = try SyntheticRatings(
            users: 200, items: 80, interactions: 3000, rank: 4, noise: 0.5, minimumPerUser: 2, seed: 11)
        let log = truth.log()
        #expect(try lines(read(folder.path("made.csv"))) == lines(log))
        let object = try json(result.output)
        #expect(object["interactions"] as? Int == 3000 && object["users"] as? Int == 200)
        #expect(abs((object["noise_floor"] as! Double) - truth.noiseFloor(over: log)) < 1e-12)
        #expect(try starling(arguments + [folder.path("again.csv"), "--threads", "7"]).status == 0)
        #expect(try Files.read(folder.path("again.csv")) == Files.read(folder.path("made.csv")))
        let refused = try starling(arguments + [folder.path("made.csv")])
        #expect(refused.status == 64 && refused.error.contains("--overwrite"))
        let replaced = try starling(arguments + [folder.path("made.csv"), "--overwrite"])
        #expect(replaced.status == 0 && replaced.output.contains("noise floor"))
    }

    @Test func generateKnowsSizes() throws {
        let result = try starling([
            "data", "generate", "--like", "ml-100k", "--output", folder.path("like.csv"), "--json",
        ])
        let object = try json(result.output)
        #expect(object["users"] as? Int == 943 && object["items"] as? Int == 1682)
        let log = try read(folder.path("like.csv"))
        #expect(log.count == 100_000 && log.users.count == 943 && log.items.count == 1682)
    }

    @Test(arguments: [[], ["describe"], ["split"], ["partition"], ["generate"], ["convert"]] as [[String]])
    func helpHasAnExample(command: [String])
        throws
    {
        let result = try starling(["data"] + command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("Example") && result.output.contains("starling data"))
    }
}
