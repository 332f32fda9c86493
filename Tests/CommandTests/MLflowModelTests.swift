import Basics
import Foundation
import Testing

/// `export --to mlflow:FOLDER` is a model that the real package loads, serves, and asks for the same lists as `recommend` gives.
@Suite(TestMLflow.isThere) struct MLflowModelTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    private func check(_ model: String, _ lists: String, _ more: String = "") throws {
        let script = TestMLflow.scripts + "/model_check.py"
        let result = try shell("\(StandIn.python) \(script) '\(model)' --expect '\(lists)' \(more)")
        #expect(result.status == 0, "\(result.output)\(result.error)")
    }

    @Test(arguments: [
        ["mf", "--factors", "7"], ["als", "--factors", "8"], ["bpmf", "--factors", "3", "--samples", "6"],
        ["two-tower", "--epochs", "1", "--batch-size", "256"], ["sse-pt", "--epochs", "1", "--max-length", "8"],
    ])
    func givesTheListsOfRecommend(_ model: [String]) throws {
        guard hasTorch || !["two-tower", "sse-pt"].contains(model[0]) else { return print("skipped: no LibTorch") }
        let (run, target, lists) = (folder.path("run"), folder.path("models/m"), folder.path("lists.jsonl"))
        let trained = try starling(["train"] + model + ["--data", ratings, "--output", run])
        try #require(trained.status == 0, "\(trained.error)")
        for more in [[], ["--include-seen"]] {
            try #require(
                try starling(["recommend", run, "--all-users", "--count", "25", "--output", lists] + more).status == 0)
            let exported = try starling(["export", run, "--to", "mlflow:" + target])
            #expect(exported.status == 0 && exported.error.contains("mlflow models serve"), "\(exported.error)")
            try check(target, lists, more.joined())
        }
    }

    @Test func takesTextIDsAndRefusesOtherFolders() throws {
        let named = try Files.readText(ratings).split(separator: "\n").enumerated().map { line, text in
            line == 0 ? String(text) : "ü\(text.replacing(",", with: ",\"i \"", maxReplacements: 0))"
        }
        let data = try folder.file("named.csv", named.joined(separator: "\n") + "\n")
        let run = folder.path("run")
        try #require(try starling(["train", "als", "--data", data, "--output", run, "--epochs", "2"]).status == 0)
        let lists = folder.path("lists.jsonl")
        try #require(try starling(["recommend", run, "--all-users", "--output", lists]).status == 0)
        try #require(try starling(["export", run, "--to", "mlflow:" + folder.path("m")]).status == 0)
        try check(folder.path("m"), lists)
        for (target, more, said) in [
            (folder.path(""), [], "holds something else"), (folder.path("n"), ["--folded"], "--folded"),
        ] {
            let refused = try starling(["export", run, "--to", "mlflow:" + target] + more)
            #expect(refused.status == 64 && refused.error.contains(said), "\(refused.error)")
        }
    }

    /// As a product would ask it.
    @Test func isServed() throws {
        let run = folder.path("run")
        try #require(try starling(["train", "mf", "--data", ratings, "--output", run, "--epochs", "2"]).status == 0)
        try #require(try starling(["export", run, "--to", "mlflow:" + folder.path("m")]).status == 0)
        let served = try StandIn("serve.py", [folder.path("m")], in: TestMLflow.scripts)
        let answer = try served.ask(
            #"{"dataframe_split": {"columns": ["user"], "data": [[7]]}, "params": {"count": 3}}"#)
        let asked = try starling(["recommend", run, "--user", "7", "--count", "3", "--json"])
        let expected = try JSON.decode(JSONValue.self, from: asked.output.utf8, file: "recommend")
        guard case .array(let items)? = expected["items"], case .array(let rows)? = answer["predictions"] else {
            return #expect(Bool(false), "\(answer)")
        }
        #expect(rows.first?["items"] == .array(items.map { .integer(Int($0["item"]!.string!)!) }), "\(answer)")
    }
}
