import Basics
import Foundation
import Testing

/// Protocols of `evaluate`, and `recommend` to people whom training did not see.
@Suite struct ProtocolCommandTests {
    let folder: TemporaryFolder
    var run: String { folder.path("run") }

    /// Adjacency lists: 40 users of training with 12 of 30 items each, 4 of them in a test file with two items and a user
    /// that training lacks.
    init() throws {
        folder = try TemporaryFolder()
        var (train, test, ratings) = ("", "", "user,item,rating\n")
        for user in 0..<40 {
            let own = (0..<30).filter { ($0 * 7 + user * 11) % 5 < 2 || ($0 + user) % 13 == 0 }
            ratings += own.map { "\(user),\($0),\(1 + ($0 * 3 + user) % 5)\n" }.joined()
            train += "\(user) " + own.map { "\($0)" }.joined(separator: " ") + "\n"
            let left = (0..<30).filter { !own.contains($0) && ($0 + user) % 4 == 0 }
            test += "\(user) " + (left + (user % 3 == 0 ? [98, 99] : [])).map { "\($0)" }.joined(separator: " ") + "\n"
        }
        test += "77 1 2 3 98\n"
        _ = try folder.file("test.txt", test)
        _ = try folder.file("train.txt", train)
        let trained = try starling([
            "train", "mf", "--data", try folder.file("train.csv", ratings), "--output", run, "--factors", "4",
            "--epochs",
            "3", "--val-size", "0.2",
        ])
        #expect(trained.status == 0, "\(trained.error)")
    }

    func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// The figures that NumPy gets from the exported vectors and the two files, by LightGCN's definitions.
    @Test(arguments: ["mf", "als"]) func givenListsAreScoredAsLightGCNDoes(model: String) throws {
        var run = run
        if model == "als" {
            run = folder.path("als")
            let trained = try starling([
                "train", "als", "--data", folder.path("train.txt"), "--output", run, "--factors", "4", "--iterations",
                "3", "--val-size", "0",
            ])
            #expect(trained.status == 0, "\(trained.error)")
        }
        let result = try starling(["evaluate", run, "--data", folder.path("test.txt"), "--k", "1,5,20", "--json"])
        let answer = try json(result.output)
        #expect(answer["users_evaluated"] as? Int == 40 && answer["unknown_interactions"] as? Int == 4 + 2 * 14)
        #expect(answer["unknown_item_interactions"] as? Int == 2 * 14)
        let table = try starling(["evaluate", run, "--data", folder.path("test.txt")]).output
        #expect(table.contains("Missed from the start: 28") && table.contains("Left out: 4"), "\(table)")
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: NumPy did not check the figures")
        }
        #expect(try starling(["export", run, "--folded", "--to", folder.path("v.npz")]).status == 0)
        let script = """
            import json, sys, numpy as np
            read = lambda p: {int(l.split()[0]): [int(i) for i in l.split()[1:]] for l in open(p)}
            train, test, answer, v = read(sys.argv[1]), read(sys.argv[2]), json.load(open(sys.argv[3])), np.load(sys.argv[4])
            scores = v["user_factors"].astype(np.float64) @ v["item_factors"].astype(np.float64).T
            users, items = list(v["users"]), list(v["items"])
            for k in (1, 5, 20):
                recall, capped, ndcg = [], [], []
                for u in users:
                    s = scores[users.index(u)].copy()
                    s[[items.index(i) for i in train[u]]] = -np.inf
                    order = [j for j in np.argsort(-s, kind="stable")[:k] if s[j] > -np.inf]
                    hit = np.zeros(k)
                    hit[:len(order)] = [items[j] in test[u] for j in order]
                    d = 1 / np.log2(np.arange(2, k + 2))
                    n = min(k, len(test[u]))
                    recall.append(hit.sum() / len(test[u]))
                    capped.append(hit.sum() / n)
                    ndcg.append((hit * d).sum() / d[:n].sum())
                for name, values in (("recall", recall), ("recall_capped", capped), ("ndcg", ndcg)):
                    found = answer["metrics"][f"{name}@{k}"]
                    assert len(values) == 40 and abs(found - np.mean(values)) < 1e-9, (name, k, found, np.mean(values))
            """
        let answers = try folder.file("answer.json", result.output)
        let files = [folder.path("train.txt"), folder.path("test.txt"), answers, folder.path("v.npz")]
        #expect(try runPython(python, script, files) == 0)
    }

    @Test func sampledFiguresStandBesideFullOnes() throws {
        let result = try starling(["evaluate", run, "--negatives", "5", "--seed", "3", "--k", "3", "--json"])
        let answer = try json(result.output)
        let (full, sampled) = (
            try #require(answer["metrics"] as? [String: Double]), try #require(answer["sampled"] as? [String: Any])
        )
        let how = try #require(sampled["protocol"] as? [String: Any])
        #expect(how["candidates"] as? Int == 5 && how["split"] as? String == "random:0.2")
        #expect(sampled["seed"] as? Int == 3 && sampled["interactions"] as? Int == answer["interactions"] as? Int)
        let metrics = try #require(sampled["metrics"] as? [String: Double])
        #expect(Set(metrics.keys) == ["hit_rate@3", "ndcg@3", "mrr@3", "auc"])
        #expect(full["hit_rate@3"] != nil && full["ndcg@3"] != nil)
        let other = try starling(
            ["evaluate", run, "--negatives", "5", "--seed", "3", "--k", "3", "--json", "--threads", "1"])
        #expect(other.output == result.output)
        let table = try starling(["evaluate", run, "--negatives", "5", "--k", "3"]).output
        #expect(table.contains("full") && table.contains("sampled, 5") && table.contains("auc"), "\(table)")
        #expect(try starling(["evaluate", run, "--negatives", "0"]).status == 64)
        #expect(try json(starling(["evaluate", run, "--json"]).output)["sampled"] == nil)
    }

    @Test func aFallbackSaysThatItIsOne() throws {
        let without = try starling(["recommend", run, "--user", "77"])
        #expect(without.status == 65 && without.error.contains("--cold-start popular"), "\(without.error)")
        let result = try starling([
            "recommend", run, "--user", "77", "--cold-start", "popular", "--count", "4", "--json",
        ])
        let answer = try json(result.output)
        #expect(answer["user"] as? String == "77" && answer["fallback"] as? String == "popular")
        #expect((answer["reason"] as? String)?.contains("no user “77”") == true)
        let counts = try #require(answer["items"] as? [[String: Any]]).map { try #require($0["score"] as? Double) }
        #expect(
            counts.count == 4 && counts == counts.sorted(by: >) && counts.allSatisfy { $0.rounded() == $0 && $0 > 5 })
        let text = try starling(["recommend", run, "--user", "77", "--cold-start", "popular"]).output
        #expect(text.hasPrefix("Fallback: there is no user “77”") && text.contains("interactions"), "\(text)")

        // A user that is known gets what they get without the flag.
        let known = try starling(["recommend", run, "--user", "3", "--json"]).output
        #expect(try starling(["recommend", run, "--user", "3", "--cold-start", "popular", "--json"]).output == known)
        let several = try starling(["recommend", run, "--user", "3", "--user", "77", "--cold-start", "popular"]).output
        let lines = several.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] + "\n" == known && lines[1].contains(#""fallback":"popular""#))
        let file = folder.path("lists.jsonl")
        let took = try json(
            starling([
                "recommend", run, "--user", "3", "--user", "77", "--cold-start", "popular", "--output", file, "--json",
            ]).output)
        #expect(try Files.readText(file) == several && took["users"] as? Int == 2)

        for wrong in [
            ["--all-users", "--cold-start", "popular"], ["--user", "3", "--cold-start", "random"],
            ["--user", "3", "--cold-start", "popular", "--output", folder.path("lists.csv")],
        ] { #expect(try starling(["recommend", run] + wrong).status == 64, "\(wrong)") }
    }

    @Test func historiesNeedAModelThatFoldsIn() throws {
        let result = try starling(["recommend", run, "--history", "1,2:3"])
        #expect(result.status == 64 && result.error.contains("makes no vector of a history"), "\(result.error)")
        #expect(try starling(["recommend", run, "--history", "1", "--user", "3"]).status == 64)
        #expect(try starling(["recommend", run, "--history", "1", "--output", folder.path("x.npz")]).status == 64)
    }
}
