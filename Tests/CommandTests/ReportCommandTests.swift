import Basics
import Foundation
import Testing

/// `report` from the outside: the page, what is printed, what is refused.
@Suite struct ReportCommandTests {
    let folder: TemporaryFolder
    var als: String { folder.path("als") }
    var mf: String { folder.path("mf") }

    init() throws {
        folder = try TemporaryFolder()
        let ratings = folder.path("ratings.csv")
        let made = try starling([
            "data", "generate", "--users", "300", "--items", "150", "--interactions", "9000", "--seed", "5", "--output",
            ratings,
        ])
        #expect(made.status == 0, "\(made.error)")
        var titles = "movieId,title,genres\n"
        for item in 1...150 {
            titles += "\(item),\"</script><b>Film\(item)\",\(["Drama", "Comedy|Drama", "Noir"][item % 3])\n"
        }
        let data = ["--data", ratings, "--items", try folder.file("movies.csv", titles), "--factors", "8"]
        for arguments in [
            ["als", "--output", als, "--epochs", "4", "--split", "random:0.1,0.1"],
            ["mf", "--output", mf, "--epochs", "6", "--early-stopping", "2", "--no-biases"],
        ] {
            let trained = try starling(["train"] + arguments + data)
            #expect(trained.status == 0, "\(trained.error)")
        }
    }

    func json(_ text: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// The JSON that a page holds.
    func held(_ path: String) throws -> [String: Any] {
        let text = try Files.readText(path)
        let element = try #require(text.split(separator: #"type="application/json""#, maxSplits: 1).last)
        let start = try #require(element.firstIndex(of: ">"))
        let held = try #require(element[element.index(after: start)...].split(separator: "</script>").first)
        #expect(!held.contains("<"))
        return try json(held)
    }

    func runs(_ page: [String: Any]) throws -> [[String: Any]] { try #require(page["runs"] as? [[String: Any]]) }

    @Test func figuresAreThoseOfEvaluate() throws {
        let result = try starling(["report", als, mf, "--output", folder.path("both.html"), "--k", "5", "--json"])
        #expect(result.status == 0, "\(result.error)")
        let (summary, page) = (try json(result.output), try held(folder.path("both.html")))
        #expect(summary["report"] as? String == folder.path("both.html"))
        #expect(summary["bytes"] as? Int == Files.size(folder.path("both.html")) && summary["seconds"] is Double)
        let (shown, printed) = (try runs(page), try #require(summary["runs"] as? [[String: Any]]))
        for (index, path) in [als, mf].enumerated() {
            let measured = try json(starling(["evaluate", path, "--k", "5", "--json"]).output)
            let metrics = try #require(measured["metrics"] as? [String: Double])
            #expect(shown[index]["metrics"] as? [String: Double] == metrics)
            #expect(printed[index]["metrics"] as? [String: Double] == metrics)
            #expect(shown[index]["users_evaluated"] as? Int == measured["users_evaluated"] as? Int)
            #expect(
                (shown[index]["protocol"] as? [String: Any])?["split"] as? String
                    == (measured["protocol"] as? [String: Any])?["split"] as? String)
            #expect((shown[index]["coverage"] as? [String: Any])?["coverage"] as? Double == metrics["coverage@5"])
        }
        #expect((shown[0]["baseline"] as? [String: Any])?["name"] as? String == "popularity")
        #expect(shown[1]["baseline"] == nil)
        let data = try #require(page["data"] as? [String: Any])
        #expect(data["interactions"] as? Int == 9000 && data["users"] as? Int == 300)
    }

    @Test func thePageOfOneRun() throws {
        let result = try starling(["report", mf + "/", "--title", "A <title>"])
        #expect(result.status == 0 && result.output.contains("Wrote \(mf)/report.html"), "\(result.error)")
        #expect(result.output.contains("rmse") && result.output.contains("popularity"))
        let page = try held(mf + "/report.html")
        #expect(page["title"] as? String == "A <title>" && page["format"] as? Int == 1)
        let run = try #require(try runs(page).first)
        #expect(run["name"] as? String == "mf" && run["primary"] as? String == "rmse")
        #expect((run["baseline"] as? [String: Any])?["name"] as? String == "mean")
        let epochs = try #require(run["epochs"] as? [[String: Any]])
        let best = try #require(run["best_epoch"] as? Int)
        #expect(run["best_metric"] as? String == "val_rmse" && epochs.contains { $0["epoch"] as? Int == best })
        let samples = try #require(page["samples"] as? [[String: Any]])
        #expect(samples.count == 6 && samples.allSatisfy { ($0["lists"] as? [[String: Any]])?.count == 1 })
        let map = try #require(run["map"] as? [String: Any])
        #expect((map["title"] as? [String])?.first?.hasPrefix("</script><b>Film") == true)
        #expect((map["groups"] as? [String])?.sorted() == ["Comedy", "Drama", "Noir"])
        // Nothing else of the run has changed.
        #expect(try starling(["evaluate", mf]).status == 0)
    }

    /// The line in the page trains the same weights.
    @Test func theCommandMakesTheRunAgain() throws {
        #expect(try starling(["report", mf]).status == 0)
        let run = try #require(try runs(held(mf + "/report.html")).first)
        let command = try #require(run["command"] as? String)
        #expect(command.hasPrefix("starling train mf --data ") && command.hasSuffix("--output \(mf)"))
        #expect(command.contains("--no-biases") && !command.contains("none"))
        let again = command.replacingOccurrences(of: "--output \(mf)", with: "--output \(folder.path("again")) --json")
        let trained = try shell("PATH=\(builtProducts.path):$PATH; " + again)
        #expect(trained.status == 0, "\(trained.error)")
        #expect(try weightsDigest(trained.output) == run["weights_sha256"] as? String)
    }

    @Test func partsThatAreNotThere() throws {
        let early = folder.path("early")
        #expect(try shell("cp -r \(als) \(early) && rm -r \(early)/model").status == 0)
        let result = try starling(["report", early, als, "--output", folder.path("early.html")])
        #expect(result.status == 0 && result.error.contains("early: it has no model yet"), "\(result.error)")
        let shown = try runs(held(folder.path("early.html")))
        #expect(shown[0]["metrics"] == nil && shown[0]["epochs"] != nil && shown[1]["metrics"] != nil)

        let whole = folder.path("whole")
        let trained = try starling([
            "train", "als", "--data", folder.path("ratings.csv"), "--output", whole, "--val-size", "0", "--epochs", "2",
            "--factors", "4",
        ])
        #expect(trained.status == 0, "\(trained.error)")
        let alone = try starling(["report", whole])
        #expect(alone.status == 0 && alone.error.contains("no held-out part"), "\(alone.error)")
        #expect(try runs(held(whole + "/report.html"))[0]["map"] != nil)
    }

    @Test func changedModelsHaveNoCommand() throws {
        let more = try folder.file("more.csv", "user,item,rating\n1,2,4\nnew,3,5\n")
        #expect(try starling(["update", als, "--data", more]).status == 0)
        let result = try starling(["report", als])
        #expect(result.status == 0 && result.error.contains("changed after training"), "\(result.error)")
        #expect(try runs(held(als + "/report.html"))[0]["command"] == nil)
    }

    @Test func sequencesAndHeldOutUsers() throws {
        let strong = folder.path("strong")
        let data = ["--data", folder.path("ratings.csv"), "--factors", "8", "--epochs", "2"]
        let held = try starling(["train", "als", "--output", strong, "--split", "held-out-users:40"] + data)
        #expect(held.status == 0, "\(held.error)")
        let alone = try starling(["report", strong, "--json"])
        #expect(alone.status == 0, "\(alone.error)")
        let run = try #require((try json(alone.output)["runs"] as? [[String: Any]])?.first)
        #expect(run["users_evaluated"] as? Int == 40)
        guard hasTorch else { return print("no plugin of LibTorch: no transformer was shown") }
        let transformer = folder.path("transformer")
        let trained = try starling(["train", "sse-pt", "--output", transformer, "--max-length", "10"] + data)
        #expect(trained.status == 0, "\(trained.error)")
        let shown = try starling(["report", transformer, als, "--output", folder.path("t.html"), "--json"])
        #expect(shown.status == 0, "\(shown.error)")
        let measured = try json(starling(["evaluate", transformer, "--json"]).output)
        let first = try #require((try json(shown.output)["runs"] as? [[String: Any]])?.first)
        #expect(first["metrics"] as? [String: Double] == measured["metrics"] as? [String: Double])
    }

    @Test func refusals() throws {
        #expect(try starling(["report"]).status == 64)
        #expect(try starling(["report", folder.path("nowhere")]).status == 64)
        #expect(try starling(["report", folder.url.path]).status == 64)
        #expect(try starling(["report", als, als + "/"]).status == 64)
        #expect(try starling(["report", als, "--k", "0"]).status == 64)
        #expect(try starling(["report", als, "--output", folder.path("nowhere/page.html")]).status == 64)
        #expect(try starling(["report", als, "--output", mf]).status == 64)
        #expect(try starling(["report", als, "--output", als + "/run.json"]).status == 64)
        let before = try Files.readText(als + "/run.json")
        #expect(try !Files.list(als).contains("report.html") && Files.readText(als + "/run.json") == before)
    }

    /// In a browser: every chart is drawn, nothing is said on its console (report/check.py).
    @Test func showsInABrowser() throws {
        guard let python = ProcessInfo.processInfo.environment["STARLING_PYTHON"] else {
            return print("no STARLING_PYTHON: no browser opened the pages")
        }
        let both = folder.path("both.html")
        #expect(
            try starling(["report", mf]).status == 0 && starling(["report", als, mf, "--output", both]).status == 0)
        for page in [mf + "/report.html", both] {
            let script = Files.parent(#filePath) + "/report/check.py"
            let result = try shell("\(python) \(script) \(page)")
            guard result.status != 77 else { return print("skipped: \(result.output)") }
            #expect(result.status == 0, "\(page)\n\(result.output)\(result.error)")
        }
    }
}
