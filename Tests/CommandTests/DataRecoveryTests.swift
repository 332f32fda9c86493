import Basics
import Foundation
import Interactions
import Kernels
import Testing

/// `data convert` and `data partition` killed at any moment: what stands is whole, and the same command again goes through.
@Suite struct DataRecoveryTests {
    let folder: TemporaryFolder
    let ratings: String

    init() throws {
        folder = try TemporaryFolder()
        try Files.makeDirectory(folder.path("out"))
        ratings = folder.path("ratings.csv")
        let made = try starling([
            "data", "generate", "--users", "3000", "--items", "900", "--interactions", "400000", "--seed", "2",
            "--output",
            ratings,
        ])
        #expect(made.status == 0, "\(made.error)")
    }

    /// All files below a path, by their path in it, and their content.
    private func content(_ path: String) throws -> [String: [UInt8]] {
        guard Files.kind(path) == .directory else { return ["": try Files.read(path)] }
        var all: [String: [UInt8]] = [:]
        for name in try Files.list(path) {
            for (below, bytes) in try content(path + "/" + name) { all[name + "/" + below] = bytes }
        }
        return all
    }

    @Test(arguments: [
        ["convert", "x.csv"], ["convert", "x.npz", "--compression", "deflate"],
        ["convert", "x", "--form", "mds", "--size-limit", "200000", "--compression", "zstd"],
        ["partition", "x", "--split", "random:0.1,0.1", "--files", "4"],
    ]) func aKillLeavesNothingThatLooksWhole(command: [String]) throws {
        let target = folder.path("out/" + command[1])
        let arguments =
            ["data", command[0], "--data", ratings, command[0] == "convert" ? "--to" : "--output", target]
            + command.dropFirst(2)
        let clock = Stopwatch()
        #expect(try starling(arguments).status == 0)
        let duration = clock.seconds
        let expected = try content(target)
        var random = RandomStream(seed: 12, .test)
        var (kills, leftovers) = (0, 0)
        for trial in 0..<RecoveryTests.trials {
            if trial % 2 == 0 { try Files.remove(target) }
            let again = arguments + (trial % 2 == 0 ? [] : ["--overwrite"])
            let moment = Moment.after((0.3 + 0.7 * random.uniform()) * duration)
            if try starling(again, thenSend: SIGKILL, when: moment) == -SIGKILL { kills += 1 }
            if Files.exists(target) { #expect(try content(target) == expected, "whole, or not there") }
            leftovers += try Files.list(folder.path("out")).count { $0.contains(".tmp-") }
            let finished = try starling(again + (Files.exists(target) ? ["--overwrite"] : []))
            #expect(finished.status == 0, "\(finished.error)")
            #expect(try content(target) == expected)
            #expect(try Files.list(folder.path("out")) == [command[1]], "nothing is left over")
        }
        print("kill trials: \(RecoveryTests.trials), kills that hit: \(kills), that left something aside: \(leftovers)")
    }

    /// What another process is still writing is not touched; what was moved aside by a killed one comes back.
    @Test func leftoversOfTheDeadOnly() throws {
        let out = folder.path("out")
        let dead = try starling(["--version"]).status == 0 ? try deadProcess() : 0
        let alive = getppid()
        for name in [
            ".tmp-x-\(dead)", ".tmp-x-\(alive)", ".tmp-x-\(dead)-replaced", ".tmp-y-\(dead)", ".tmp-x-", ".tmp-x-12a",
            "y",
        ] { try Files.makeDirectory(out + "/" + name) }
        for name in ["x.tmp-\(dead)", "x.tmp-\(alive)", "xx.tmp-\(dead)"] {
            try Files.write("text".utf8, to: out + "/" + name)
        }
        try Files.write("old".utf8, to: out + "/.tmp-x-\(dead)-replaced/index.json")
        try Files.removeLeftovers(of: out + "/x")
        #expect(
            try Set(Files.list(out)) == [
                ".tmp-x-\(alive)", ".tmp-y-\(dead)", ".tmp-x-", ".tmp-x-12a", "x", "x.tmp-\(alive)", "xx.tmp-\(dead)",
                "y",
            ])
        #expect(try Files.readText(out + "/x/index.json") == "old")
    }

    /// The number of a process that has ended.
    private func deadProcess() throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "true"]
        try process.run()
        process.waitUntilExit()
        return process.processIdentifier
    }

    /// Ctrl-C: status 130, and nothing is left.
    @Test func anInterruptLeavesNothing() throws {
        let target = folder.path("out/x.npz")
        let arguments = ["data", "convert", "--data", ratings, "--to", target, "--compression", "deflate"]
        let clock = Stopwatch()
        #expect(try starling(arguments).status == 0)
        let duration = clock.seconds
        var hits = 0
        for trial in 0..<6 {
            try Files.remove(target)
            let moment = Moment.after(duration * (0.2 + 0.1 * Double(trial)))
            if try starling(arguments, thenSend: SIGINT, when: moment) == 130 {
                hits += 1
                #expect(try Files.list(folder.path("out")).isEmpty)
            }
        }
        #expect(hits > 0)
    }
}
