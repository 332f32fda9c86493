import Basics
import Foundation
import Kernels
import Testing

/// `train mf` from the outside: what it prints, refuses, resumes.
@Suite struct TrainCommandTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", Self.ratings(users: 90, items: 60))
    }

    /// A rating file with some structure, made without the command.
    static func ratings(users: Int, items: Int) -> String {
        var text = "userId,movieId,rating,timestamp\n"
        for user in 1...users {
            for item in 1...items where (user * 7 + item * 13) % 5 < 2 {
                let stars = Double((user % 4) + (item % 3)) * 0.5 + 1.5
                text += "\(user),\(item),\(stars),\(1_000_000 + user * 100 + item)\n"
            }
        }
        return text
    }

    func train(_ run: String, _ more: [String] = [], environment: [String: String] = [:]) throws -> (
        status: Int32, output: String, error: String
    ) {
        try starling(
            ["train", "mf", "--data", ratings, "--output", folder.path(run), "--factors", "8", "--epochs", "4"] + more,
            environment: environment)
    }

    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func printsTheKeysThatScriptsRelyOn() throws {
        let result = try train("run", ["--val-size", "0.1", "--json"])
        #expect(result.status == 0, "\(result.error)")
        let summary = try json(result.output)
        for key in [
            "model", "run", "users", "items", "interactions", "factors", "threads", "device", "epochs", "metrics",
            "seconds", "load_seconds", "train_seconds", "interactions_per_second", "peak_memory_bytes",
            "train_peak_memory_bytes", "weights_sha256",
        ] { #expect(summary[key] != nil, "\(key)") }
        let epochs = try #require(summary["epochs"] as? [[String: Any]])
        #expect(epochs.count == 4)
        #expect(epochs.allSatisfy { $0["epoch"] != nil && $0["seconds"] != nil && $0["train_loss"] != nil })
        let metrics = try #require(summary["metrics"] as? [String: Double])
        #expect(metrics["val_rmse"]! > 0 && metrics["val_loss"]! > 0)
        let (all, trained) = (summary["interactions"] as? Int, summary["train_interactions"] as? Int)
        let rows = Self.ratings(users: 90, items: 60).split(separator: "\n").count - 1
        #expect(all == rows && trained == rows - Int((Double(rows) * 0.1).rounded()))
        let lines = try String(contentsOfFile: folder.path("run/metrics.jsonl"), encoding: .utf8)
        #expect(lines.split(separator: "\n").count == 4)
    }

    @Test func sameBitsAtAnyThreadCount() throws {
        let shas = try [1, 2, 7].map { threads in
            try json(train("run-\(threads)", ["--threads", "\(threads)", "--json"]).output)["weights_sha256"] as? String
        }
        #expect(shas[0] != nil && Set(shas).count == 1)
    }

    @Test func aRunIsNotReplacedUnasked() throws {
        #expect(try train("run").status == 0)
        let again = try train("run")
        #expect(again.status == 64)
        #expect(again.error.contains("--resume") && again.error.contains("--overwrite"))
        #expect(try train("run", ["--overwrite"]).status == 0)
    }

    @Test func resumeIsIdempotentAndNamesDifferences() throws {
        let first = try json(train("run", ["--resume", "--json"]).output)
        let again = try train("run", ["--resume", "--json"])
        #expect(again.status == 0)
        #expect(try json(again.output)["weights_sha256"] as? String == first["weights_sha256"] as? String)
        let bare = try starling(["train", "mf", "--output", folder.path("run"), "--resume", "--json"])
        #expect(bare.status == 0, "\(bare.error)")
        #expect(try json(bare.output)["weights_sha256"] as? String == first["weights_sha256"] as? String)
        let other = try train("run", ["--resume", "--learning-rate", "0.5"])
        #expect(other.status == 64 && other.error.contains("learning-rate: 0.03"), "\(other.error)")
        _ = try folder.file("ratings.csv", Self.ratings(users: 91, items: 60))
        let changed = try train("run", ["--resume"])
        #expect(changed.status == 64 && changed.error.contains("data"), "\(changed.error)")
    }

    @Test func aTenthIsHeldOutUnlessToldOtherwise() throws {
        let bare = try json(train("bare", ["--json"]).output)
        #expect((bare["metrics"] as? [String: Double])?["val_rmse"] != nil)
        #expect(try starling(["evaluate", folder.path("bare")]).status == 0)
        let all = try json(train("all", ["--val-size", "0", "--json"]).output)
        #expect((all["metrics"] as? [String: Double])?["val_rmse"] == nil)
        #expect(try starling(["evaluate", folder.path("all")]).status == 64)
        let config = folder.path("all/run.json")
        let again = try json(
            starling(["train", "mf", "--config", config, "--output", folder.path("again"), "--json"]).output)
        #expect(again["weights_sha256"] as? String == all["weights_sha256"] as? String)
        let split = try starling([
            "train", "mf", "--config", folder.path("bare/run.json"), "--output", folder.path("split"), "--val-size",
            "0.3",
        ])
        #expect(split.status == 0, "\(split.error)")
    }

    @Test func configurationReadsWhatARunWrites() throws {
        let first = try json(train("first", ["--dropout", "0.1", "--no-biases", "--json"]).output)
        let second = try starling([
            "train", "mf", "--config", folder.path("first/run.json"), "--output", folder.path("second"), "--json",
        ])
        #expect(second.status == 0, "\(second.error)")
        #expect(try json(second.output)["weights_sha256"] as? String == first["weights_sha256"] as? String)
        let typo = try folder.file("typo.json", #"{"facters": 3}"#)
        let refused = try train("third", ["--config", typo])
        #expect(refused.status == 64 && refused.error.contains("--factors"), "\(refused.error)")
    }

    @Test func theVertexTrainersFlagsWorkInEverySpelling() throws {
        let spellings = [
            ["--ratings_csv", ratings, "--val_size", "0.2", "--batch_size", "256", "--weight_decay", "1e-5"],
            ["--ratingscsv", ratings, "--valsize", "0.2", "--batchsize", "256", "--weightdecay", "1e-5"],
            ["--RATINGS-CSV", ratings, "--Val-Size", "0.2", "--batch-size", "256", "--weight-decay", "1e-5"],
        ]
        var shas: Set<String> = []
        for (index, spelling) in spellings.enumerated() {
            let run = folder.path("vertex-\(index)")
            let result = try starling(
                ["train", "mf", "--output", run, "--json", "--lr", "1e-3", "--clip_grad", "1.0", "--use_cuda"]
                    + spelling)
            #expect(result.status == 0, "\(result.error)")
            #expect(result.error.contains("no GPU"))
            let summary = try json(result.output)
            #expect((summary["epochs"] as? [Any])?.count == 1)
            #expect(summary["factors"] as? Int == 64)
            shas.insert(try #require(summary["weights_sha256"] as? String))
            let record = try json(String(contentsOfFile: run + "/run.json", encoding: .utf8))
            let options = try #require(record["configuration"] as? [String: Any])
            #expect(options["optimizer"] as? String == "adam" && options["preset"] as? String == "vertex")
        }
        #expect(shas.count == 1)
    }

    @Test func aKeyThatCannotBeIsNotRepeated() throws {
        let result = try train("run", ["--supabase_url", "https://x.example", "--supabase_key", "s3cret word"])
        #expect(result.status == 64 && result.error.contains("characters that no key has"), "\(result.error)")
        #expect(!result.error.contains("s3cret") && !result.output.contains("s3cret"))
        #expect(!Files.exists(folder.path("run")))
    }

    @Test func usageErrorsNameTheWayOut() throws {
        for (arguments, part) in [
            (["--batch-size", "100"], "--optimizer adam"), (["--optimizer", "lion"], "sgd, adagrad, adam"),
            (["--factors", "0"], "1 to 2048"), (["--early-stopping", "2", "--val-size", "0"], "--val-size"),
            (["--val-size", "1.5"], "below 1"), (["--split", "last:1", "--val-size", "0.1"], "exclude"),
            (["--resume", "--overwrite"], "exclude"), (["--device", "tpu"], "cpu, cuda or auto"),
            (["--facters", "3"], "--factors"), (["--split", "held-out-users:5"], "fold"),
        ] {
            let result = try train("run", arguments)
            #expect(result.status == 64 && result.error.contains(part), "\(arguments): \(result.error)")
            #expect(!Files.exists(folder.path("run")), "\(arguments)")
        }
        let gpu = try train("run", ["--device", "cuda"])
        #expect(gpu.status == 69 && gpu.error.contains("--device"))
        let nowhere = try starling(["train", "mf", "--data", ratings])
        #expect(nowhere.status == 64 && nowhere.error.contains("--output"))
    }

    @Test func badDataEndsWith65AndLeavesNothing() throws {
        let bad = try folder.file("bad.csv", "user,item,rating\n1,2,3.0\n1,x\n")
        let result = try starling(["train", "mf", "--data", bad, "--output", folder.path("run")])
        #expect(result.status == 65 && result.error.contains("bad.csv:3"), "\(result.error)")
        #expect(!Files.exists(folder.path("run")))
        let missing = try starling(["train", "mf", "--data", folder.path("no.csv"), "--output", folder.path("run")])
        #expect(missing.status == 65 && missing.error.contains("no.csv"))
    }

    @Test func aRunThatCannotFitIsRefusedWithTheNumbers() throws {
        let result = try train("run", environment: ["STARLING_MEMORY_LIMIT": "10000"])
        #expect(result.status == 1 && result.error.contains("10.0 kB"), "\(result.error)")
        #expect(!Files.exists(folder.path("run")))
    }

    @Test func theInstructionSetIsFixedByTheEnvironment() throws {
        let baseline = try train("run", environment: ["STARLING_ISA": "baseline"])
        #expect(baseline.status == 0)
        let record = try json(String(contentsOfFile: folder.path("run/run.json"), encoding: .utf8))
        #expect((record["versions"] as? [String: Any])?["isa"] as? String == "baseline")
        #expect(try train("other", environment: ["STARLING_ISA": "sse9"]).status == 64)
        guard InstructionSet.best >= .avx512vnni else { return }
        // For floats it is AVX-512, so a run may go on with either.
        #expect(try train("vnni", environment: ["STARLING_ISA": "avx512vnni"]).status == 0)
        let other = try json(String(contentsOfFile: folder.path("vnni/run.json"), encoding: .utf8))
        #expect((other["versions"] as? [String: Any])?["isa"] as? String == "avx512")
    }
}
