import Basics
import Foundation
import StarlingCommand
import Testing
import Training

/// Jobs of Vertex AI: what their environment says, and what they report.
@Suite struct VertexTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func job(_ variables: [String: String]) throws -> VertexJob { try VertexJob { variables[$0] } }

    @Test func foldersAreOneRun() throws {
        let both = try job([
            "AIP_MODEL_DIR": "gs://bucket/starling/7/model/",
            "AIP_CHECKPOINT_DIR": "gs://bucket/starling/7/checkpoints/",
            "AIP_TRAINING_DATA_URI": "gs://bucket/data/*.csv",
        ])
        #expect(both.output == "/gcs/bucket/starling/7" && both.data == "/gcs/bucket/data/*.csv")
        #expect(try job(["AIP_MODEL_DIR": "/gcs/b/other/"]).output == "/gcs/b/other")
        #expect(
            try job(["AIP_MODEL_DIR": "gs://b/x/model", "AIP_CHECKPOINT_DIR": "gs://b/y/checkpoints"]).output
                == "/gcs/b/x/model")
        #expect(try job([:]).output == nil)
    }

    @Test(arguments: [
        ("workerpool0", 0, 0), ("workerpool1", 0, 1), ("workerpool1", 2, 3), ("workerpool2", 0, nil),
    ])
    func placesAmongMachines(_ pool: String, _ index: Int, _ rank: Int?) throws {
        let spec = """
            {"cluster": {"workerpool0": ["a:2222"], "workerpool1": ["b:2222", "c:2222", "d:2222"], "workerpool2": ["e:2222"]}, \
            "environment": "cloud", "task": {"type": "\(pool)", "index": \(index), "trial": "3"}, "job": {"x": 1}}
            """
        let cluster = try #require(try job(["CLUSTER_SPEC": spec]).cluster)
        #expect(cluster.rank == rank && cluster.world == 4 && cluster.task == "\(pool) \(index)")
        #expect(throws: (any Error).self) { try job(["CLUSTER_SPEC": "{}"]) }
    }

    /// The package's own bytes for the same reports, where STARLING_PYTHON has it.
    @Test func reportsAreThePackages() throws {
        var reports: [(Double, Int, Double)] = [
            (0.9, 1, 1_700_000_000.123456), (1e-5, 2, 1_700_000_001.5), (3, 0, 1_700_000_002),
            (1e17, 4, 1_700_000_003.25),
        ]
        for step in 5..<120 { reports.append((Double(step) / 7, step, 1.7e9 + Double(step) / 3)) }
        let own = folder.path("own/output.metrics"), its = folder.path("its/output.metrics")
        let reporter = HypertuneReporter(own, trial: "12", metric: "val_rmse")
        for (value, step, time) in reports { try reporter.report(value, step: step, at: time) }
        let calls = reports.map { "(\($0.0), \($0.1), \($0.2))" }.joined(separator: ", ")
        let file = try folder.file(
            "report.py",
            """
            import sys, time
            try:
                import hypertune
            except ImportError:
                sys.exit(9)
            tuner, now = hypertune.HyperTune(), [0]
            time.time = lambda: now[0]
            for value, step, at in [\(calls)]:
                now[0] = at
                tuner.report_hyperparameter_tuning_metric("val_rmse", value, step)
            """)
        let result = try shell(
            "\(StandIn.python) \(file)", environment: ["CLOUD_ML_HP_METRIC_FILE": its, "CLOUD_ML_TRIAL_ID": "12"])
        guard result.status != 9 else { return print("skipped: STARLING_PYTHON has no cloudml-hypertune") }
        #expect(result.status == 0, "\(result.error)")
        #expect(try Files.readText(own) == Files.readText(its))
    }

    /// TensorBoard reads back what `metrics.jsonl` says, where STARLING_PYTHON has it.
    @Test func tensorBoardReadsTheMetrics() throws {
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
        let logs = folder.path("logs")
        let result = try starling([
            "train", "mf", "--data", ratings, "--output", folder.path("run"), "--epochs", "4", "--tensorboard", logs,
        ])
        #expect(result.status == 0, "\(result.error)")
        let file = try folder.file(
            "read.py",
            """
            import json, sys
            try:
                from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            except ImportError:
                sys.exit(9)
            import numpy as np
            board = EventAccumulator(sys.argv[1]).Reload()
            found = {}
            for tag in board.Tags()["scalars"]:
                for event in board.Scalars(tag):
                    found.setdefault(event.step, {})[tag] = event.value
            for line in map(json.loads, open(sys.argv[2])):
                epoch = found.pop(line.pop("epoch"))
                assert epoch.keys() == line.keys(), (epoch, line)
                assert all(np.float32(epoch[name]) == np.float32(value) for name, value in line.items())
            assert not found
            """)
        let read = try shell("\(StandIn.python) \(file) \(logs) \(folder.path("run"))/metrics.jsonl")
        guard read.status != 9 else { return print("skipped: STARLING_PYTHON has no tensorboard") }
        #expect(read.status == 0, "\(read.error)")
        let refused = try starling([
            "train", "mf", "--data", ratings, "--output", folder.path("x"), "--tensorboard", ratings,
        ])
        #expect(refused.status == 1 && refused.error.contains(ratings), "\(refused.error)")
    }

    /// A job that is taken away writes a checkpoint; the same job, started again, goes on by itself and ends with the same weights.
    @Test func goesOnAfterPreemption() throws {
        let ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 900, items: 300))
        func environment(_ name: String) -> [String: String] {
            [
                "AIP_MODEL_DIR": folder.path(name) + "/model/",
                "AIP_CHECKPOINT_DIR": folder.path(name) + "/checkpoints/",
                "CLOUD_ML_TRIAL_ID": "3", "CLOUD_ML_HP_METRIC_FILE": folder.path(name + ".metrics"),
                "CLUSTER_SPEC": #"{"cluster": {"workerpool0": ["a:1"]}, "task": {"type": "workerpool0", "index": 0}}"#,
            ]
        }
        let options = [
            "train", "mf", "--ratings_csv", ratings, "--epochs", "60", "--lr", "1e-3", "--factors", "32", "--json",
        ]
        let whole = try starling(options, environment: environment("whole"))
        #expect(whole.status == 0, "\(whole.error)")
        let stopped = try shell(
            "timeout --foreground -s TERM 0.4 \(builtProducts.path)/starling \(options.joined(separator: " "))",
            environment: environment("parts"))
        let again = try starling(options, environment: environment("parts"))
        #expect(again.status == 0, "\(again.error)")
        // Where the machine is fast, the job was over before; where not, it was stopped with a checkpoint.
        #expect(stopped.status == 124 || stopped.status == 0)
        if stopped.status == 124 {
            #expect(stopped.error.contains("stopped") || stopped.error.contains("epoch 60/60"), "\(stopped.error)")
        }
        #expect(try weightsDigest(again.output) == weightsDigest(whole.output))
        let record = try JSON.decode(JSONValue.self, from: Files.read(folder.path("parts/run.json")), file: "run.json")
        #expect(record["cluster"]?["rank"]?.int == 0 && record["cluster"]?["world"]?.int == 1)
        let reports = try Files.readText(folder.path("whole.metrics")).split(separator: "\n")
        #expect(
            reports.count == 60 && reports[59].contains(#""global_step": "60""#)
                && reports[0].contains(#""trial": "3""#))
        #expect(Files.exists(folder.path("whole/model/model.json")))
    }
}
