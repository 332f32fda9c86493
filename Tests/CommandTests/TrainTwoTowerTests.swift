import Basics
import Foundation
import Testing

/// Tests of LibTorch's plugin are skipped where it is not there.
private let torch: ConditionTrait = .enabled(if: hasTorch, "run `make torch` for these tests")

/// `train two-tower` from the outside, and what needs no LibTorch.
@Suite struct TrainTwoTowerTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    func train(
        _ more: [String], run: String = "run", environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, error: String) {
        try starling(
            [
                "train", "two-tower", "--output", folder.path(run), "--factors", "8", "--layers", "12,8",
                "--batch-size",
                "128", "--threads", "2", "--json",
            ] + (more.contains("--data") ? [] : ["--data", ratings]) + more, environment: environment)
    }

    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(torch) func trainsMeasuresAndRecommends() throws {
        let items = try folder.file(
            "movies.csv",
            "movieId,title,genres\n" + (0..<70).map { "\($0),Film \($0),G\($0 % 3)|H\n" }.joined())
        let flags = ["--epochs", "5", "--items", items, "--val-size", "0.1"]
        let result = try train(flags)
        #expect(result.status == 0, "\(result.error)")
        let summary = try json(result.output)
        #expect(summary["model"] as? String == "two-tower" && summary["factors"] as? Int == 8)
        #expect((summary["epochs"] as? [[String: Any]])?.count == 5)
        let metrics = try #require(summary["metrics"] as? [String: Double])
        for name in ["train_loss", "val_recall@20", "val_ndcg@20", "val_auc"] {
            #expect((metrics[name] ?? -1) >= 0, "\(name)")
        }
        #expect(try train(flags + ["--resume"]).output == result.output)
        let other = try train(flags + ["--resume", "--layers", "8"])
        #expect(other.status == 64 && other.error.contains("layers"), "\(other.error)")

        // Using the run needs no LibTorch.
        let without = ["STARLING_TORCH": "/nowhere"]
        let run = folder.path("run")
        let evaluation = try starling(["evaluate", run, "--k", "20", "--json"], environment: without)
        #expect(evaluation.status == 0, "\(evaluation.error)")
        let found = try #require(try json(evaluation.output)["metrics"] as? [String: Double])
        #expect(abs(found["recall@20"]! - metrics["val_recall@20"]!) < 1e-9)
        for command in [
            ["recommend", run, "--user", "1", "--json"], ["similar", run, "--item", "1", "--json"],
            ["export", run, "--to", folder.path("x.npz")], ["describe", run, "--json"],
            ["recommend", run, "--all-users", "--output", folder.path("all.jsonl")],
        ] {
            let used = try starling(command, environment: without)
            #expect(used.status == 0, "\(command): \(used.error)")
        }
        let lists = try Files.readText(folder.path("all.jsonl")).split(separator: "\n")
        let one = try json(try starling(["recommend", run, "--user", "1", "--json"], environment: without).output)
        let same = try lists.map { try json(String($0)) }.first { $0["user"] as? String == "1" }
        func ranked(_ answer: [String: Any]?) throws -> [String] {
            try #require(answer?["items"] as? [[String: Any]]).map { "\($0["item"]!) \($0["score"]!)" }
        }
        #expect(try ranked(one) == ranked(same) && ranked(one).count == 10)
    }

    /// Where memory runs out, batches get smaller, it is said, and training goes on. How much room a process needs before
    /// depends on the machine, so that limits are tried from low ones up.
    @Test(torch) func smallerBatchesWhereMemoryRunsOut() throws {
        for limit in stride(from: 1_000_000, to: 12_000_000, by: 150_000) {
            let result = try shell(
                "ulimit -v \(limit); exec \(builtProducts.path)/starling train two-tower --data \(ratings) "
                    + "--output \(folder.path("small")) --overwrite --loss bce --negatives 600 --batch-size 2048 "
                    + "--factors 64 --layers 64 --epochs 1 --val-size 0 --threads 2")
            if result.error.contains("out of memory: batches are of 1024 interactions"),
                result.status == 0
            {
                return
            }
            if result.status == 0 { break }
        }
        Issue.record("there was room for all, or none for less")
    }

    @Test(torch) func whatTrainingTakesIsInTheRun() throws {
        let result = try train([
            "--epochs", "2", "--gradient-accumulation", "2", "--user-buckets", "50", "--item-buckets", "40",
            "--precision", "bf16", "--no-such-option",
        ])
        #expect(result.status == 64)
        let good = try train([
            "--epochs", "2", "--gradient-accumulation", "2", "--user-buckets", "50", "--item-buckets", "40",
            "--precision", "bf16", "--device", "auto",
        ])
        #expect(good.status == 0, "\(good.error)")
        let scaled = try train(["--epochs", "2", "--precision", "fp16"], run: "scaled")
        #expect(scaled.status == 0, "\(scaled.error)")
        #expect(try train(["--epochs", "3", "--resume"], run: "scaled").status == 0)
        let record = try json(Files.readText(folder.path("run") + "/run.json"))
        let configuration = try #require(record["configuration"] as? [String: Any])
        #expect(configuration["user-buckets"] as? Int == 50 && configuration["gradient-accumulation"] as? Int == 2)
        let device = try #require(configuration["device"] as? String)
        #expect(device == "cpu" ? good.error.contains("notice: no GPU is there") : device == "cuda:0")
    }

    /// A search over its options, with features.
    @Test(torch) func isTuned() throws {
        let items = try folder.file(
            "movies.csv", "movieId,title,genres\n" + (1..<70).map { "\($0),Film \($0),G\($0 % 3)|H\n" }.joined())
        let result = try starling([
            "tune", "two-tower", "--data", ratings, "--items", items, "--choice", "loss=softmax,bpr", "--range",
            "learning-rate=1e-3..1e-2:log", "--trials", "2", "--output", folder.path("tuning"), "--epochs", "2",
            "--factors", "8", "--layers", "8", "--batch-size", "128", "--json",
        ])
        #expect(result.status == 0, "\(result.error)")
        #expect(try Files.readText(folder.path("tuning") + "/trials.jsonl").split(separator: "\n").count == 2)
    }

    /// Parts in folders, as shards of one kind.
    func parts(_ form: String) throws -> String {
        let root = folder.path(form)
        let split = folder.path("split")
        if !Files.exists(split) {
            let made = try starling(["data", "split", "--data", ratings, "--split", "last:2", "--output", split])
            #expect(made.status == 0, "\(made.error)")
        }
        try Files.makeDirectory(root)
        for (part, name) in [("train", "train"), ("validation", "validation"), ("test", "test")] {
            let target = root + "/" + name + (form == "npz" ? "/a.npz" : "")
            if form == "npz" { try Files.makeDirectory(root + "/" + name) }
            let made = try starling([
                "data", "convert", "--data", split + "/\(part).csv", "--form", form, "--to", target,
            ])
            #expect(made.status == 0, "\(made.error)")
        }
        return root
    }

    /// Batches read from shards, in folders for training, validation and test.
    @Test(torch, arguments: ["mds", "npz"]) func streamsShards(form: String) throws {
        let root = try parts(form)
        func train(_ run: String, _ more: [String] = []) throws -> (status: Int32, output: String, error: String) {
            try self.train(["--data", root, "--stream", "--epochs", "8"] + more, run: run)
        }
        let result = try train("whole")
        #expect(result.status == 0, "\(result.error)")
        let summary = try json(result.output)
        let kept = try csvRows(folder.path("split") + "/train.csv")
        #expect(summary["train_interactions"] as? Int == kept)
        let metrics = try #require(summary["metrics"] as? [String: Double])
        #expect(metrics["val_auc"]! > 0.5, "\(metrics)")
        let judged = try starling(["evaluate", folder.path("whole"), "--k", "20", "--json"])
        #expect(judged.status == 0 && judged.output.contains("folders (test part)"), "\(judged.error)\(judged.output)")
        if form == "mds" {
            // The same from a web server.
            let server = try WebServer(root)
            let remote = try self.train(
                ["--data", server.address, "--stream", "--epochs", "8"], run: "remote",
                environment: ["STARLING_CACHE": folder.path("cache")])
            #expect(remote.status == 0, "\(remote.error)")
            #expect(try weightsDigest(remote.output) == weightsDigest(result.output))
            #expect(try json(remote.output)["metrics"] as? [String: Double] == metrics)
        }
        // Ratings as labels come from the shards.
        let labelled = try train("labelled", ["--loss", "bce", "--label-threshold", "3"])
        #expect(labelled.status == 0, "\(labelled.error)")

        // Killed, it goes on to the same bits.
        let arguments = [
            "train", "two-tower", "--data", root, "--stream", "--epochs", "8", "--output", folder.path("killed"),
            "--factors", "8", "--layers", "12,8", "--batch-size", "128", "--threads", "2",
        ]
        _ = try starling(arguments, thenSend: SIGKILL, when: .epochs(3, folder.path("killed")))
        let resumed = try train("killed", ["--resume"])
        #expect(resumed.status == 0, "\(resumed.error)")
        #expect(try weightsDigest(resumed.output) == weightsDigest(result.output))
    }

    @Test func whatCannotBeStreamedIsSaid() throws {
        let root = try parts("mds")
        for (more, status, words) in [
            (["--data", root, "--val-size", "0.1"], 64, "put what is held out into validation/"),
            (["--data", ratings], 64, "text cannot be streamed"),
            (["--data", root, "--duplicates", "last"], 64, "have no meaning for shards as they lie"),
            (["--data", folder.path("split"), "--split", "folders"], 65, "no folder train"),
        ] as [([String], Int32, String)] {
            let result = try train(["--stream", "--epochs", "1"] + more, environment: [:])
            #expect(!hasTorch || (result.status == status && result.error.contains(words)), "\(result.error)")
        }
        // Other models take folders whole, and a folder of folders is explained.
        let flags = ["--output", folder.path("mf"), "--epochs", "2", "--factors", "4"]
        let hinted = try starling(["train", "mf", "--data", root] + flags)
        #expect(hinted.status == 65 && hinted.error.contains("--split folders"), "\(hinted.error)")
        let trained = try starling(["train", "mf", "--data", root, "--split", "folders", "--json"] + flags)
        #expect(trained.status == 0, "\(trained.error)")
        #expect(try json(trained.output)["train_interactions"] as? Int == csvRows(folder.path("split") + "/train.csv"))
        let judged = try starling(["evaluate", folder.path("mf")])
        #expect(judged.status == 0 && judged.output.contains("folders (test part)"), "\(judged.output)")
    }

    /// Rows of a file below its header.
    private func csvRows(_ path: String) throws -> Int {
        try Files.readText(path).split(separator: "\n").count - 1
    }

    /// Stopped and killed, a run goes on to the same bits.
    @Test(torch) func goesOnToTheSameBits() throws {
        let whole = try train(["--epochs", "30"], run: "whole")
        #expect(whole.status == 0, "\(whole.error)")
        for (number, signal) in [SIGINT, SIGKILL].enumerated() {
            let run = "run-\(number)"
            let arguments = [
                "train", "two-tower", "--data", ratings, "--output", folder.path(run), "--factors", "8", "--layers",
                "12,8", "--batch-size", "128", "--threads", "2", "--epochs", "30",
            ]
            let status = try starling(arguments, thenSend: signal, when: .epochs(3, folder.path(run)))
            #expect(status == nil || status == (signal == SIGINT ? 130 : -SIGKILL))
            let resumed = try train(["--epochs", "30", "--resume"], run: run)
            #expect(resumed.status == 0, "\(resumed.error)")
            #expect(try weightsDigest(resumed.output) == weightsDigest(whole.output))
        }
    }

    @Test func absenceIsOneLine() throws {
        let result = try train([], environment: ["STARLING_TORCH": folder.path("")])
        #expect(result.status == 69 && result.output.isEmpty)
        #expect(
            result.error.contains("make torch") && result.error.split(separator: "\n").count == 1, "\(result.error)")
        #expect(!Files.exists(folder.path("run")))
        let wrong = try folder.file("libstarling_torch.so", "no library")
        let opened = try train([], environment: ["STARLING_TORCH": wrong])
        #expect(opened.status == 69 && opened.error.contains(wrong), "\(opened.error)")
    }

    @Test func wrongOptionsAreRefused() throws {
        for (flags, words) in [
            (["--layers", "12,x"], "“x”"), (["--loss", "hinge"], "softmax, bce, bpr"),
            (["--batch-size", "1"], "--batch-size"),
            (["--device", "cuda"], "--device"), (["--negative-sampling", "none"], "uniform, popularity, mixed"),
        ] {
            let result = try train(flags)
            #expect((result.status == 64 || result.status == 69) && result.error.contains(words), "\(result.error)")
        }
    }

    /// Factors are trained without a byte of LibTorch.
    @Test func factorsNeedNoLibTorch() throws {
        let command = "'\(builtProducts.path)/starling' train als --data '\(ratings)' --output '\(folder.path("als"))'"
        let result = try shell("LD_DEBUG=files \(command) --iterations 1 --factors 4 2>&1")
        #expect(result.status == 0 && result.output.contains("libc.so"), "\(result.error)")
        #expect(!result.output.contains("torch"))
    }
}
