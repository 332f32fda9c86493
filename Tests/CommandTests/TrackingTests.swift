import Basics
import Foundation
import Starling
import Testing
import Tracking

/// Tracking with servers that cannot be trusted, that are not MLflow's own, or whose records have no room.
@Suite(.enabled(if: (try? OddServer("lying")) != nil, "needs Python")) struct TrackingTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 60, items: 40))
    }

    private func train(
        _ uri: String, _ more: [String] = [], environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, error: String) {
        try starling(
            [
                "train", "mf", "--data", ratings, "--output", folder.path("run"), "--epochs", "3", "--factors", "4",
                "--overwrite", "--mlflow-uri", uri,
            ] + more, environment: environment)
    }

    /// Whatever answers, the training ends well, says what is wrong, and keeps what the server was to learn.
    @Test(arguments: [
        ("lying", "no MLflow server"), ("closed", "MLFLOW_TRACKING_USERNAME"), ("slow", "starling track sync"),
    ])
    func trainsInFrontOfAnyServer(_ kind: String, _ said: String) throws {
        let server = try OddServer(kind)
        let result = try train(server.uri, environment: ["MLFLOW_TRACKING_TOKEN": "hidden-77"])
        #expect(result.status == 0 && result.error.contains(said), "\(result.error)")
        let tracking = try shell("cat '\(folder.path("run"))'/tracking/*; cat '\(folder.path("run"))'/run.json")
        #expect(tracking.output.contains("\"epoch\":3"))
        #expect(!tracking.output.contains("hidden-77") && !result.error.contains("hidden-77"))
    }

    @Test func takesRefusalsThatPass() throws {
        let server = try OddServer("forgetful")
        let result = try train(server.uri)
        #expect(result.status == 0 && !result.error.contains("track sync"), "\(result.error)")
        #expect(try server.requests().contains { $0[1].hasSuffix("runs/update") && $0[2].contains("FINISHED") })
    }

    @Test func saysWhereFilesCannotGo() throws {
        let server = try OddServer("path")
        let result = try train(server.uri)
        #expect(result.status == 0 && result.error.contains("--serve-artifacts"), "\(result.error)")
        #expect(try !server.requests().contains { $0[0] == "PUT" })
    }

    /// The calls that Databricks documents: its token, files by signed addresses, Unity Catalog.
    @Test func speaksToDatabricks() throws {
        let server = try OddServer("databricks")
        let environment = ["DATABRICKS_HOST": server.uri, "DATABRICKS_TOKEN": "dapi-secret"]
        let result = try train(
            "databricks-uc", ["--register-model", "main.shop.films", "--experiment", "/Shared/films"],
            environment: environment)
        #expect(result.status == 0 && !result.error.contains("warning"), "\(result.error)")
        let requests = try server.requests()
        let calls = requests.filter { !$0[1].hasPrefix("/signed") }
        #expect(!calls.isEmpty && calls.allSatisfy { $0[3] == "Bearer dapi-secret" })
        let signed = requests.filter { $0[1].hasPrefix("/signed?secret=55") }
        #expect(!signed.isEmpty && signed.allSatisfy { $0[0] == "PUT" && $0[3] == "77" })
        let catalog = requests.filter { $0[1].contains("unity-catalog") || $0[1].contains("/fs/files/") }
        #expect(catalog.first?[2] == #"{"name":"main.shop.films"}"#)
        #expect(catalog.contains { $0[1].hasPrefix("/api/2.0/fs/files/Models/main/shop/films/3/MLmodel") })
        #expect(catalog.last?[1].hasSuffix("model-versions/finalize") == true)
        for (more, environment, said) in [
            (["--register-model", "films"], environment, "catalog.schema.model"),
            ([], ["DATABRICKS_HOST": server.uri], "DATABRICKS_TOKEN"),
        ] {
            let refused = try train("databricks-uc", more, environment: environment)
            #expect(refused.status == 64 && refused.error.contains(said), "\(refused.error)")
        }
    }

    @Test(arguments: [
        ("sqlite:///mlflow.db", "mlflow server --backend-store-uri sqlite:///mlflow.db"), ("mlruns", "mlflow server"),
        ("http://me:word@127.0.0.1:1", "MLFLOW_TRACKING_PASSWORD"), ("databricks://mine", "DATABRICKS_HOST"),
        ("http://", "no usable server"),
    ])
    func refusesAddresses(_ uri: String, _ said: String) throws {
        let result = try train(uri)
        #expect(result.status == 64 && result.error.contains(said), "\(result.error)")
        #expect(!Files.exists(folder.path("run")) && !result.error.contains("word@"))
    }

    /// Records have no room: the run is whole without them.
    @Test func trainsWhereRecordsHaveNoRoom() throws {
        let server = try OddServer("forgetful")
        try FileManager.default.createDirectory(atPath: folder.path("full/tracking"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("full/tracking/queue.jsonl"), withDestinationPath: "/dev/full")
        let target = TrackingTarget(uri: server.uri)
        let run = TrackedRun(folder: folder.path("full"), name: "full", parameters: [:], tags: [:])
        #expect { try MLflowTracker(target, run) } throws: { error in
            (error as? StarlingError)?.code == .failed && "\(error)".contains("No space left")
        }
        let begun = folder.path("begun")
        let log = Warnings()
        let tracker = try #require(
            try MLflowTracker(target, TrackedRun(folder: begun, name: "b", parameters: [:], tags: [:])) { log.add($0) })
        tracker.receive(.epochFinished(EpochRecord(epoch: 1, seconds: 1, metrics: ["x": 1]), isBest: false))
        tracker.end(.finished, metrics: [:], tags: [:])
        tracker.close(Cancellation())
        #expect(log.all.isEmpty, "\(log.all)")
    }

    /// A server that is told of many epochs at once gets them in bodies that it takes; what is no number keeps its place.
    @Test func sendsManyAndOddFigures() throws {
        let server = try OddServer("forgetful")
        let run = TrackedRun(folder: folder.path("many"), name: "m", parameters: [:], tags: [:])
        let tracker = try #require(try MLflowTracker(TrackingTarget(uri: server.uri), run))
        for epoch in 1...4_000 {
            let metrics = ["val_ndcg@10": Double(epoch), "odd": epoch % 2 == 0 ? Double.nan : .infinity]
            tracker.receive(.epochFinished(EpochRecord(epoch: epoch, seconds: 0, metrics: metrics), isBest: false))
        }
        tracker.end(.finished, metrics: [:], tags: [:])
        tracker.close(Cancellation())
        var steps: [String: Set<Int>] = [:]
        for request in try server.requests() where request[1].hasSuffix("log-batch") {
            let body = try JSON.decode(JSONValue.self, from: request[2].utf8, file: "body")
            guard case .array(let metrics)? = body["metrics"] else { continue }
            #expect(metrics.count <= 1000 && request[2].utf8.count <= 1_000_000)
            for metric in metrics {
                let (key, step) = (metric["key"]!.string!, metric["step"]!.int!)
                steps[key, default: []].insert(step)
                if key == "odd" { #expect(metric["value"]?.string == (step % 2 == 0 ? "NaN" : "Infinity")) }
            }
        }
        let told = try server.requests().map { $0[1] }
        #expect(steps["val_ndcg_at_10"] == Set(1...4_000) && steps["odd"] == Set(1...4_000), "\(told)")
    }

    private final class Warnings: @unchecked Sendable {
        private let lock = NSLock()
        private var texts: [String] = []
        func add(_ text: String) { lock.withLock { texts.append(text) } }
        var all: [String] { lock.withLock { texts } }
    }
}
