import Basics
import Foundation
import Testing

/// Tracking with a real MLflow server, read back by its own client. One after another: some kill it.
@Suite(TestMLflow.isThere, .serialized) struct MLflowTests {
    let folder: TemporaryFolder
    let server: TestMLflow
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        server = try TestMLflow.shared.get()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    /// A training that goes on until it is stopped, where it is not told otherwise.
    private func long(_ run: String, _ experiment: String, epochs: Int = 1_000_000) throws -> [String] {
        let many = folder.path("many.csv")
        if !Files.exists(many) {
            _ = try folder.file("many.csv", TrainCommandTests.ratings(users: 900, items: 300))
        }
        return [
            "train", "mf", "--data", many, "--output", folder.path(run), "--factors", "16", "--epochs", "\(epochs)",
            "--checkpoint-every", "50", "--learning-rate-decay", "none", "--mlflow-uri", server.uri, "--experiment",
            experiment,
        ]
    }

    private func train(_ run: String, _ experiment: String, _ more: [String] = []) throws -> (
        status: Int32, output: String, error: String
    ) {
        try starling(
            [
                "train", "mf", "--data", ratings, "--output", folder.path(run), "--epochs", "5", "--factors", "8",
                "--experiment", experiment,
            ] + more, environment: ["MLFLOW_TRACKING_URI": server.uri])
    }

    private func epochs(_ run: String) throws -> [[String: JSONValue]] {
        try Files.readText(folder.path(run) + "/metrics.jsonl").split(separator: "\n").map {
            try JSON.decode([String: JSONValue].self, from: $0.utf8, file: "metrics.jsonl")
        }
    }

    /// Every epoch of `metrics.jsonl` is there once with its figures.
    private func expectAllEpochs(_ run: String, _ tracked: TrackedAs) throws {
        let epochs = try epochs(run)
        // Seconds of epochs that were trained twice differ.
        for name in ["train_loss", "val_rmse"] {
            let told = Dictionary(uniqueKeysWithValues: epochs.map { ($0["epoch"]!.int!, $0[name]!.double!) })
            #expect(tracked.values(name) == told, "\(name): \(tracked.metrics[name]?.count ?? 0) of \(told.count)")
        }
    }

    @Test func tracksAWholeRun() throws {
        let result = try train("first", "whole", ["--run-name", "the first", "--register-model", "films", "--json"])
        #expect(result.status == 0 && !result.error.contains("warning"), "\(result.error)")
        let run = try server.run("the first", in: "whole")
        #expect(run.status == "FINISHED" && run.ended)
        try expectAllEpochs("first", run)
        #expect(
            run.parameters["factors"] == "8" && run.parameters["model"] == "mf" && run.parameters["data"] == ratings)
        let record = try JSON.decode(
            JSONValue.self, from: Files.read(folder.path("first") + "/run.json"), file: "run.json")
        #expect(run.tags["starling.fingerprint"] == record["data"]?["fingerprint"]?.string)
        #expect(run.tags["starling.weights_sha256"] == (try weightsDigest(result.output)))
        #expect(run.tags["starling.host"] == Host.name && run.tags["starling.version"] == Release.version)
        #expect(run.values("system/system_memory_usage_percentage").count == 1)
        #expect(run.versions == ["films": "1"])
        #expect(run.files["run/run.json"] == Files.size(folder.path("first") + "/run.json"))
        #expect(run.files["run/model/weights.safetensors"] != nil && run.files["model/MLmodel"] != nil)
        let lists = folder.path("lists.jsonl")
        let all = ["recommend", folder.path("first"), "--all-users", "--count", "12", "--output", lists]
        try #require(try starling(all).status == 0)
        for model in ["models:/films/1", "runs:/\(run.id)/model"] {
            let check = try shell(
                "\(StandIn.python) \(TestMLflow.scripts)/model_check.py \(model) --expect \(lists) --tracking-uri \(server.uri)"
            )
            #expect(check.status == 0, "\(check.output)\(check.error)")
        }
        // A report that is written later is brought by `track sync`.
        let report = try starling(["report", folder.path("first")])
        #expect(report.status == 0 && report.error.contains("track sync"), "\(report.error)")
        try #require(try starling(["track", "sync", folder.path("first")]).status == 0)
        #expect(try server.run("the first", in: "whole").files["report.html"] != nil)
        // The run as the server has it is a run.
        let copy = folder.path("copy")
        try server.run("client.download_artifacts('\(run.id)', 'run', '\(folder.path(""))')")
        try FileManager.default.moveItem(atPath: folder.path("run"), toPath: copy)
        let (here, there) = try (
            starling(["recommend", folder.path("first"), "--user", "7"]), starling(["recommend", copy, "--user", "7"])
        )
        #expect(here.status == 0 && here.output == there.output)
    }

    /// Ranking metrics have names that MLflow does not take as they are.
    @Test func spellsNamesAsMLflowDoes() throws {
        let result = try starling([
            "tune", "als", "--data", ratings, "--output", folder.path("search"), "--choice", "factors=4,8", "--trials",
            "2", "--epochs", "2", "--metric", "ndcg@5", "--mlflow-uri", server.uri, "--experiment", "search",
        ])
        #expect(result.status == 0, "\(result.error)")
        let runs = try server.runs("search")
        let parent = try #require(runs["search"]?.first)
        #expect(parent.status == "FINISHED" && parent.parameters["metric"] == "ndcg@5")
        for trial in ["trial 1", "trial 2"] {
            let child = try #require(runs[trial]?.first)
            #expect(child.tags["mlflow.parentRunId"] == parent.id && child.status == "FINISHED")
            #expect(child.metrics["ndcg_at_5"]?.count == 1 && child.parameters["factors"] != nil)
        }
        #expect(parent.files["trials.jsonl"] != nil)
        let best = try #require(parent.tags["starling.best_trial"])
        #expect(parent.values("ndcg_at_5") == runs["trial \(best)"]?[0].values("ndcg_at_5").mapKeys { _ in 0 })
    }

    /// A server that is killed in mid-run and comes back has every epoch once.
    @Test func losesNothingWhenTheServerDies() throws {
        let process = Process()
        process.executableURL = builtProducts.appendingPathComponent("starling")
        process.arguments = try long("dying", "dying", epochs: 4_000)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        while process.isRunning, epochsTold(folder.path("dying")) < 100 { Thread.sleep(forTimeInterval: 0.002) }
        try server.kill()
        let before = epochsTold(folder.path("dying"))
        while process.isRunning, epochsTold(folder.path("dying")) < before + 200 {
            Thread.sleep(forTimeInterval: 0.002)
        }
        try server.start()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        // Where the training was over first, the rest is told now.
        let sync = try starling(["track", "sync", folder.path("dying")])
        #expect(sync.status == 0, "\(sync.error)")
        let run = try server.run("dying", in: "dying")
        #expect(run.status == "FINISHED")
        try expectAllEpochs("dying", run)
    }

    @Test func trainsWithoutTheServerAndTellsItLater() throws {
        try server.kill()
        let away = Result { try train("away", "away") }
        let refused = Result { try starling(["track", "sync", folder.path("away"), "--json"]) }
        try server.start()
        let (trained, early) = try (away.get(), refused.get())
        #expect(trained.status == 0 && trained.error.contains("starling track sync \(folder.path("away"))"))
        #expect(early.status == 69 && early.error.contains("Connection refused"), "\(early.error)")
        for _ in 0..<2 {
            let sync = try starling(["track", "sync", folder.path("away"), "--json"])
            #expect(sync.status == 0 && sync.output.contains("\"uri\":\"\(server.uri)\""), "\(sync.error)")
        }
        let run = try server.run("away", in: "away")
        #expect(run.status == "FINISHED")
        try expectAllEpochs("away", run)
        // A run that was never tracked can be, too.
        try #require(try starling(["train", "als", "--data", ratings, "--output", folder.path("old")]).status == 0)
        let unnamed = try starling(["track", "sync", folder.path("old")])
        #expect(unnamed.status == 64 && unnamed.error.contains("--mlflow-uri"), "\(unnamed.error)")
        let late = try starling([
            "track", "sync", folder.path("old"), "--mlflow-uri", server.uri, "--experiment", "away", "--run-name",
            "late",
        ])
        #expect(late.status == 0, "\(late.error)")
        #expect(try server.run("late", in: "away").status == "FINISHED")
    }

    /// Ctrl-C, a kill, a resume: one run, each epoch once.
    @Test func tellsEveryEnding() throws {
        let command = try long("ended", "endings")
        #expect(try starling(command, thenSend: SIGINT, when: .epochs(60, folder.path("ended"))) == 130)
        let stopped = try server.run("ended", in: "endings")
        #expect(stopped.status == "KILLED" && stopped.ended)
        try expectAllEpochs("ended", stopped)
        // Nobody can say that it was killed but who looks later.
        let resumed = command + ["--resume"]
        let more = epochsTold(folder.path("ended")) + 70
        #expect(try starling(resumed, thenSend: SIGKILL, when: .epochs(more, folder.path("ended"))) == -SIGKILL)
        #expect(try server.run("ended", in: "endings").status == "RUNNING")
        let sync = try starling(["track", "sync", folder.path("ended")])
        #expect(sync.status == 0, "\(sync.error)")
        let killed = try server.run("ended", in: "endings")
        #expect(killed.status == "KILLED" && killed.id == stopped.id)
        // Without a word of the server the run goes on where it was tracked.
        let last = epochsTold(folder.path("ended")) + 120
        let end = try starling(
            [
                "train", "mf", "--data", folder.path("many.csv"), "--output", folder.path("ended"), "--resume",
                "--epochs",
                "1000000",
            ], thenSend: SIGTERM, when: .epochs(last, folder.path("ended")))
        #expect(end == 130)
        let run = try server.run("ended", in: "endings")
        #expect(run.status == "KILLED" && run.id == stopped.id)
        try expectAllEpochs("ended", run)
        let diverged = try train("diverged", "endings", ["--learning-rate", "1000"])
        #expect(diverged.status == 1)
        let failed = try server.run("diverged", in: "endings")
        #expect(failed.status == "FAILED" && failed.tags["starling.error"]?.contains("diverged") == true)
        let again = try train("diverged", "endings", ["--overwrite"])
        #expect(again.status == 0)
        #expect(try Set(server.runs("endings")["diverged"]!.map(\.status)) == ["FAILED", "FINISHED"])
    }

    /// Both make the experiment; one is faster.
    @Test func sharesAnExperiment() async throws {
        let command = [
            "train", "mf", "--data", ratings, "--epochs", "3", "--mlflow-uri", server.uri, "--experiment", "two ü",
        ]
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for name in ["a", "b", "c"] {
                let output = folder.path(name)
                group.addTask { try starling(command + ["--output", output]).status }
            }
            for try await status in group { #expect(status == 0) }
        }
        let runs = try server.runs("two ü")
        #expect(
            runs.keys.sorted() == ["a", "b", "c"]
                && runs.values.allSatisfy { $0.count == 1 && $0[0].status == "FINISHED" })
    }

    /// The lines of docs/tracking.md, but for the server's own.
    @Test func theDocumentsLinesRun() throws {
        let lines = try DocumentsTests.blocks("tracking.md", "sh").joined().replacing(
            "http://127.0.0.1:5000", with: server.uri)
        let kept = lines[..<(lines.firstRange(of: "mlflow models serve")?.lowerBound ?? lines.endIndex)]
        let result = try shell(
            "set -euo pipefail; cd '\(folder.path(""))'; PATH=\(builtProducts.path):$PATH\n" + kept)
        #expect(result.status == 0, "\(result.error)")
        #expect(try server.run("first", in: "library").versions == ["books": "1"])
    }

    @Test func saysWhatTheServerRefuses() throws {
        try #require(try train("x", "gone").status == 0)
        try server.run("client.delete_experiment(client.get_experiment_by_name('gone').experiment_id)")
        let gone = try train("y", "gone")
        #expect(gone.status == 0 && gone.error.contains("mlflow experiments restore"), "\(gone.error)")
        // Restored, it is told what waited.
        try server.run("client.restore_experiment(client.get_experiment_by_name('gone').experiment_id)")
        #expect(try starling(["track", "sync", folder.path("y")]).status == 0)
        try expectAllEpochs("y", server.run("y", in: "gone"))
        // A run that was deleted is no place any more.
        try server.run(
            "client.delete_run(client.search_runs([client.get_experiment_by_name('gone').experiment_id], 'attributes.run_name = \\'y\\'')[0].info.run_id)"
        )
        let deleted = try starling(["track", "sync", folder.path("y")])
        #expect(deleted.status == 69 && deleted.error.contains("deleted"), "\(deleted.error)")
    }
}

extension Dictionary where Key: Sendable {
    fileprivate func mapKeys<New: Hashable>(_ change: (Key) -> New) -> [New: Value] {
        Dictionary<New, Value>(map { (change($0.key), $0.value) }) { first, _ in first }
    }
}
