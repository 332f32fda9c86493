import Basics
import Formats
import Foundation
import Testing

/// Lists for the users of shards, in folders of files.
@Suite struct BatchRecommendTests {
    let folder: TemporaryFolder
    let run: String, shards: String

    init() throws {
        folder = try TemporaryFolder()
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
        run = folder.path("run")
        shards = folder.path("shards")
        let trained = try starling([
            "train", "als", "--data", ratings, "--output", run, "--factors", "8", "--iterations", "2", "--val-size",
            "0",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        // Some users, one of them twice, and two whom training did not see.
        let writer = try MDSWriter(
            shards, columns: ["user": .string, "age": .number(.int64)], options: .init(sizeLimit: 200))
        for user in [7, 3, 90, 1000, 3, 12, 55, 1001, 56, 57] {
            try writer.write(["user": .string("\(user)"), "age": .int(30)])
        }
        try writer.finish()
    }

    private func recommend(_ more: [String]) throws -> (status: Int32, output: String, error: String) {
        try starling(["recommend", run, "--count", "5"] + more)
    }

    private func lines(_ path: String) throws -> [String] {
        try Files.readText(path).split(separator: "\n").map(String.init)
    }

    @Test func listsOfShardsAreThoseOfTheirUsers() throws {
        let (all, some) = (folder.path("all.jsonl"), folder.path("some.jsonl"))
        #expect(try recommend(["--all-users", "--output", all]).status == 0)
        let result = try recommend(["--users-from", shards, "--output", some])
        #expect(result.status == 0 && result.error.contains("2 users are left out"), "\(result.error)")
        let whole = try lines(all)
        let expected = [7, 3, 90, 12, 55, 56, 57].map { user in
            whole.first { $0.contains("\"user\":\"\(user)\"") } ?? "user \(user) is not there"
        }
        #expect(try lines(some) == expected)
    }

    /// Lines are those that the answer for one user is encoded to, whatever stands in ids and titles.
    @Test func linesAreTheEncoders() throws {
        let names = ["\"quoted\"", "back\\slash", "tab\tand\u{7f}", "ünï – 映画 🎬", "a, comma", "x", "plain/slash"]
        let ratings = (0..<40).map { "\"u,\($0 % 9)\",i\($0 % 7)é,\($0 % 5 + 1)" }
        let data = try folder.file("odd.csv", "user,item,rating\n" + ratings.joined(separator: "\n") + "\n")
        let titles = names.enumerated().map { number, name in
            "i\(number)é,\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                + "\",G\n"
        }
        let items = try folder.file("odd-items.csv", "itemId,title,genres\n" + titles.joined())
        let odd = folder.path("odd")
        let trained = try starling([
            "train", "als", "--data", data, "--items", items, "--output", odd, "--factors", "4", "--iterations", "2",
            "--val-size", "0",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        let flags = ["--count", "7", "--include-seen"]
        let lines = try starling(["recommend", odd, "--all-users"] + flags).output.split(separator: "\n")
        #expect(lines.count == 9 && lines[0].contains("quoted"))
        for line in lines {
            let parsed = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let user = try #require(parsed["user"] as? String)
            let one = try starling(["recommend", odd, "--user", user, "--json"] + flags)
            #expect(one.output == line + "\n")
        }
        let table = folder.path("odd-lists.csv")
        #expect(try starling(["recommend", odd, "--all-users", "--output", table] + flags).status == 0)
        let text = try Files.readText(table)
        #expect(text.contains("\n\"u,1\",1,i") && text.contains(",\"\"\"quoted\"\"\"\n"))
    }

    /// Parts are as one file cut, and go on where one is missing, whatever the format.
    @Test(arguments: ["jsonl", "csv", "npz", "mds"]) func partsGoOn(format: String) throws {
        let parts = folder.path("parts")
        let options = ["--users-from", shards, "--output", parts, "--part-size", "3", "--format", format]
        #expect(try recommend(options).status == 0)
        let names = (0..<3).map { "/part-0000\($0).\(format)" }
        #expect(try Files.list(parts).sorted() == (["lists.json"] + names.map { String($0.dropFirst()) }).sorted())
        func contents(_ name: String) throws -> [UInt8] {
            try format == "mds"
                ? Files.read(parts + name + "/shard.00000.mds") : format == "npz" ? [] : Files.read(parts + name)
        }
        let before = try names.map(contents)
        #expect(try recommend(options).status == 64)
        try Files.remove(parts + names[1])
        let resumed = try recommend(options + ["--resume"])
        #expect(resumed.status == 0 && resumed.error.contains("of which 2 were there"), "\(resumed.error)")
        #expect(try names.map(contents) == before)
        #expect(Files.exists(parts + names[1]))
        let other = try starling(["recommend", run, "--count", "6"] + options + ["--resume"])
        #expect(other.status == 64 && other.error.contains("another run"), "\(other.error)")
        #expect(try starling(["recommend", run, "--count", "6"] + options + ["--overwrite"]).status == 0)
        switch format {
        case "jsonl": #expect(try lines(parts + names[2]).count == 1)
        case "csv": #expect(try lines(parts + names[2]).count == 1 + 6)
        case "mds":
            let data = try MDSFolder(parts + names[0])
            #expect(data.count == 3 && data.columns.map(\.name) == ["items", "scores", "user"])
            let items = try data.shard(0).strings("user", .range(0..<3))
            #expect(items == ["7", "3", "90"])
        default: #expect(try NPZFile(parts + names[0]).names.sorted() == ["items", "scores", "users"])
        }
    }

    @Test(arguments: [
        (["--users-from", "SHARDS", "--all-users"], 64, "exclude each other"),
        (["--users-from", "SHARDS", "--output", "x.jsonl", "--resume"], 64, "--part-size"),
        (["--users-from", "SHARDS", "--part-size", "0", "--output", "x"], 64, "--part-size 0"),
        (["--users-from", "SHARDS", "--part-size", "5"], 64, "--output"),
        (
            ["--users-from", "SHARDS", "--part-size", "5", "--output", "x", "--format", "xml"], 64,
            "jsonl, csv, npz, mds"
        ),
        (["--users-from", "/nowhere", "--output", "x.jsonl"], 65, "/nowhere"),
    ]) func refuses(flags: [String], status: Int, words: String) throws {
        let result = try recommend(
            flags.map { $0 == "SHARDS" ? shards : $0.hasPrefix("x") && $0 != "xml" ? folder.path($0) : $0 })
        #expect(result.status == Int32(status) && result.error.contains(words), "\(result.error)")
    }
}
