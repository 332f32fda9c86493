import Basics
import Foundation
import Testing

/// What goes wrong among ranks is named, and ends them all in time.
@Suite(.enabled(if: hasTorch, "run `make torch` for these tests")) struct RankFailureTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        ratings = try folder.ratings(users: 300, items: 200, interactions: 9000)
    }

    private func training(_ run: String = "run", _ more: [String] = []) -> [String] {
        ["train", "als", "--data", ratings, "--output", folder.path(run), "--factors", "8", "--threads", "1", "--json"]
            + more
    }

    /// Starts ranks by their variables alone.
    private func start(
        _ size: Int, ranks: [Int]? = nil, timeout: Int = 60, port: Int,
        _ command: (Int) -> (arguments: [String], environment: [String: String])
    ) throws -> [Launched] {
        try (ranks ?? Array(0..<size)).map { rank in
            let (arguments, environment) = command(rank)
            let place = [
                "RANK": "\(rank)", "WORLD_SIZE": "\(size)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
                "STARLING_RANK_TIMEOUT": "\(timeout)",
            ]
            return try Launched(
                Launched.program, arguments, environment: place.merging(environment) { $1 }, in: folder)
        }
    }

    private func port() -> Int { Int.random(in: 20_000..<30_000) }

    @Test func differentOptionsAreNamed() throws {
        for (more, environment, words) in [
            (["--alpha", "3"], [:], ["rank 2", "--alpha"]),
            ([], ["STARLING_ISA": "baseline"], ["rank 2", "instruction set", "baseline"]),
        ] {
            let results = try start(3, port: port()) { rank in
                rank == 2 ? (training("run", more), environment) : (training(), [:])
            }.map { try $0.ended() }
            #expect(results.map(\.status) == [64, 64, 64], "\(results)")
            for word in words { #expect(results[0].error.contains(word), "\(results[0].error)") }
            #expect(!Files.exists(folder.path("run/run.json")))
        }
    }

    @Test func otherDataAreNoticed() throws {
        // As many bytes, and one of them another.
        var text = try Files.read(ratings)
        let place = text.lastIndex(of: UInt8(ascii: ","))! - 1
        text[place] = text[place] == UInt8(ascii: "5") ? UInt8(ascii: "3") : UInt8(ascii: "5")
        let other = try folder.file("other.csv", String(decoding: text, as: UTF8.self))
        let results = try start(2, port: port()) { rank in
            (training().map { rank == 1 && $0 == ratings ? other : $0 }, [:])
        }.map { try $0.ended() }
        #expect(results.map(\.status) == [65, 65], "\(results)")
        #expect(results[0].error.contains("rank 1"), "\(results[0].error)")
    }

    @Test func aRankThatIsLateIsWaitedFor() throws {
        let (place, alone) = (port(), try starling(training("alone")))
        let first = try start(2, ranks: [0], port: place) { _ in (training(), [:]) }
        Thread.sleep(forTimeInterval: 2)
        let second = try start(2, ranks: [1], port: place) { _ in (training(), [:]) }
        let results = try (first + second).map { try $0.ended() }
        #expect(results.map(\.status) == [0, 0], "\(results)")
        #expect(results[1].output.isEmpty)
        #expect(try weightsDigest(results[0].output) == weightsDigest(alone.output))
    }

    @Test func aRankThatDoesNotComeIsMissedInTime() throws {
        let clock = Stopwatch()
        let results = try start(2, ranks: [0], timeout: 2, port: port()) { _ in (training(), [:]) }.map {
            try $0.ended()
        }
        #expect(results[0].status == 69 && results[0].error.contains("rank 0 of 2 did not meet"), "\(results)")
        #expect(clock.seconds < 60)
    }

    @Test func aRankThatHangsIsNamed() throws {
        let ranks = try start(2, timeout: 4, port: port()) { _ in (training("hung", ["--iterations", "100000"]), [:]) }
        try Launched.wait("an epoch") { epochsTold(folder.path("hung")) > 2 || !ranks[0].isRunning }
        ranks[1].send(SIGSTOP)
        let result = try ranks[0].ended()
        ranks[1].send(SIGKILL)
        #expect(result.status == 69 && result.error.contains("lost rank 1"), "\(result.error.suffix(600))")
        _ = try ranks[1].ended()
    }

    @Test func aFullDiskOnRank0EndsAll() throws {
        let line = "trap '' XFSZ; ulimit -f 16; exec \(Launched.program.path) "
        let place = port()
        let first = try Launched(
            URL(fileURLWithPath: "/bin/bash"), ["-c", line + training("full").joined(separator: " ")],
            environment: [
                "RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(place)",
            ], in: folder)
        let second = try start(2, ranks: [1], port: place) { _ in (training("full"), [:]) }
        let results = try ([first] + second).map { try $0.ended() }
        #expect(results.map(\.status) == [1, 1], "\(results)")
        #expect(results[0].error.contains("error: "), "\(results[0].error)")
    }

    /// The others write nothing.
    @Test func aFullDiskElsewhereEndsNone() throws {
        let line = "trap '' XFSZ; ulimit -f 0; exec \(Launched.program.path) "
        let (place, alone) = (port(), try starling(training("alone")))
        let first = try start(2, ranks: [0], port: place) { _ in (training(), [:]) }
        let second = try Launched(
            URL(fileURLWithPath: "/bin/bash"), ["-c", line + training().joined(separator: " ")],
            environment: [
                "RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(place)",
            ], in: folder)
        let result = try first[0].ended()
        #expect(try second.ended().status == 0 && result.status == 0, "\(result)")
        #expect(try weightsDigest(result.output) == weightsDigest(alone.output))
    }

    /// Rank 0 serves the place where all have met.
    @Test func theHostOfTheMeetingIsMissed() throws {
        let ranks = try start(3, port: port()) { _ in (training("hostless", ["--iterations", "100000"]), [:]) }
        try Launched.wait("an epoch") { epochsTold(folder.path("hostless")) > 2 || !ranks[0].isRunning }
        let clock = Stopwatch()
        ranks[0].send(SIGKILL)
        for rank in ranks.dropFirst() {
            let result = try rank.ended()
            #expect(result.status == 69 && result.error.contains("lost rank"), "\(result.error.suffix(600))")
        }
        #expect(clock.seconds < 20)
        _ = try ranks[0].ended()
    }

    @Test func moreRanksThanUsersAreRefused() throws {
        let small = try folder.file("small.csv", "user,item,rating\n1,1,3\n1,2,4\n")
        let results = try start(2, port: port()) { _ in
            (["train", "als", "--data", small, "--output", folder.path("small"), "--val-size", "0"], [:])
        }.map { try $0.ended() }
        #expect(results.map(\.status) == [64, 64], "\(results)")
        #expect(results[0].error.contains("2 ranks are more than the 1 users"), "\(results[0].error)")
    }
}
