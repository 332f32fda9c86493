import Basics
import Formats
import Foundation
import Testing

/// Tests of LibTorch's plugin are skipped where it is not there.
private let torch: ConditionTrait = .enabled(if: hasTorch, "run `make torch` for these tests")

/// `train sse-pt` from the outside.
@Suite(torch) struct TrainSSEPTTests {
    let folder: TemporaryFolder
    /// Users walk through 30 items in a circle, each from a place of their own: what comes next is certain.
    let walks: String

    init() throws {
        folder = try TemporaryFolder()
        walks = try folder.file("walks.txt", Self.walks(users: 60, items: 30, steps: 14))
    }

    static func walks(users: Int, items: Int, steps: Int) -> String {
        (1...users).flatMap { user in (0..<steps).map { "\(user) \((user * 7 + $0) % items + 1)\n" } }.joined()
    }

    func train(
        _ more: [String], run: String = "run", environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, error: String) {
        try starling(
            [
                "train", "sse-pt", "--output", folder.path(run), "--factors", "16", "--user-dim", "8", "--max-length",
                "10",
                "--batch-size", "16", "--threads", "2", "--json",
            ] + (more.contains("--data") ? [] : ["--data", walks]) + more, environment: environment)
    }

    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func learnsWhatComesNext() throws {
        let flags = ["--epochs", "60", "--learning-rate", "0.01", "--replace-users", "0.5", "--replace-items", "0"]
        let result = try train(flags)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("in the order of time"))
        let summary = try json(result.output)
        #expect(summary["model"] as? String == "sse-pt" && summary["factors"] as? Int == 16)
        #expect(try train(flags + ["--resume"]).output == result.output)
        let run = folder.path("run")
        let metrics = try #require(
            try json(starling(["evaluate", run, "--k", "3", "--json"]).output)["metrics"] as? [String: Double])
        #expect(metrics["hit_rate@3"]! > 0.9, "\(metrics)")

        // The test item comes after the validation item, which evaluation puts behind the history.
        let history = try json(
            starling(["recommend", run, "--history", "3,4,5,6,7", "--count", "3", "--json"]).output)
        let items = try #require(history["items"] as? [[String: Any]]).compactMap { $0["item"] as? String }
        #expect(items.contains("8"), "\(items)")
        let turned = try json(
            starling(["recommend", run, "--history", "7,6,5,4,3", "--count", "3", "--json"]).output)
        #expect(try #require(turned["items"] as? [[String: Any]]).compactMap { $0["item"] as? String } != items)
        for (history, part) in [("", "names no item"), ("999", "no item")] {
            let refused = try starling(["recommend", run, "--history", history])
            #expect(refused.status == (history.isEmpty ? 64 : 65) && refused.error.contains(part), "\(refused.error)")
        }
        // One user or all, the same lists.
        #expect(try starling(["recommend", run, "--all-users", "--output", folder.path("all.jsonl")]).status == 0)
        let one = try json(starling(["recommend", run, "--user", "7", "--json"]).output)
        let lists = try Files.readText(folder.path("all.jsonl")).split(separator: "\n").map { try json(String($0)) }
        let same = try #require(lists.first { $0["user"] as? String == "7" })
        func ids(_ answer: [String: Any]) -> [String] {
            (answer["items"] as? [[String: Any]] ?? []).compactMap { $0["item"] as? String }
        }
        #expect(ids(one) == ids(same) && ids(one).count == 10)
        #expect(try starling(["similar", run, "--item", "3", "--json"]).status == 0)

        // Exported vectors score as the model does; weights open as a state dict.
        #expect(try starling(["export", run, "--to", folder.path("v.safetensors"), "--vectors", "both"]).status == 0)
        for (choice, kinds) in [
            ([], ["item"]), (["--vectors", "both"], ["item", "user"]), (["--vectors", "users"], ["user"]),
        ] {
            #expect(try starling(["export", run, "--to", folder.path("v.csv")] + choice).status == 0)
            let lines = try Files.readText(folder.path("v.csv")).split(separator: "\n").dropFirst()
            #expect(Set(lines.map { String($0.prefix { $0 != "," }) }).sorted() == kinds)
        }
        let vectors = try SafeTensorsFile(folder.path("v.safetensors"))
        #expect(
            try vectors.tensor("user_factors").shape == [60, 16] && vectors.tensor("item_factors").shape == [30, 16])
        #expect(try starling(["export", run, "--to", folder.path("w.pth")]).status == 0)
        #expect(try PTHFile(folder.path("w.pth")).tensor("users.weight").shape == [60, 8])
    }

    /// The same bits after a kill, and at any place of an epoch.
    @Test func resumesToTheSameBits() throws {
        let flags = ["--epochs", "6", "--replace-items", "0.1", "--sample-windows", "0.5"]
        let whole = try json(train(flags).output)["weights_sha256"] as? String
        let first = try train(["--epochs", "3"] + flags.dropFirst(2), run: "other")
        #expect(first.status == 0, "\(first.error)")
        let second = try json(train(flags + ["--resume"], run: "other").output)["weights_sha256"] as? String
        #expect(whole != nil && whole == second)
    }

    /// Lower precision, on the CPU too, and sums of gradients: losses near those of float32.
    @Test func learnsInLowerPrecision() throws {
        func loss(_ more: [String]) throws -> Double {
            let result = try train(["--epochs", "4", "--overwrite"] + more, run: "precision")
            #expect(result.status == 0, "\(result.error)")
            return try #require(try json(result.output)["metrics"] as? [String: Double])["train_loss"]!
        }
        let full = try loss([])
        for more in [
            ["--precision", "bf16"], ["--precision", "fp16"], ["--batch-size", "8", "--gradient-accumulation", "2"],
        ] {
            let other = try loss(more)
            #expect(abs(other - full) < 0.05 * full, "\(more): \(other), \(full)")
        }
    }

    /// A run that begins with another's weights: what its table says, and shapes that it takes over.
    @Test func retrainsFromARun() throws {
        #expect(try train(["--epochs", "3"], run: "first").status == 0)
        let more = try folder.file("more.txt", Self.walks(users: 70, items: 34, steps: 14))
        let again = try starling([
            "train", "sse-pt", "--data", more, "--retrain", folder.path("first"), "--epochs", "0", "--output",
            folder.path("second"), "--json",
        ])
        #expect(again.status == 0, "\(again.error)")
        #expect(
            again.error.contains("30 of 34 items by their ids") && again.error.contains("60 of 70 users by their ids"))
        let described = try json(Files.readText(folder.path("second") + "/run.json"))
        let configuration = try #require(described["configuration"] as? [String: Any])
        #expect(configuration["max-length"] as? Int == 10 && configuration["user-dim"] as? Int == 8)
        let (one, other) = try (
            SafeTensorsFile(folder.path("first") + "/model/weights.safetensors"),
            SafeTensorsFile(folder.path("second") + "/model/weights.safetensors")
        )
        for name in ["positions.weight", "blocks.1.key.weight", "final_norm.bias"] {
            #expect(try one.tensor(name).floats() == other.tensor(name).floats(), "\(name)")
        }
        let narrow = try starling([
            "train", "sse-pt", "--data", more, "--retrain", folder.path("first"), "--factors", "12", "--user-dim", "8",
            "--epochs", "0", "--output", folder.path("third"),
        ])
        #expect(narrow.status == 0 && narrow.error.contains("skipped"), "\(narrow.error)")
    }

    @Test func refusesWhatItCannotTake() throws {
        let short = try folder.file("short.txt", "1 1\n2 2\n3 1\n")
        let text = try folder.file("model.pth", "no archive")
        let other = try train(["--epochs", "1"], run: "mf")
        #expect(other.status == 0)
        for (flags, status, part) in [
            (["--heads", "5"], 64, "--heads 5"),
            (["--user-dim", "0", "--replace-users", "0.5"], 64, "--replace-users"),
            (["--loss", "hinge"], 64, "sampled-softmax"),
            (["--loss", "softmax", "--negatives", "3"], 64, "--negatives"),
            (["--retrain", text], 65, "model.pth"), (["--data", short, "--val-size", "0"], 65, "two interactions"),
            (["--retrain", folder.path("nothing")], 65, "nothing"),
        ] as [([String], Int32, String)] {
            let result = try train(flags, run: "refused")
            #expect(
                result.status == status && result.error.contains(part), "\(flags): \(result.status) \(result.error)")
        }
    }
}

/// What needs data in folders, as the MovieLens-20M system lays them out.
extension TrainSSEPTTests {
    @Test func pairsInFoldersByShares() throws {
        let lines = Self.walks(users: 60, items: 30, steps: 14).split(separator: "\n")
        let root = folder.path("organized")
        for (part, steps) in [("training", 0..<12), ("validation", 12..<13), ("evaluation", 13..<14)] {
            try Files.makeDirectory(root + "/" + part)
            for file in 0..<(part == "training" ? 10 : 1) {
                let own = lines.enumerated().filter {
                    steps.contains($0.offset % 14) && (part != "training" || $0.offset / 14 % 10 == file)
                }.map { String($0.element) + "\n" }.joined()
                let text = try folder.file("pairs.txt", own)
                let made = try starling([
                    "data", "convert", "--data", text, "--form", "pairs", "--to", "\(root)/\(part)/p_\(file).npz",
                ])
                #expect(made.status == 0, "\(made.error)")
            }
        }
        let all = try train(["--data", root, "--split", "folders", "--epochs", "1"])
        #expect(all.status == 0, "\(all.error)")
        #expect(all.error.contains("its order is taken as the order in time"))
        #expect(try json(all.output)["train_interactions"] as? Int == 720)
        let some = try train(["--data", root + "/training/*.npz", "--fraction", "0.3", "--epochs", "1"], run: "some")
        #expect(some.status == 0, "\(some.error)")
        #expect(try json(some.output)["interactions"] as? Int == 216)
        let one = try train(["--fraction", "0.5"], run: "one")
        #expect(one.status == 64 && one.error.contains("--fraction"), "\(one.error)")
        // The system's own network.
        let encoder = try train(
            [
                "--data", root, "--split", "folders", "--architecture", "encoder", "--feed-forward", "32", "--epochs",
                "2",
            ],
            run: "encoder")
        #expect(encoder.status == 0, "\(encoder.error)")
        #expect(try starling(["evaluate", folder.path("encoder"), "--k", "5"]).status == 0)
        #expect(try starling(["export", folder.path("encoder"), "--to", folder.path("e.npz")]).status == 0)
    }

    /// Where memory runs out, batches get smaller, it is said, and training goes on. How much room a process needs before
    /// depends on the machine, so that limits are tried from low ones up.
    @Test func smallerBatchesWhereMemoryRunsOut() throws {
        let file = try folder.file("many.txt", Self.walks(users: 2400, items: 30, steps: 14))
        for limit in stride(from: 1_000_000, to: 12_000_000, by: 150_000) {
            let result = try shell(
                "ulimit -v \(limit); exec \(builtProducts.path)/starling train sse-pt --data \(file) --output "
                    + "\(folder.path("small")) --overwrite --loss softmax --batch-size 2048 --factors 128 --user-dim 128 "
                    + "--max-length 12 --epochs 1 --split last:1 --threads 2")
            if result.error.contains("out of memory: batches are of 1024 histories"), result.status == 0 { return }
            if result.status == 0 { break }
        }
        Issue.record("there was room for all, or none for less")
    }

    /// A search measures what `evaluate` and training do, and prints a command that trains the best.
    @Test func isTuned() throws {
        let result = try starling([
            "tune", "sse-pt", "--data", walks, "--choice", "loss=bce,gbce", "--range", "learning-rate=1e-3..1e-2:log",
            "--trials", "2", "--output", folder.path("tuning"), "--epochs", "3", "--factors", "8", "--user-dim", "4",
            "--max-length", "10", "--negatives", "3", "--threads", "2", "--json",
        ])
        #expect(result.status == 0, "\(result.error)")
        let best = try #require(try json(result.output)["best"] as? [String: Any])
        let command = try #require(best["command"] as? String)
        #expect(command.hasPrefix("starling train sse-pt "))
        let trained = try shell("\(builtProducts.path)/\(command) --threads 2 --json")
        #expect(trained.status == 0, "\(trained.error)")
        let metrics = try #require(try json(trained.output)["metrics"] as? [String: Double])
        #expect(metrics["val_ndcg@10"] == best["value"] as? Double)
    }

    /// MovieLens-100K, where it is: a transformer finds the next film much better than chance does.
    @Test func movieLens() throws {
        guard let data = ProcessInfo.processInfo.environment["STARLING_DATA"], Files.exists(data + "/ml-100k") else {
            return print("skipped MovieLens-100K: STARLING_DATA names no folder that holds ml-100k")
        }
        let result = try train(["--data", data + "/ml-100k", "--epochs", "15", "--batch-size", "64", "--seed", "1"])
        #expect(result.status == 0, "\(result.error)")
        let metrics = try #require(
            try json(starling(["evaluate", folder.path("run"), "--k", "10", "--negatives", "100", "--json"]).output)[
                "sampled"] as? [String: Any])
        let sampled = try #require(metrics["metrics"] as? [String: Double])
        #expect(sampled["hit_rate@10"]! > 0.3, "\(sampled)")
    }

    /// Public SASRec checkpoints, where they are: what plain PyTorch gives (Benchmarks/reproduce/sasrec-checkpoints).
    @Test(arguments: [("1000", 0.2414, 0.1286), ("601", 0.2132, 0.1125)])
    func publicCheckpoints(_ epoch: String, _ hits: Double, _ gain: Double) throws {
        guard let data = ProcessInfo.processInfo.environment["STARLING_DATA"] else { return }
        let file = data + "/checkpoints-sasrec/SASRec.epoch=\(epoch).lr=0.001.layer=2.head=1.hidden=50.maxlen=200.pth"
        let pairs = data + "/ml-1m-sasrec/ml-1m.txt"
        guard Files.exists(file), Files.exists(pairs) else {
            return print("skipped SASRec's checkpoints: STARLING_DATA does not hold them and ml-1m-sasrec")
        }
        let run = folder.path("sasrec")
        let made = try starling([
            "train", "sse-pt", "--data", pairs, "--retrain", file, "--epochs", "0", "--output", run,
        ])
        #expect(made.status == 0, "\(made.error)")
        let metrics = try #require(
            try json(starling(["evaluate", run, "--json"]).output)["metrics"] as? [String: Double])
        #expect(abs(metrics["hit_rate@10"]! - hits) < 5e-4 && abs(metrics["ndcg@10"]! - gain) < 5e-4, "\(metrics)")
    }
}
