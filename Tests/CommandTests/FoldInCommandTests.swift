import Basics
import Foundation
import Testing

/// People who were not in training, through the command, against normal equations that NumPy solves.
@Suite struct FoldInCommandTests {
    let folder: TemporaryFolder
    var run: String { folder.path("run") }
    let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"]

    /// Eight of 60 users are held out whole.
    init() throws {
        folder = try TemporaryFolder()
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 60, items: 30))
        let split = ["--data", ratings, "--split", "held-out-users:8", "--seed", "5"]
        let trained = try starling(
            ["train", "als", "--output", folder.path("run"), "--factors", "5", "--iterations", "4", "--alpha", "2"]
                + ["--regularization", "0.7"] + split)
        #expect(trained.status == 0, "\(trained.error)")
        #expect(try starling(["data", "split", "--output", folder.path("parts")] + split).status == 0)
        #expect(try starling(["export", folder.path("run"), "--to", folder.path("v.npz")]).status == 0)
    }

    func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// `fold(history)`: the vector of a history `{item: value}`; `scores` by item id.
    static let prelude = """
        import csv, json, sys, numpy as np
        v = np.load(sys.argv[1])
        Y, items = v["item_factors"].astype(np.float64), [str(i) for i in v["items"]]
        def fold(history):
            A, b = Y.T @ Y + 0.7 * np.eye(5), np.zeros(5)
            for item, value in history.items():
                y = Y[items.index(item)]
                A += 2 * value * np.outer(y, y)
                b += (1 + 2 * value) * y
            return np.linalg.solve(A, b)
        def read(name):
            rows = {}
            for row in list(csv.reader(open(name)))[1:]:
                rows.setdefault(row[0], {})[row[1]] = float(row[2])
            return rows

        """

    @Test func usersHeldOutWholeAreFoundByTheirHistories() throws {
        let result = try starling(["evaluate", run, "--k", "1,5,10", "--negatives", "4", "--json"])
        let answer = try json(result.output)
        #expect(answer["users_evaluated"] as? Int == 8, "\(result.error)")
        #expect((answer["protocol"] as? [String: Any])?["split"] as? String == "held-out-users:8")
        #expect(answer["sampled"] != nil)
        let described = try json(starling(["describe", run, "--json"]).output)
        #expect(described["users"] as? Int == 60 && described["items"] as? Int == 30)
        guard let python else { return print("no STARLING_PYTHON: NumPy did not check the figures") }
        let script = """
            train, fold_in, test = (read(f"{sys.argv[3]}/{part}.csv") for part in ("train", "fold-in", "test"))
            assert len(train) == 52 and set(fold_in) == set(test) and not set(test) & set(train)
            trained = {item for history in train.values() for item in history}
            answer = json.load(open(sys.argv[2]))
            for k in (1, 5, 10):
                sums = np.zeros(3)
                for user, wanted in test.items():
                    scores = Y @ fold(fold_in[user])
                    best = [items[j] for j in np.argsort(-scores, kind="stable")
                            if items[j] in trained and items[j] not in fold_in[user]][:k]
                    hit = np.zeros(k)
                    hit[:len(best)] = [item in wanted for item in best]
                    d, n = 1 / np.log2(np.arange(2, k + 2)), min(k, len(wanted))
                    sums += hit.sum() / len(wanted), hit.sum() / n, (hit * d).sum() / d[:n].sum()
                for name, value in zip(("recall", "recall_capped", "ndcg"), sums / 8):
                    assert abs(answer["metrics"][f"{name}@{k}"] - value) < 1e-9, (name, k, value)
            assert answer["metrics"]["recall@10"] > 0
            """
        let files = [folder.path("v.npz"), try folder.file("answer.json", result.output), folder.path("parts")]
        #expect(try runPython(python, Self.prelude + script, files) == 0)
    }

    @Test func historiesAreFoldedIn() throws {
        let histories = ["3:5,10:1.5,7", "12:4", "1,2,3,4:2,29:5"]
        let result = try starling(["recommend", run, "--count", "40"] + histories.flatMap { ["--history", $0] })
        #expect(result.status == 0, "\(result.error)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 3)
        for (history, line) in zip(histories, lines) {
            // Alone and on one thread the bits are the same.
            let flags = ["--history", history, "--count", "40", "--json", "--threads", "1"]
            #expect(try starling(["recommend", run] + flags).output == line + "\n")
        }
        let all = try starling([
            "recommend", run, "--history", histories[0], "--count", "40", "--include-seen", "--json",
        ])
        let text = try starling(["recommend", run, "--history", histories[0], "--with-history"]).output
        #expect(text.contains("The history that was given") && text.contains("Recommended for this history"))
        guard let python else { return print("no STARLING_PYTHON: NumPy did not check the scores") }
        let script = """
            trained = {item for history in read(f"{sys.argv[3]}/train.csv").values() for item in history}
            histories = [{"3": 5, "10": 1.5, "7": 1}, {"12": 4}, {"1": 1, "2": 1, "3": 1, "4": 2, "29": 5}]
            lists = [json.loads(line) for line in open(sys.argv[2])]
            for number, answer in enumerate(lists):
                history = histories[number % 3]
                given = {entry["item"]: entry["score"] for entry in answer["history"]}
                assert given == history and "user" not in answer, given
                scores = dict(zip(items, Y @ fold(history)))
                found = {entry["item"]: entry["score"] for entry in answer["items"]}
                assert set(found) == (trained if number == 3 else trained - set(history)), number
                assert all(abs(scores[item] - score) < 1e-5 for item, score in found.items()), number
                values = [entry["score"] for entry in answer["items"]]
                assert values == sorted(values, reverse=True)
            """
        let lists = try folder.file("lists.jsonl", result.output + all.output)
        #expect(try runPython(python, Self.prelude + script, [folder.path("v.npz"), lists, folder.path("parts")]) == 0)
    }

    @Test func wrongHistoriesAreRefused() throws {
        for (history, part) in [
            ("3:5,300:2", "no item “300”"), ("3,3:2", "stands twice"), ("3:-1", "cannot be negative"),
            ("3:nan", "finite"),
        ] {
            let result = try starling(["recommend", run, "--history", history])
            #expect(result.status == 65 && result.error.contains(part), "\(history): \(result.error)")
        }
        #expect(try starling(["recommend", run, "--history", ""]).status == 64)
        // Whoever was held out is unknown to training.
        let user = try Files.readText(folder.path("parts/fold-in.csv")).split(separator: "\n")[1].split(separator: ",")[
            0]
        let held = try starling(["recommend", run, "--user", String(user)])
        #expect(held.status == 65 && held.error.contains("no interactions in the training part"), "\(held.error)")
        let popular = try starling(["recommend", run, "--user", String(user), "--cold-start", "popular", "--json"])
        #expect(try json(popular.output)["fallback"] as? String == "popular")
    }

    @Test func anUpdateTakesNewPeopleAndItemsIn() throws {
        let new = try folder.file("new.csv", "user,item,rating\n1,900,5\n777,900,4\n777,3,2\n")
        // Somebody of whom training saw something, and who has nothing new.
        let other = try #require(
            try (2...20).map { "\($0)" }.first { try starling(["recommend", run, "--user", $0]).status == 0 })
        let before = try starling(["recommend", run, "--user", other, "--json"]).output
        let updated = try starling(["update", run, "--data", new, "--json"])
        #expect(updated.status == 0, "\(updated.error)")
        let answer = try json(updated.output)
        #expect(answer["users_added"] as? Int == 1 && answer["items_added"] as? Int == 1)
        #expect(answer["users_recomputed"] as? Int == 2 && answer["items_recomputed"] as? Int == 1)
        let found = try starling(["recommend", run, "--user", "777", "--count", "5", "--json"])
        #expect(found.status == 0, "\(found.error)")
        let items = try #require(try json(found.output)["items"] as? [[String: Any]])
        #expect(items.count == 5 && !items.contains { ["900", "3"].contains($0["item"] as? String) })
        // Somebody else's list may only gain the new item.
        let after = try #require(
            try json(starling(["recommend", run, "--user", other, "--json"]).output)["items"] as? [[String: Any]])
        let scores = Dictionary(
            uniqueKeysWithValues: try #require(json(before)["items"] as? [[String: Any]]).map {
                ($0["item"] as! String, $0["score"] as! Double)
            })
        for item in after where item["item"] as? String != "900" {
            #expect(scores[item["item"] as! String] == item["score"] as? Double)
        }
        let bad = try folder.file("bad.csv", "user,item,rating\n1,2,-5\n")
        #expect(try starling(["update", run, "--data", bad]).status == 65)
    }
}
