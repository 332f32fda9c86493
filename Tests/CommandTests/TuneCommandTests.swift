import Basics
import Foundation
import Testing

/// `tune` from the outside: what it finds is what `train` gives, it goes on after a kill, it refuses what cannot be.
@Suite struct TuneCommandTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.file("ratings.csv", TrainCommandTests.ratings(users: 90, items: 60))
    }

    private struct Answer: Decodable {
        struct Best: Decodable {
            let trial: Int
            let value: Double
            let options: [String: String]
            let command: String
        }
        struct Trial: Decodable, Equatable {
            let trial, rung, epochs: Int
            let value: Double?
            let options: [String: String]
            let error: String?
        }
        let metric: String
        let best: Best
        let trials: [Trial]
    }

    private struct Trained: Decodable {
        let metrics: [String: Double]
        var factors: Int?
    }

    private func tune(_ model: String, _ output: String, _ more: [String]) throws -> (
        status: Int32, output: String, error: String
    ) {
        try starling(["tune", model, "--data", ratings, "--output", folder.path(output), "--json"] + more)
    }

    private func answer(_ model: String, _ output: String, _ more: [String]) throws -> Answer {
        let result = try tune(model, output, more)
        #expect(result.status == 0, "\(result.error)")
        return try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
    }

    /// Runs the command that the answer prints; its result.
    private func runCommand(_ answer: Answer) throws -> Trained {
        let line = answer.best.command.replacingOccurrences(
            of: "starling train", with: Shell.quoted(builtProducts.appendingPathComponent("starling").path) + " train")
        let result = try shell(line + " --json --overwrite")
        #expect(result.status == 0, "\(line): \(result.error)")
        return try JSONDecoder().decode(Trained.self, from: Data(result.output.utf8))
    }

    private enum Shell { static func quoted(_ text: String) -> String { "'" + text + "'" } }

    private let mf = [
        "--epochs", "5", "--range", "factors=2..16:log", "--range", "regularization=1e-3..1:log", "--choice",
        "biases=true,false",
    ]

    @Test func theCommandGivesTheBestTrialAgain() throws {
        let answer = try answer("mf", "t", mf + ["--trials", "6", "--split", "last:1"])
        #expect(answer.metric == "val_rmse" && answer.trials.count == 6)
        let values = answer.trials.compactMap(\.value)
        #expect(values == values.sorted() && values[0] == answer.best.value)
        let trained = try runCommand(answer)
        #expect(trained.metrics["val_rmse"] == answer.best.value)
        #expect(trained.factors == Int(answer.best.options["factors"]!))
    }

    /// The ranking figures are those that `evaluate` prints.
    @Test func rankingTrialsAreMeasuredAsEvaluateDoes() throws {
        let answer = try answer(
            "als", "t",
            [
                "--iterations", "4", "--range", "factors=2..9", "--range", "alpha=0.5..20:log", "--choice",
                "solver=cholesky,cg", "--metric", "ndcg@7", "--trials", "12", "--val-size", "0.2",
            ])
        #expect(Set(answer.trials.map { $0.options["solver"] }).count == 2)
        #expect(answer.trials.compactMap(\.value).max() == answer.best.value)
        _ = try runCommand(answer)
        let evaluated = try starling(["evaluate", folder.path("t/best"), "--k", "7", "--json"])
        let figures = try JSONDecoder().decode(Trained.self, from: Data(evaluated.output.utf8))
        #expect(figures.metrics["ndcg@7"] == answer.best.value, "\(evaluated.error)")
    }

    @Test func whatIsDoneIsNotRunAgain() throws {
        let first = try answer("mf", "t", mf + ["--trials", "3"])
        let lines = try String(contentsOfFile: folder.path("t/trials.jsonl"), encoding: .utf8)
        #expect(lines.split(separator: "\n").count == 3)
        #expect(try answer("mf", "t", mf + ["--trials", "3"]).trials == first.trials)
        #expect(try String(contentsOfFile: folder.path("t/trials.jsonl"), encoding: .utf8) == lines)
        // More trials of a random search go on with it.
        let more = try answer("mf", "t", mf + ["--trials", "5"])
        #expect(more.trials.count == 5)
        #expect(try String(contentsOfFile: folder.path("t/trials.jsonl"), encoding: .utf8).hasPrefix(lines))
        #expect(
            more.trials.sorted { $0.trial < $1.trial }.prefix(3) == first.trials.sorted { $0.trial < $1.trial }[...])
        for other in [
            ["--seed", "1"], ["--split", "last:1"], ["--range", "dropout=0.0..0.2"], ["--metric", "val_mae"],
        ] {
            let result = try tune("mf", "t", mf + ["--trials", "5"] + other)
            #expect(result.status == 64 && result.error.contains("another search"), "\(other): \(result.error)")
        }
        #expect(try tune("mf", "t", mf + ["--trials", "4"]).status == 64)
        #expect(try answer("mf", "t", mf + ["--trials", "2", "--seed", "1", "--overwrite"]).trials.count == 2)
    }

    @Test(arguments: ["random", "halving"]) func parallelTrialsGiveTheSame(search: String) throws {
        let options = mf + ["--trials", "9", "--search", search]
        let one = try answer("mf", "one", options)
        let many = try answer("mf", "many", options + ["--parallel", "3", "--threads", "4"])
        #expect(one.trials == many.trials)
    }

    /// Rungs go on where the last left off: the best is what training from the start gives.
    @Test func halvingTrainsTheBestToItsEnd() throws {
        let answer = try answer("mf", "t", mf + ["--epochs", "9", "--trials", "9", "--search", "halving"])
        #expect(answer.trials.map(\.rung).sorted() == [0, 0, 0, 0, 0, 0, 1, 1, 2])
        #expect(answer.trials.map(\.epochs) == [9, 3, 3, 1, 1, 1, 1, 1, 1])
        let trained = try runCommand(answer)
        #expect(trained.metrics["val_rmse"] == answer.best.value)
        #expect(!FileManager.default.fileExists(atPath: folder.path("t/checkpoints")))
        #expect(try tune("mf", "t", mf + ["--epochs", "9", "--trials", "12", "--search", "halving"]).status == 64)
    }

    /// Killed at many moments, in the end it has what it would have had.
    @Test func goesOnAfterAKill() throws {
        let options = [
            "--epochs", "27", "--range", "factors=8..64:log", "--range", "learning-rate=0.001..0.05:log", "--trials",
            "27", "--search", "halving",
        ]
        let whole = try answer("mf", "whole", options)
        for moment in 1...8 {
            let process = Process()
            process.executableURL = builtProducts.appendingPathComponent("starling")
            process.arguments = ["tune", "mf", "--data", ratings, "--output", folder.path("killed")] + options
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            Thread.sleep(forTimeInterval: 0.03 * Double(moment))
            if process.isRunning { kill(process.processIdentifier, moment % 2 == 0 ? SIGINT : SIGKILL) }
            process.waitUntilExit()
        }
        #expect(try answer("mf", "killed", options).trials == whole.trials)
    }

    @Test func aTrialThatDivergesIsNotTheBest() throws {
        let answer = try answer(
            "mf", "t", ["--epochs", "3", "--factors", "4", "--choice", "learning-rate=0.03,1e9", "--trials", "6"])
        let failed = answer.trials.filter { $0.value == nil }
        #expect(!failed.isEmpty && failed.count < 6)
        #expect(failed.allSatisfy { $0.options["learning-rate"] == "1e9" && $0.error?.contains("diverged") == true })
        #expect(answer.trials.suffix(failed.count) == failed[...])
        #expect(try tune("mf", "u", ["--epochs", "3", "--choice", "learning-rate=1e9", "--trials", "2"]).status == 1)
    }

    @Test(arguments: [
        ([], "nothing is varied"), (["--range", "factors=0..4"], "trial"), (["--range", "facters=1..4"], "facters"),
        (["--range", "factors=1..4", "--factors", "3"], "given and varied"),
        (["--range", "factors=1..4", "--facters", "3"], "facters"),
        (["--range", "factors=1..4", "--val-size", "0"], "validation part"),
        (["--range", "factors=1..4", "--split", "held-out-users:5"], "validation part"),
        (["--range", "factors=1..4", "--metric", "ndgc@20"], "no metric"),
        (["--range", "factors=1..4", "--trials", "0"], "--trials"),
        (["--range", "factors=1..4", "--parallel", "0"], "--parallel"), (["--choice", "optimizer=sgd,x"], "optimiser"),
    ]) func refuses(options: [String], words: String) throws {
        let result = try tune("mf", "t", options)
        #expect(result.status == 64 && result.error.contains(words), "\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("t")))
    }

    @Test func keepsOffOtherFolders() throws {
        _ = try folder.file("other", "x")
        let result = try starling(
            ["tune", "mf", "--data", ratings, "--output", folder.url.path] + mf + ["--overwrite"])
        #expect(result.status == 64 && result.error.contains("something else"))
    }

    @Test func aTableForPeople() throws {
        let result = try starling(
            ["tune", "mf", "--data", ratings, "--output", folder.path("t"), "--trials", "3"] + mf)
        #expect(result.status == 0, "\(result.error)")
        let lines = result.output.split(separator: "\n")
        #expect(lines[0].contains("factors") && lines[0].contains("val_rmse") && lines[2].hasPrefix("best"))
        #expect(lines.last!.contains("starling train mf --data"))
        #expect(result.error.contains("trial 1 (1 of 3)"))
    }
}
