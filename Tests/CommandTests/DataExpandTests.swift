import Basics
import Foundation
import Interactions
import Kernels
import Testing

/// `data expand` from the outside.
@Suite struct DataExpandTests {
    let folder: TemporaryFolder
    let ratings: String
    let log: InteractionLog

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.ratings(users: 400, items: 150, interactions: 9000, seed: 3)
        log = try Self.read(ratings)
    }

    static func read(_ path: String) throws -> InteractionLog {
        try InteractionReader.read(path, options: ReadingOptions(), workers: Workers(threads: 2)).log
    }

    func expand(
        _ arguments: [String], to name: String = "out", data: String? = nil
    ) throws -> (status: Int32, output: String, error: String) {
        try starling(["data", "expand", "--data", data ?? ratings, "--output", folder.path(name)] + arguments)
    }

    func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// All shards of a folder, and its index.
    func content(_ name: String) throws -> [String: [UInt8]] {
        let path = folder.path(name)
        let names = try Files.list(path).filter { $0 != ExpansionRecord.finishedName }
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Files.read(path + "/" + $0)) })
    }

    @Test(arguments: ["npz", "mds"]) func whatIsWrittenIsWhatIsTold(form: String) throws {
        let result = try expand(["--by", "4x6", "--form", form, "--size-limit", "100000", "--json", "--threads", "1"])
        #expect(result.status == 0, "\(result.error)")
        let answer = try json(result.output)
        let expanded = try Self.read(folder.path("out"))
        #expect(answer["interactions"] as? Int == expanded.count && expanded.values == nil)
        #expect(answer["users"] as? Int == expanded.users.count && answer["items"] as? Int == expanded.items.count)
        #expect(expanded.users.count > 1500 && expanded.users.count <= 1600 && expanded.items.count <= 900)
        let expected = try #require(answer["expected_interactions"] as? Double)
        let rate = try #require(answer["keep_rate"] as? Double)
        #expect(abs(expected - rate * 24 * 9000) < 1e-3)
        #expect(abs(Double(expanded.count) - expected) < 6 * expected.squareRoot())
        #expect(answer["most_keep_rate"] as? Double == 1)
        let files = try content("out")
        #expect(
            answer["bytes"] as? Int == files.filter { $0.key.hasPrefix("shard.") }.reduce(0) { $0 + $1.value.count })
        #expect(answer["shards"] as? Int == files.count { $0.key.hasPrefix("shard.") } && files.count > 3)
        let described = try json(starling(["data", "describe", folder.path("out"), "--json"]).output)
        #expect(described["interactions"] as? Int == expanded.count && described["repeated_pairs"] as? Int == 0)
        let values = try #require((answer["singular_values"] as? [String: [Double]]))
        #expect(values["source"]?.count == 4 && values["factor"]?.count == 4)
        // Another number of threads: the same bytes. Another seed: others.
        let again = ["--by", "4x6", "--form", form, "--size-limit", "100000"]
        #expect(try expand(again + ["--threads", "3"], to: "again").status == 0)
        #expect(try content("again") == files)
        #expect(try expand(again + ["--seed", "7"], to: "other").status == 0)
        #expect(try content("other") != files)
    }

    @Test func interactionsAndRatings() throws {
        for wanted in [20_000, 150_000] {
            let result = try expand(
                ["--by", "5x5", "--interactions", "\(wanted / 1000)k", "--ratings", "--json", "--overwrite"])
            #expect(result.status == 0, "\(result.error)")
            let answer = try json(result.output)
            let expected = try #require(answer["expected_interactions"] as? Double)
            #expect(abs(expected - Double(wanted)) < 1e-3)
            let expanded = try Self.read(folder.path("out"))
            #expect(abs(expanded.count - wanted) < Int(6 * Double(wanted).squareRoot()))
            let (before, after) = (LogStatistics(log).values!, LogStatistics(expanded).values!)
            #expect(abs(before.mean - after.mean) < 0.05)
            #expect(Set(expanded.values!).isSubset(of: Set(log.values!)))
        }
        let most = try expand(["--by", "5x5", "--interactions", "1M", "--overwrite"])
        #expect(most.status == 64 && most.error.contains("at most 225,000"), "\(most.error)")
        #expect(try Self.read(folder.path("out")).count > 100_000, "what was there stays")
    }

    @Test func numPyReadsTheShards() throws {
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: NumPy did not read the shards")
        }
        #expect(try expand(["--by", "3x4", "--ratings", "--size-limit", "40000", "--shuffle", "sides"]).status == 0)
        let script = """
            import glob, numpy, sys
            files = [numpy.load(f) for f in sorted(glob.glob(sys.argv[1] + "/*.npz"))]
            users, items, ratings = (numpy.concatenate([f[name] for f in files]) for name in ["users", "items", "ratings"])
            assert users.dtype == items.dtype == "int32" and ratings.dtype == "float32"
            assert len(set(zip(users.tolist(), items.tolist()))) == len(users)
            print(len(files), len(users), users.max() < 1200, items.max() < 600, users.sum(), items.sum(), ratings.sum(dtype=float))
            """
        let result = try shell("'\(python)' '\(try folder.file("script.py", script))' '\(folder.path("out"))'")
        let expanded = try Self.read(folder.path("out"))
        func sum(_ ids: [Int], _ rows: [UInt32]) -> Int { rows.reduce(0) { $0 + ids[Int($1)] } }
        let (users, items) = (expanded.users.rawIDs.map { Int($0)! }, expanded.items.rawIDs.map { Int($0)! })
        let total = expanded.values!.reduce(0.0) { $0 + Double($1) }
        let shards = try Files.list(folder.path("out")).count { $0.hasPrefix("shard.") }
        let line =
            "\(shards) \(expanded.count) True True \(sum(users, expanded.userRows)) \(sum(items, expanded.itemRows)) \(total)\n"
        #expect(result.output == line, "\(result.error)")
    }

    /// Killed at any moment it ends, gone on with, in the same bytes; until then nobody takes it for data.
    @Test(arguments: ["npz", "mds"]) func aKillIsGoneOnFrom(form: String) throws {
        let elsewhere = try TemporaryFolder()
        let larger = try elsewhere.ratings(users: 3000, items: 900, interactions: 400_000, seed: 2)
        let arguments = ["--by", "12x8", "--form", form, "--ratings", "--size-limit", "1000000"]
        let first = try expand(arguments + ["--json"], data: larger)
        #expect(first.status == 0, "\(first.error)")
        let expected = try content("out")
        var random = RandomStream(seed: 5, .test)
        var (kills, partial) = (0, 0)
        let killed = folder.path("killed")
        let command = ["data", "expand", "--data", larger, "--output", killed, "--resume"] + arguments
        for _ in 0..<RecoveryTests.trials {
            try Files.remove(killed)
            for _ in 0..<3 {
                let moment = Moment.files(1 + random.below(expected.count), killed)
                guard try starling(command, thenSend: SIGKILL, when: moment) == -SIGKILL else { break }
                kills += 1
                guard !Files.exists(killed + "/" + ExpansionRecord.finishedName) else { break }
                partial += try Files.list(killed).contains { $0.hasPrefix("shard.") } ? 1 : 0
                let described = try starling(["data", "describe", killed])
                #expect(described.status == 65, "\(described.error)")
            }
            let finished = try starling(command + ["--json"])
            #expect(finished.status == 0, "\(finished.error)")
            #expect(try content("killed") == expected)
            let (one, other) = (try json(first.output), try json(finished.output))
            #expect(one["result"] as? NSDictionary == other["result"] as? NSDictionary)
        }
        print("kills: \(kills), with some shards there: \(partial)")
        #expect(partial > 0)
        // Finished, it says what it said; with other settings it is refused.
        let stored = try expand(arguments + ["--resume", "--json"], data: larger)
        #expect(stored.status == 0 && stored.output == first.output, "\(stored.error)")
        for (other, name) in [
            (["--seed", "9"], "--seed"), (["--interactions", "5M"], "--interactions"),
            (["--shuffle", "sides"], "--shuffle"),
        ] {
            let refused = try expand(arguments + other + ["--resume"], data: larger)
            #expect(refused.status == 64 && refused.error.contains(name), "\(refused.error)")
        }
        let data = try expand(arguments + ["--resume"])
        #expect(data.status == 64 && data.error.contains("the data"), "\(data.error)")
        #expect(try content("out") == expected)
    }

    @Test func refusesWhatCannotBe() throws {
        for (arguments, words) in [
            (["--by", "16"], "16x32"), (["--by", "0x4"], "16x32"), (["--by", "4x4x4"], "16x32"),
            (["--by", "ax4"], "16x32"),
            (["--by", "401x2"], "at most 400x150"), (["--by", "2x151"], "at most 400x150"),
            (["--by", "2x2", "--interactions", "many"], "--interactions"),
            (["--by", "2x2", "--form", "csv"], "npz, mds"),
            (["--by", "2x2", "--shuffle", "nothing"], "blocks, sides"),
            (["--by", "2x2", "--size-limit", "0"], "--size-limit"),
            (["--by", "2x2", "--resume", "--overwrite"], "exclude"),
            (["--by", "2x2", "--report", folder.path("out/report.html")], "folder that is there"),
        ] {
            let result = try expand(arguments)
            #expect(result.status == 64 && result.error.contains(words), "\(result.error)")
            #expect(!Files.exists(folder.path("out")))
        }
        let pairs = try folder.file("pairs.csv", "user,item\n" + (0..<50).map { "u\($0),i\($0 % 7)\n" }.joined())
        let unrated = try expand(["--by", "2x2", "--ratings"], data: pairs)
        #expect(unrated.status == 64 && unrated.error.contains("has none"), "\(unrated.error)")
        #expect(try expand(["--by", "2x2"], data: folder.path("absent")).status == 65)
        // 70,000 × 70,000 users.
        let many = try folder.file(
            "many.csv", "user,item\n" + (0..<70_000).map { "\($0),\($0 % 3)\n" }.joined())
        let wide = try expand(["--by", "70000x1"], data: many)
        #expect(wide.status == 64 && wide.error.contains("32 bits"), "\(wide.error)")
    }

    /// Terabytes are not begun.
    @Test func tooLittleDisk() throws {
        var text = "user,item\n"
        for user in 0..<60_000 { text += (0..<10).map { "\(user),\($0)\n" }.joined() }
        let full = try folder.file("full.csv", text)
        guard (Files.freeBytes(folder.path("")) ?? .max) < 2_800_000_000_000 else {
            return print("the disk has room for terabytes: it was not filled")
        }
        let result = try expand(["--by", "60000x10"], data: full)
        #expect(result.status == 1 && result.error.contains("take 2.88 TB more"), "\(result.error)")
        #expect(!Files.exists(folder.path("out")))
    }

    @Test func replacesOnlyAnExpansion() throws {
        let arguments = ["--by", "2x3"]
        #expect(try expand(arguments).status == 0)
        #expect(try expand(arguments).status == 64)
        #expect(try expand(arguments + ["--overwrite", "--form", "mds"]).status == 0)
        #expect(try content("out").keys.allSatisfy { !$0.hasSuffix(".npz") })
        _ = try folder.file("out/notes.txt", "mine")
        for flag in ["--overwrite", "--resume"] {
            let refused = try expand(arguments + ["--form", "mds", flag])
            #expect(refused.status == 64 && refused.error.contains("notes.txt"), "\(refused.error)")
        }
        let inside = try expand(arguments + ["--report", folder.path("out/report.html")], to: "out/x")
        #expect(inside.status == 0, "beside the folder: \(inside.error)")
    }

    @Test(arguments: ["blocks", "sides"]) func thePageShowsBothSides(shuffle: String) throws {
        let page = folder.path("page.html")
        let result = try expand(["--by", "4x5", "--shuffle", shuffle, "--report", page, "--json"])
        #expect(result.status == 0, "\(result.error)")
        let answer = try json(result.output)
        #expect(answer["report"] as? String == page)
        let text = try Files.readText(page)
        let element = try #require(text.split(separator: #"type="application/json""#, maxSplits: 1).last)
        let start = try #require(element.firstIndex(of: ">"))
        let held = try #require(element[element.index(after: start)...].split(separator: "</script>").first)
        let told = try #require(try json(held)["expansion"] as? [String: Any])
        #expect(told["shuffle"] as? String == shuffle)
        let side = try #require(told["result"] as? [String: Any])
        let popularity = try #require((side["popularity"] as? [String: Any])?["by_rank"] as? [[Int]])
        // The counts are those of the data that was written.
        let expanded = try Self.read(folder.path("out"))
        var counts = [Int](repeating: 0, count: expanded.items.count)
        for item in expanded.itemRows { counts[Int(item)] += 1 }
        counts.sort(by: >)
        #expect(popularity.allSatisfy { counts[$0[0] - 1] == $0[1] } && popularity.last?[0] == counts.count)
        let spectra = try #require(told["spectra"] as? [[String: Any]])
        #expect(spectra.map { $0["name"] as? String } == ["source", "factor", "factor ⊗ source", "result"])
        let first = spectra.map { ($0["values"] as? [Double])?.first ?? 0 }
        #expect(abs(first[2] - first[0] * first[1]) < 1e-6 * first[2])
        // Thinning adds little to the first value, and shuffling by sides does not change it.
        if shuffle == "sides" { #expect(abs(first[3] / first[2] - 1) < 0.05, "\(first)") }
        let command = try #require(told["command"] as? String)
        let again = command.replacingOccurrences(
            of: "--output \(folder.path("out"))", with: "--output \(folder.path("again"))")
        let made = try shell("PATH=\(builtProducts.path):$PATH; " + again)
        #expect(made.status == 0, "\(made.error)")
        #expect(try content("again") == content("out"))
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: no browser opened the page")
        }
        let shown = try shell("\(python) \(Files.parent(#filePath))/report/check.py \(page)")
        guard shown.status != 77 else { return print("skipped: \(shown.output)") }
        #expect(shown.status == 0, "\(shown.output)\(shown.error)")
    }
}
