import Basics
import Foundation
import Testing

/// `train bpmf` from the outside.
@Suite struct TrainBPMFTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    func train(_ more: [String]) throws -> (status: Int32, output: String, error: String) {
        try starling(
            ["train", "bpmf", "--data", ratings, "--output", folder.path("run"), "--factors", "4", "--burn-in", "5"]
                + ["--samples", "12", "--keep-samples", "4", "--json"] + more)
    }

    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func trainsMeasuresAndRecommends() throws {
        let result = try train(["--val-size", "0.1"])
        #expect(result.status == 0, "\(result.error)")
        let summary = try json(result.output)
        #expect(summary["model"] as? String == "bpmf" && summary["factors"] as? Int == 4)
        #expect((summary["epochs"] as? [[String: Any]])?.count == 17)
        let metrics = try #require(summary["metrics"] as? [String: Double])
        for name in ["train_loss", "precision", "val_rmse", "val_mae", "val_sample_rmse"] {
            #expect(metrics[name]! > 0, "\(name)")
        }
        // A resumed run that is finished prints what it printed.
        #expect(try train(["--val-size", "0.1", "--resume"]).output == result.output)

        let evaluation = try starling(["evaluate", folder.path("run"), "--json"])
        #expect(evaluation.status == 0, "\(evaluation.error)")
        let found = try #require(try json(evaluation.output)["metrics"] as? [String: Double])
        #expect(abs(found["rmse"]! - metrics["val_rmse"]!) < 0.1)
        #expect(found["predictive_sd"]! > 0 && found["within_1sd"]! <= found["within_2sd"]!)
        let table = try starling(["evaluate", folder.path("run")]).output
        for name in ["predictive_sd", "within_1sd", "within_2sd"] { #expect(table.contains(name)) }

        // Deviations are of pairs that the model knows.
        let other = try folder.file("other.csv", "user,item,rating\n1,2,3.5\n1,999,3\n2,3,2\n")
        let elsewhere = try starling(["evaluate", folder.path("run"), "--data", other, "--json"])
        #expect(elsewhere.status == 0, "\(elsewhere.error)")
        #expect((try json(elsewhere.output)["metrics"] as? [String: Double])?["predictive_sd"] != nil)
        let stranger = try starling(["recommend", folder.path("run"), "--history", "1:5,2:3", "--count", "3", "--json"])
        #expect(stranger.status == 0, "\(stranger.error)")
        #expect((try json(stranger.output)["items"] as? [Any])?.count == 3)

        let list = try starling(["recommend", folder.path("run"), "--user", "1", "--count", "3", "--json"])
        #expect(list.status == 0, "\(list.error)")
        let items = try json(list.output)["items"] as? [Any]
        #expect(items?.count == 3)
        // Four samples of four factors, and biases.
        let exported = folder.path("vectors.csv")
        #expect(try starling(["export", folder.path("run"), "--to", exported, "--folded"]).status == 0)
        let header = try Files.readText(exported).split(separator: "\n")[0]
        #expect(header.hasSuffix(",f18"))
    }

    @Test func refusesOptionsOutOfRange() throws {
        for more in [["--keep-samples", "13"], ["--precision", "0"], ["--burn-in", "-1"], ["--factors", "0"]] {
            #expect(try train(more).status == 64, "\(more)")
        }
    }
}
