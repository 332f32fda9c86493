import Basics
import Foundation
import Kernels
import Testing

/// Runs that are killed, stopped, damaged, or out of disk: what is left can be gone on with, to the same bits.
@Suite struct RecoveryTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.ratings(users: 1500, items: 700, interactions: 120000)
    }

    func arguments(_ run: String) -> [String] {
        [
            "train", "mf", "--data", ratings, "--output", folder.path(run), "--factors", "32", "--epochs", "60",
            "--val-size", "0.1", "--json",
        ]
    }

    /// `make test` runs 5 trials, `make test-long` 50.
    static let trials = ProcessInfo.processInfo.environment["STARLING_KILL_TRIALS"].flatMap { Int($0) } ?? 5

    @Test func aKillAtAnyMomentLosesAtMostTheEpoch() throws {
        let clock = Stopwatch()
        let undisturbed = try starling(arguments("whole"))
        let duration = clock.seconds
        let expected = try weightsDigest(undisturbed.output)
        var random = RandomStream(seed: 11, .test)
        var kills = 0
        for trial in 0..<Self.trials {
            let run = "killed-\(trial)"
            // Kill it again and again, each time a little later, so that every phase is hit.
            for _ in 0..<3 {
                let status = try starling(
                    arguments(run) + ["--resume"], thenSend: SIGKILL, when: .after(random.uniform() * duration))
                if status == -SIGKILL { kills += 1 }
                let epochs = try epochsKept(run)
                if Files.exists(folder.path(run + "/run.json")) {
                    #expect(try starling(["describe", folder.path(run), "--json"]).status == 0)
                }
                #expect(epochs >= 0)
            }
            let finished = try starling(arguments(run) + ["--resume"])
            #expect(finished.status == 0, "\(finished.error)")
            #expect(try weightsDigest(finished.output) == expected)
            try Files.remove(folder.path(run))
        }
        #expect(kills > 0)
        print("kill trials: \(Self.trials), kills that hit: \(kills)")
    }

    /// Epochs that a resume would start from; every finished epoch in metrics.jsonl but the last must be there.
    private func epochsKept(_ run: String) throws -> Int {
        let lines = epochsTold(folder.path(run))
        guard lines > 0 else { return 0 }
        let checkpoints = try Files.list(folder.path(run + "/checkpoints")).filter { !$0.contains(".tmp-") }
        let newest = checkpoints.compactMap { Int($0.prefix(6)) }.max() ?? 0
        #expect(newest >= lines, "metrics of \(lines) epochs, checkpoint of \(newest)")
        return newest
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalWritesACheckpointAndEndsWith130(signal: Int32) throws {
        let expected = try weightsDigest(starling(arguments("whole-\(signal)")).output)
        var stopped = 0
        for epochs in [1, 7, 30] {
            let run = "stopped-\(signal)-\(epochs)"
            let status = try starling(arguments(run), thenSend: signal, when: .epochs(epochs, folder.path(run)))
            // On a busy machine the run can end before the signal comes.
            if status == 130 { stopped += 1 } else { #expect(status == nil || status == 0) }
            let finished = try starling(arguments(run) + ["--resume"])
            #expect(finished.status == 0, "\(finished.error)")
            #expect(try weightsDigest(finished.output) == expected)
        }
        #expect(stopped > 0)
    }

    @Test func aDamagedNewestCheckpointIsPassedOver() throws {
        let run = folder.path("run")
        let expected = try weightsDigest(starling(arguments("run")).output)
        try Files.remove(run + "/model")
        let checkpoints = try Files.list(run + "/checkpoints").sorted()
        let newest = try #require(checkpoints.last)
        let file = "\(run)/checkpoints/\(newest)/weights.safetensors"
        var bytes = try Files.read(file)
        bytes[bytes.count / 2] ^= 1
        try Files.write(bytes, to: file)
        // A finished run is not trained again; make it look as it does after a kill at the end.
        let record = try Files.readText(run + "/run.json").replacingOccurrences(
            of: "\"status\" : \"finished\"", with: "\"status\" : \"running\"")
        try Files.write(Array(record.utf8), to: run + "/run.json")
        let resumed = try starling(arguments("run") + ["--resume"])
        #expect(resumed.status == 0, "\(resumed.error)")
        #expect(resumed.error.contains("warning") && resumed.error.contains(newest), "\(resumed.error)")
        #expect(try weightsDigest(resumed.output) == expected)
    }

    /// A limit on file size stands in for a full disk: writes fail the same way, without a file system of its own.
    @Test func aFullDiskIsAClearErrorAndKeepsTheLastCheckpoint() throws {
        let run = folder.path("run")
        #expect(try starling(arguments("run"), thenSend: SIGINT, when: .epochs(3, run)) == 130)
        let before = try Files.list(run + "/checkpoints").filter { !$0.contains(".tmp-") }
        let command = builtProducts.appendingPathComponent("starling").path
        let line = ([command] + arguments("run") + ["--resume"]).map { "'\($0)'" }.joined(separator: " ")
        let full = try shell("trap '' XFSZ\nulimit -f 64\nexec \(line)\n")
        #expect(full.status == 1 && full.error.contains("cannot write the file"), "\(full.error)")
        let after = try Files.list(run + "/checkpoints").filter { !$0.contains(".tmp-") }
        #expect(Set(before).isSubset(of: Set(after)))
        #expect(try starling(arguments("run") + ["--resume"]).status == 0)
    }
}
