import Basics
import Foundation
import Testing

/// `recommend`, `similar`, `evaluate`, `export`, `describe`, `runs` from the outside, on one small run.
@Suite struct UseCommandTests {
    let folder: TemporaryFolder
    var run: String { folder.path("run") }

    init() throws {
        folder = try TemporaryFolder()
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 40, items: 30))
        var titles = "movieId,title,genres\n"
        for item in 1...30 { titles += "\(item),\"Film \(item), The (19\(60 + item))\",Drama\n" }
        let items = try folder.file("movies.csv", titles)
        let users = try folder.file("users.dat", (1...40).map { "\($0)::F::\(20 + $0)::7::12345\n" }.joined())
        let trained = try starling([
            "train", "mf", "--data", ratings, "--items", items, "--users", users, "--output", folder.path("run"),
            "--factors", "6", "--epochs", "5", "--split", "random:0.1,0.1",
        ])
        #expect(trained.status == 0, "\(trained.error)")
    }

    func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    func items(_ answer: [String: Any]) throws -> [String] {
        try #require(answer["items"] as? [[String: Any]]).map { try #require($0["item"] as? String) }
    }

    @Test func recommendsWithTitlesAndHistory() throws {
        let answer = try json(starling(["recommend", run, "--user", "7", "--count", "5", "--json"]).output)
        #expect(answer["user"] as? String == "7")
        let first = try #require((answer["items"] as? [[String: Any]])?.first)
        #expect((first["title"] as? String)?.hasPrefix("Film ") == true && first["score"] is Double)
        let table = try starling(["recommend", run, "--user", "7", "--count", "5", "--with-history"])
        #expect(table.output.contains("What user 7 (gender F, age 27"), "\(table.output)")
        #expect(table.output.contains("Recommended to user 7"))
    }

    @Test func severalUsersInTheOrderAskedFor() throws {
        let lists = folder.path("all.jsonl")
        #expect(try starling(["recommend", run, "--all-users", "--count", "8", "--output", lists]).status == 0)
        let lines = try Files.readText(lists).split(separator: "\n")
        let several = try starling(["recommend", run, "--user", "3", "--user", "1", "--count", "8"])
        #expect(several.output.split(separator: "\n").map { String($0) } == [String(lines[2]), String(lines[0])])
    }

    @Test func csvAndNPZHoldTheSame() throws {
        let (csv, npz) = (folder.path("all.csv"), folder.path("all.npz"))
        for path in [csv, npz] {
            let result = try starling(["recommend", run, "--all-users", "--count", "3", "--output", path, "--json"])
            #expect(result.status == 0)
            let took = try json(result.output)
            #expect(took["output"] as? String == path && took["users"] as? Int == 40 && took["count"] as? Int == 3)
            let (rank, all) = (try #require(took["rank_seconds"] as? Double), try #require(took["seconds"] as? Double))
            #expect(rank > 0 && rank < all)
        }
        let rows = try Files.readText(csv).split(separator: "\n")
        #expect(rows[0] == "user,rank,item,score,title" && rows.count == 1 + 40 * 3)
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: NumPy did not read the file")
        }
        let script = """
            import csv, numpy as np, sys
            lists = np.load(sys.argv[2])
            rows = list(csv.DictReader(open(sys.argv[1])))
            users, items, scores = lists["users"], lists["items"], lists["scores"]
            assert users.shape == (40,) and items.shape == (40, 3) and users.dtype == np.int64, users
            for place, row in enumerate(rows):
                u, rank = divmod(place, 3)
                assert (int(row["user"]), int(row["item"])) == (users[u], items[u, rank]), row
                assert np.float32(row["score"]) == scores[u, rank] and int(row["rank"]) == rank + 1, row
                assert row["title"].startswith("Film "), row
            """
        #expect(try runPython(python, script, [csv, npz]) == 0)
    }

    @Test func exportedVectorsGiveTheScores() throws {
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: NumPy did not read the files")
        }
        let paths = ["plain.npz", "folded.npz", "plain.safetensors", "plain.csv"].map { folder.path($0) }
        for path in paths {
            let flags = path.contains("folded") ? ["--folded"] : []
            #expect(try starling(["export", run, "--to", path] + flags).status == 0)
        }
        let one = try starling(["recommend", run, "--user", "7", "--count", "30", "--include-seen", "--json"]).output
        let answer = try folder.file("one.json", one)
        let script = """
            import csv, json, numpy as np, sys
            from safetensors.numpy import load_file
            plain, folded = np.load(sys.argv[1]), np.load(sys.argv[2])
            tensors, answer = load_file(sys.argv[3]), json.load(open(sys.argv[5]))
            for name in plain.files:
                assert np.array_equal(plain[name], tensors[name]), name
            assert plain["users"].dtype == np.int64 and plain["user_factors"].shape == (40, 6)
            u = list(plain["users"]).index(7)
            direct = (plain["global_mean"] + plain["user_biases"][u] + plain["item_biases"]
                      + plain["item_factors"] @ plain["user_factors"][u])
            assert np.allclose(folded["item_factors"] @ folded["user_factors"][u], direct, atol=1e-5)
            score = dict(zip(plain["items"], direct))
            for found in answer["items"]:
                assert abs(score[int(found["item"])] - found["score"]) < 1e-5, found
            rows = list(csv.DictReader(open(sys.argv[4])))
            assert len(rows) == 70 and np.float32(rows[0]["f1"]) == plain["user_factors"][0, 0]
            """
        #expect(try runPython(python, script, paths + [answer]) == 0)
    }

    @Test func itemsAreFoundByTitle() throws {
        let byID = try starling(["similar", run, "--item", "5", "--count", "4", "--json"])
        let byTitle = try starling(["similar", run, "--item", "film 5, the (1965)", "--count", "4", "--json"])
        #expect(byID.status == 0 && byID.output == byTitle.output)
        #expect(!(try items(json(byID.output))).contains("5"))
        let wrong = try starling(["similar", run, "--item", "Film 5, Teh"])
        #expect(wrong.status == 65 && wrong.error.contains("Film 5, The (1965)"), "\(wrong.error)")
    }

    @Test func unknownUsersAreNamedWithNearOnes() throws {
        let result = try starling(["recommend", run, "--user", "7x"])
        #expect(result.status == 65 && result.error.contains("near ids: 7"), "\(result.error)")
        #expect(try starling(["recommend", run]).status == 64)
        #expect(try starling(["recommend", run, "--user", "7", "--count", "0"]).status == 64)
        #expect(try starling(["recommend", run, "--all-users", "--output", "lists.xml"]).status == 64)
        #expect(try starling(["recommend", folder.path("nowhere"), "--user", "7"]).status == 64)
    }

    @Test func evaluatesWithItsProtocol() throws {
        let own = try json(starling(["evaluate", run, "--k", "5,10", "--json"]).output)
        let how = try #require(own["protocol"] as? [String: Any])
        #expect(how["split"] as? String == "random:0.1,0.1 (test part)")
        #expect(how["candidates"] as? String == "all" && how["filter_seen"] as? Bool == true)
        let metrics = try #require(own["metrics"] as? [String: Double])
        for name in ["recall", "recall_capped", "ndcg", "hit_rate", "mrr", "map", "coverage"] {
            #expect(metrics["\(name)@5"] != nil && metrics["\(name)@10"] != nil, "\(name)")
        }
        #expect(metrics["rmse"] != nil && metrics["mae"] != nil)
        #expect((own["users_evaluated"] as? Int ?? 0) > 20)
        let test = try folder.file("test.csv", "user,item,rating\n1,2,3.5\n1,99,3\n77,2,1\n")
        let other = try json(starling(["evaluate", run, "--data", test, "--json"]).output)
        #expect(other["interactions"] as? Int == 1 && other["unknown_interactions"] as? Int == 2)
        #expect(other["unknown_item_interactions"] as? Int == 1)
        #expect(try starling(["evaluate", run, "--k", "ten"]).status == 64)
    }

    @Test func describesTheRun() throws {
        let answer = try json(starling(["describe", run, "--json"]).output)
        #expect(answer["users"] as? Int == 40 && answer["items"] as? Int == 30)
        #expect((answer["config"] as? [String: Any])?["factors"] as? Int == 6)
        #expect((answer["checkpoints"] as? [String])?.last == "000005")
        #expect((answer["weights_sha256"] as? String)?.count == 64)
        let runs = try json(starling(["runs", folder.url.path, "--json"]).output)
        #expect((runs["runs"] as? [[String: Any]])?.first?["status"] as? String == "finished")
    }
}

/// Runs a Python script with arguments; its exit status.
func runPython(_ python: String, _ script: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script] + arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
