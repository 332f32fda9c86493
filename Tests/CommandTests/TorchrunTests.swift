import Basics
import Foundation
import Kernels
import Testing

private let torchrun = ProcessInfo.processInfo.environment["STARLING_TORCH_PYTHON"]
    .map { URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("torchrun") }
    .flatMap { Files.exists($0.path) ? $0 : nil }

/// Ranks that PyTorch's own launcher starts.
@Suite(.enabled(if: hasTorch && torchrun != nil, "set STARLING_TORCH_PYTHON to a Python with PyTorch"), .serialized)
struct TorchrunTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.ratings(users: 3000, items: 800, interactions: 300000, seed: 2)
    }

    private func training(_ model: String, _ run: String) -> [String] {
        [
            "train", model, "--data", ratings, "--output", folder.path(run), "--factors", "64", "--epochs", "12",
            "--threads", "1", "--json", "--resume",
        ]
    }

    private func launch(_ ranks: Int, restarts: Int, _ command: [String]) throws -> Launched {
        try Launched(
            torchrun!,
            [
                "--standalone", "--nproc-per-node", "\(ranks)", "--max-restarts", "\(restarts)", "--no-python",
                Launched.program.path,
            ] + command, environment: ["STARLING_RANK_TIMEOUT": "60"], in: folder)
    }

    @Test(arguments: ["als", "mf"]) func ranksAreAsOneProcess(model: String) throws {
        let expected = try weightsDigest(starling(training(model, "alone")).output)
        let result = try launch(2, restarts: 0, training(model, "ranks")).ended()
        #expect(result.status == 0, "\(result.error)")
        // One JSON object, or this fails.
        #expect(try weightsDigest(result.output) == expected)
    }

    /// A rank killed at any moment costs no bit. `make test` does 2 of these trials a model, `make test-long` 20.
    @Test(arguments: ["als", "mf"]) func killedRanksComeBack(model: String) throws {
        let expected = try weightsDigest(starling(training(model, "alone")).output)
        let launched = try launch(2, restarts: 0, training(model, "undisturbed"))
        try Launched.wait("rank 0") { !launched.isRunning || launched.findRank(0) != nil }
        let clock = Stopwatch()
        try Launched.wait("its end") { launched.findRank(0)?.isRunning != true }
        let seconds = clock.seconds
        let undisturbed = try launched.ended()
        #expect(undisturbed.status == 0, "\(undisturbed.error)")
        var random = RandomStream(seed: model == "als" ? 5 : 6, .test)
        let wanted = ProcessInfo.processInfo.environment["STARLING_LONG"] == nil ? 2 : 20
        // A rank may end before its moment comes; such a trial counts for nothing.
        var (hits, trial) = (0, 0)
        while hits < wanted, trial < 4 * wanted {
            trial += 1
            let run = "killed-\(trial)"
            let launched = try launch(2, restarts: 3, training(model, run))
            let victim = trial % 2
            try Launched.wait("rank \(victim)") { !launched.isRunning || launched.findRank(victim) != nil }
            Thread.sleep(forTimeInterval: random.uniform() * seconds)
            if launched.isRunning, let rank = launched.findRank(victim), rank.isRunning {
                rank.send(SIGKILL)
                hits += 1
            }
            let result = try launched.ended()
            #expect(result.status == 0, "trial \(trial): \(result.error)")
            #expect(try weightsDigest(starling(["describe", folder.path(run), "--json"]).output) == expected)
            try Files.remove(folder.path(run))
        }
        #expect(hits == wanted)
    }
}
