import Basics
import Foundation
import StarlingCommand
import Testing

/// Tests of LibTorch's plugin are skipped where it is not there.
private let torch: ConditionTrait = .enabled(if: hasTorch, "run `make torch` for these tests")

/// `launch` from the outside. What one rank shows needs no LibTorch.
@Suite struct LaunchTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.ratings(users: 900, items: 400, interactions: 60000)
    }

    func training(_ run: String, _ model: String = "mf", epochs: Int = 60) -> [String] {
        [
            "train", model, "--data", ratings, "--output", folder.path(run), "--factors", "16", "--epochs",
            String(epochs), "--checkpoint-every", "10", "--json",
        ]
    }

    @Test func ranksAreAsOneProcess() throws {
        let plain = try starling(training("plain", "als", epochs: 2))
        #expect(plain.status == 0, "\(plain.error)")
        for workers in hasTorch ? [1, 2] : [1] {
            let result = try starling(
                ["launch", "--workers", "\(workers)", "--"] + training("run-\(workers)", "als", epochs: 2))
            #expect(result.status == 0, "\(result.error)")
            // One JSON object, or this fails.
            #expect(try weightsDigest(result.output) == weightsDigest(plain.output))
            #expect(result.error.components(separatedBy: "epoch 2/2").count == 2, "\(result.error)")
        }
    }

    @Test func ranksAreToldWhoTheyAre() throws {
        for workers in hasTorch ? [1, 2] : [1] {
            let run = "told-\(workers)"
            let launched = try Launched(
                ["--workers", "\(workers)", "--threads", "3"], training(run, epochs: 4000), in: folder)
            try launched.wait(forEpochs: 1, of: folder.path(run))
            var ports: Set<String?> = []
            for rank in 0..<workers {
                let (environment, arguments) = try launched.rank(rank).facts()
                for (name, value) in [
                    "LOCAL_RANK": "\(rank)", "WORLD_SIZE": "\(workers)", "LOCAL_WORLD_SIZE": "\(workers)",
                    "GROUP_RANK": "0", "MASTER_ADDR": "127.0.0.1", "STARLING_RESTART_COUNT": "0",
                ] { #expect(environment[name] == value, "\(name) is \(environment[name] ?? "missing")") }
                #expect(Array(arguments.dropFirst()) == training(run, epochs: 4000) + ["--threads", "3"])
                ports.insert(environment["MASTER_PORT"])
            }
            #expect(ports.count == 1 && Int((ports.first ?? nil) ?? "") != nil)
            let ranks = try (0..<workers).map { try launched.rank($0) }
            // Ranks do not outlive what started them, even if that could say nothing.
            launched.send(SIGKILL)
            try Launched.wait("the ranks to end") { ranks.allSatisfy { !$0.isRunning } }
        }
    }

    @Test func wrongUsageIsOneLineWithTheWayOut() throws {
        let train = ["--", "train", "als"]
        for (arguments, words) in [
            (["--workers", "2"], "starling launch --workers 2 -- train"),
            (["--workers", "2", "--"], "starling launch --workers 2 -- train"),
            (["--workers", "0"] + train, "--workers 0 is out of range; give 1 to"),
            (["--workers", "2", "--max-restarts=-1"] + train, "--max-restarts -1 is out of range"),
            (["--workers", "2", "--port", "65536"] + train, "--port 65536 is out of range"),
            (["--workers", "2", "--threads", "0"] + train, "--threads 0 is out of range"),
            (["--workers", "2", "--", "evaluate", "run"], "“evaluate” does not run on ranks: train and plan do"),
            (["--workers", "2", "--", "train"], "train is given without a model"),
            (
                ["--workers", "2", "--threads", "2"] + train + ["--Threads=1"],
                "--threads is given to launch and to train"
            ),
            (
                ["--workers", "2", "--nodes", "2", "--node", "0", "--host", "h"] + train,
                "--node 0 --host 10.0.0.1 --port"
            ),
            (
                ["--workers", "2", "--nodes", "2", "--host", "h", "--port", "1"] + train,
                "without --node, --host and --port"
            ),
            (
                ["--workers", "2", "--nodes", "2", "--node", "2", "--host", "h", "--port", "1"] + train,
                "--node 2 is none of 2"
            ),
            (["--workers", "2", "--node", "-1"] + train, "--node"),
        ] {
            let result = try starling(["launch"] + arguments)
            #expect(result.status == 64 && result.output.isEmpty, "\(arguments): \(result.error)")
            #expect(result.error.contains(words), "\(arguments): \(result.error)")
        }
        let nested = try starling(["launch", "--workers", "2"] + train, environment: ["WORLD_SIZE": "2"])
        #expect(nested.status == 64 && nested.error.contains("unset WORLD_SIZE"), "\(nested.error)")
        // Said by the launcher alone.
        let unknown = try starling(["launch", "--workers", "3"] + train + ["--facters", "8"])
        #expect(unknown.status == 64 && unknown.error.components(separatedBy: "facters").count == 2, "\(unknown.error)")
    }

    @Test func aTakenPortIsWrongUsage() throws {
        let (socket, port) = try Self.listen()
        defer { close(socket) }
        let result = try starling(["launch", "--workers", "2", "--port", "\(port)", "--"] + training("run"))
        #expect(result.status == 64 && result.error.contains("\(port)"), "\(result.error)")
        #expect(!Files.exists(folder.path("run")))
    }

    /// LibTorch that is not there stands in for whatever ends every rank.
    @Test func linesOfOtherRanksHaveTheirNumber() throws {
        let arguments = ["--workers", "3", "--max-restarts", "1", "--"] + training("run", "two-tower")
        let result = try starling(["launch"] + arguments, environment: ["STARLING_TORCH": folder.path("nothing")])
        #expect(result.status == 69 && result.output.isEmpty, "\(result.error)")
        let lines = result.error.split(separator: "\n")
        for start in ["error: ", "[1] error: ", "[2] error: "] {
            // Each start of all says so; the others may have been told to end first.
            #expect(lines.count { $0.hasPrefix(start) } <= 2, "\(result.error)")
        }
        #expect(lines.contains { $0.contains("make torch") })
        let ends = lines.filter { $0.hasPrefix("rank ") }
        #expect(ends.count == 2 && ends[0].hasSuffix(" ended with status 69; starting all again (1 of 1)"))
        #expect(ends.last?.hasSuffix(" ended with status 69") == true, "\(result.error)")
    }

    @Test(torch) func badDataIsSaidOnceAndNotTriedAgain() throws {
        let bad = try folder.file("bad.csv", "user,item,rating\n1,2,3\n1,x y\n")
        let result = try starling([
            "launch", "--workers", "2", "--max-restarts", "3", "--", "train", "als", "--data", bad, "--output",
            folder.path("run"),
        ])
        #expect(result.status == 65 && result.output.isEmpty, "\(result.error)")
        #expect(result.error.components(separatedBy: "error: ").count == 2, "\(result.error)")
        #expect(result.error.contains("bad.csv:3") && !result.error.contains("again"), "\(result.error)")
    }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalStopsAllWithACheckpoint(signal: Int32) throws {
        let expected = try weightsDigest(starling(training("whole")).output)
        for workers in hasTorch ? [1, 2] : [1] {
            let run = "stopped-\(workers)"
            let launched = try Launched(
                ["--workers", "\(workers)", "--max-restarts", "3"], training(run), in: folder)
            try launched.wait(forEpochs: 2, of: folder.path(run))
            launched.send(signal)
            let result = try launched.ended()
            // On a busy machine the run can end before the signal comes.
            #expect(result.status == 130 || result.status == 0, "\(result.error)")
            #expect(!result.error.contains("starting all again"), "\(result.error)")
            let resumed = try starling(training(run) + ["--resume"])
            #expect(resumed.status == 0, "\(resumed.error)")
            #expect(try weightsDigest(resumed.output) == expected)
        }
    }

    @Test func aKilledRankIsStartedAgainWithTheOthers() throws {
        for (workers, victim, epochs) in [(1, 0, 400)] + (hasTorch ? [(2, 1, 40), (2, 0, 40)] : []) {
            let expected = try weightsDigest(
                starling(training("whole-\(epochs)", epochs: epochs) + ["--resume"]).output)
            let run = "killed-\(workers)-\(victim)"
            // The second start must not begin anew.
            let launched = try Launched(
                ["--workers", "\(workers)", "--max-restarts", "1"], training(run, epochs: epochs) + ["--overwrite"],
                in: folder)
            try launched.wait(forEpochs: 15, of: folder.path(run))
            let rank = try launched.rank(victim)
            rank.send(SIGKILL)
            let result = try launched.ended()
            #expect(result.status == 0, "\(result.error)")
            #expect(
                result.error.contains("rank \(victim) was killed by signal 9; starting all again (1 of 1)"),
                "\(result.error)")
            #expect(try weightsDigest(result.output) == expected)
        }
        let launched = try Launched(["--workers", "1"], training("last", epochs: 4000), in: folder)
        try launched.wait(forEpochs: 1, of: folder.path("last"))
        try launched.rank(0).send(SIGKILL)
        let result = try launched.ended()
        #expect(result.status == 137 && result.output.isEmpty)
        #expect(result.error.hasSuffix("rank 0 was killed by signal 9\n"), "\(result.error)")
    }

    private static func listen() throws -> (socket: Int32, port: Int) {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        try #require(isBound && Glibc.listen(file, 1) == 0)
        return (file, Int(UInt16(bigEndian: address.sin_port)))
    }
}
