import Basics
import Foundation
import Testing

/// Trainings on data that is read in passes, from the outside.
@Suite struct PassesCommandTests {
    let folder: TemporaryFolder
    let data: String

    init() throws {
        folder = try TemporaryFolder()
        data = folder.path("data.npz")
    }

    /// Makes so many ratings, stored as arrays.
    private func generate(_ count: Int) throws {
        let text = folder.path("ratings.csv")
        let made = try starling([
            "data", "generate", "--users", "3000", "--items", "2500", "--interactions", "\(count)", "--seed", "3",
            "--output", text,
        ])
        #expect(made.status == 0, "\(made.error)")
        let converted = try starling(["data", "convert", "--data", text, "--to", data])
        #expect(converted.status == 0, "\(converted.error)")
        try Files.remove(text)
    }

    private func train(
        _ model: String, _ run: String, _ more: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, error: String) {
        let options = ["--factors", "4", "--epochs", "2", "--threads", "1", "--json"]
        return try starling(
            ["train", model, "--data", data, "--output", folder.path(run)] + options + more, environment: environment)
    }

    /// What a training says that it takes, in bytes.
    private func estimate(_ text: String) throws -> Double {
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("memory") })
        let words = line.split(separator: " ")
        return try #require(Double(words[1])) * (words[2].hasPrefix("GB") ? 1e9 : words[2].hasPrefix("MB") ? 1e6 : 1e3)
    }

    /// The same weights, metrics and fingerprint, whichever way the data is read; and a run goes on either way.
    @Test(arguments: [("als", "read in passes"), ("mf", "dealt through disk")])
    func theSameBits(model: String, way: String) throws {
        // More than what a slice takes.
        try generate(4_000_000)
        let columns = ["--columns", "user=users,item=items,value=values"]
        let log = try train(model, "log", columns)
        #expect(log.status == 0 && !log.error.contains(way), "\(log.error)")
        let limit = "\(Int(try estimate(log.error)) - 1_000_000)"
        for (name, more, environment) in [
            ("option", ["--memory-limit", limit], [:]), ("variable", [], ["STARLING_MEMORY_LIMIT": limit]),
        ] {
            let passes = try train(model, name, columns + more, environment: environment)
            #expect(passes.status == 0 && passes.error.contains(way), "\(passes.error)")
            #expect(try weightsDigest(passes.output) == weightsDigest(log.output))
            // The grid is made without histories, which stay where they are.
            #expect(Files.exists(folder.path("\(name)/model/history.json")) == (model == "mf"))
            for file in ["validation", "vocabulary"] + (model == "mf" ? [] : ["history"]) {
                let (one, other) = (
                    folder.path("\(name)/model/\(file).safetensors"), folder.path("log/model/\(file).safetensors")
                )
                #expect(try Files.read(one) == Files.read(other), "\(file)")
            }
        }
        guard model == "als" else { return }
        let more = try train(model, "log", columns + ["--resume", "--epochs", "3", "--memory-limit", limit])
        #expect(more.status == 0 && more.error.contains(way), "\(more.error)")
    }

    /// What no way fits says so before anything is written, and why passes are not a way.
    @Test func refusals() throws {
        try generate(400_000)
        let small = try train("als", "small", ["--memory-limit", "100kB"])
        #expect(small.status == 1 && small.error.contains("100 kB are available"), "\(small.error)")
        let last = try train("als", "last", ["--memory-limit", "20MB", "--split", "last:1"])
        #expect(
            last.status == 1 && last.error.contains("data that is read in passes is split at random"), "\(last.error)")
        let bad = try train("als", "bad", ["--memory-limit", "20MB", "--skip-bad-rows"])
        #expect(bad.status == 1 && bad.error.contains("--skip-bad-rows looks at all interactions"), "\(bad.error)")
        #expect(try train("als", "what", ["--memory-limit", "much"]).status == 64)
        for run in ["small", "last", "bad", "what"] { #expect(!Files.exists(folder.path(run))) }
    }

    /// A run that refers to its histories gives the lists of one that holds them, as long as the data is there.
    @Test func historiesByReference() throws {
        try generate(400_000)
        #expect(try train("als", "held", []).status == 0)
        let environment = ["STARLING_HISTORY_LIMIT": "100000"]
        let referred = try train("als", "referred", [], environment: environment)
        #expect(referred.status == 0 && Files.exists(folder.path("referred/model/history.json")), "\(referred.error)")
        #expect(!Files.exists(folder.path("referred/model/history.safetensors")))
        func both(_ arguments: [String]) throws -> [String] {
            try ["held", "referred"].map { run in
                let result = try starling([arguments[0], folder.path(run)] + arguments.dropFirst())
                #expect(result.status == 0, "\(arguments) \(result.error)")
                return result.output
            }
        }
        for arguments in [
            ["recommend", "--user", "17", "--json", "--with-history"], ["recommend", "--user", "17", "--user", "400"],
            ["recommend", "--user", "17", "--include-seen"], ["similar", "--item", "5"], ["evaluate", "--json"],
            ["recommend", "--user", "17", "--user", "x", "--cold-start", "popular"],
        ] {
            let outputs = try both(arguments)
            #expect(outputs[0] == outputs[1] && !outputs[0].isEmpty, "\(arguments)")
        }
        let shown = try starling(["describe", folder.path("referred")])
        #expect(shown.status == 0 && shown.output.contains("not in the run"), "\(shown.output)")
        try Files.remove(data)
        let gone = try starling(["recommend", folder.path("referred"), "--user", "17"])
        #expect(gone.status == 1 && gone.error.contains("--include-seen"), "\(gone.error)")
        for arguments in [["recommend", "--user", "17", "--include-seen"], ["similar", "--item", "5"]] {
            _ = try both(arguments)
        }
    }
}
