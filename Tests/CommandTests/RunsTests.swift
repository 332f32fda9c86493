import Basics
import Foundation
import StarlingCommand
import Testing

/// `runs` and `compare`.
@Suite struct RunsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
        for (name, options) in [
            ("long", ["--epochs", "9", "--factors", "8"]), ("short", ["--epochs", "2", "--factors", "4"]),
        ] {
            let run = ["train", "mf", "--data", ratings, "--output", folder.path("runs/\(name)")] + options
            try #require(try starling(run).status == 0)
        }
        let als = ["train", "als", "--data", ratings, "--output", folder.path("runs/als"), "--seed", "7"]
        try #require(try starling(als).status == 0)
    }

    private func names(_ sort: String) throws -> [String] {
        let result = try starling(["runs", folder.path("runs"), "--sort", sort, "--json"])
        try #require(result.status == 0, "\(result.error)")
        let answer = try JSON.decode(JSONValue.self, from: result.output.utf8, file: "runs")
        guard case .array(let runs)? = answer["runs"] else { return [] }
        return runs.compactMap { $0["run"]?.string }
    }

    /// The better ones first, whichever direction that is; those without the metric last.
    @Test func sortsByWhatIsAsked() throws {
        #expect(try names("name") == ["als", "long", "short"])
        #expect(try names("val_rmse") == ["long", "short", "als"] && names("rmse") == ["long", "short", "als"])
        #expect(try names("epochs") == ["als", "long", "short"] && names("model").first == "als")
        let refused = try starling(["runs", folder.path("runs"), "--sort", "nothing"])
        #expect(refused.status == 64 && refused.error.contains("val_rmse"), "\(refused.error)")
        let table = try starling(["runs", folder.path("runs"), "--metrics", "val_mae"]).output
        #expect(table.contains("val_mae") && !table.contains("val_rmse") && table.contains("█"), "\(table)")
    }

    @Test func comparesSideBySide() throws {
        let (long, short, als) = (folder.path("runs/long"), folder.path("runs/short"), folder.path("runs/als"))
        let result = try starling(["compare", long, short])
        #expect(result.status == 0, "\(result.error)")
        let factors = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("factors") })
        #expect(factors.split(separator: " ") == ["factors", "8", "4"])
        #expect(!result.output.contains("\nlearning-rate ") && !result.output.contains("differ (split"))
        let rmse = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("val_rmse") })
        #expect(rmse.contains(" * ") && rmse.contains("(+"), "\(rmse)")
        let other = try starling(["compare", long, als, "--json"])
        let answer = try JSON.decode(JSONValue.self, from: other.output.utf8, file: "compare")
        #expect(answer["same_data"] == true && answer["comparable"] == false)
        guard case .array(let differing)? = answer["differing_options"] else { return #expect(Bool(false)) }
        #expect(differing.contains("seed") && differing.contains("feedback"))
        #expect(try starling(["compare", long]).status == 64)
        #expect(try starling(["compare", long, folder.path("nothing")]).status == 64)
    }

    @Test func drawsCurves() {
        #expect(Sparkline.text([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text([8, 0]) == "█▁" && Sparkline.text([3, 3, 3]) == "▁▁▁")
        #expect(Sparkline.text([1]) == "" && Sparkline.text([]) == "" && Sparkline.text([.nan, .infinity, 1]) == "")
        #expect(Sparkline.text([.nan, 1, 2]) == "▁█")
        #expect(Sparkline.text((0..<1000).map(Double.init), width: 8) == "▁▂▃▄▅▆▇█")
    }
}
