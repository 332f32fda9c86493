import Foundation
import Starling
import Testing

@Suite struct PlanCommandTests {
    /// Of no machine that was measured.
    let home: TemporaryFolder
    let environment: [String: String]

    init() throws {
        home = try TemporaryFolder()
        environment = ["HOME": home.url.path]
    }

    static let spotify = [
        "plan", "--users", "320M", "--items", "70M", "--interactions", "100G", "--factors", "128", "--nodes", "1000",
        "--model", "als",
    ]

    func object(_ arguments: [String]) throws -> [String: Any] {
        let result = try starling(arguments + ["--json"], environment: environment)
        #expect(result.status == 0, "\(result.error)")
        return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    @Test func spotifyDoesNotFit() throws {
        let result = try starling(Self.spotify, environment: environment)
        #expect(result.status == 0, "\(result.error)")
        for part in [
            "320 M users, 70.0 M items, 100 G interactions", "on 1,000 machines", "factors", "Gramian of items",
            "An epoch is bound by the network.", "It does not fit", "A checkpoint is 200 GB", "built-in figures",
        ] {
            #expect(result.output.contains(part), "\(part)")
        }
    }

    @Test func oneObject() throws {
        let plan = try object(Self.spotify)
        #expect(plan["users"] as? Int == 320_000_000 && plan["interactions"] as? Int == 100_000_000_000)
        #expect(plan["ranks"] as? Int == 1000 && plan["bound"] as? String == "network")
        #expect(plan["machine_file"] == nil)
        let memory = try #require(plan["memory"] as? [String: Any])
        #expect(memory["fits"] as? Bool == false && memory["available_bytes"] as? Int == 64_000_000_000)
        let phases = try #require(plan["phases"] as? [[String: Any]])
        // 64 stretches of 128 × 128 numbers; rows of 512 bytes; to 999 others, from each a byte after each of 611 and 134
        // waves, and at the end.
        let gramian = 999 * 64 * 16_384 * 8
        #expect(
            phases.map { $0["sent_bytes"] as? Int } == [
                gramian, 999 * (320_000_000 * 512 + 612_000), gramian, 999 * (70_000_000 * 512 + 135_000),
            ])
        #expect(
            (plan["scaling"] as? [[String: Any]])?.map { $0["nodes"] as? Int } == [
                1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000,
            ])
    }

    /// On one machine the model's memory is the estimate that training prints.
    @Test func memoryIsWhatTrainingStates() throws {
        let sizes = ["--users", "5k", "--items", "3000", "--interactions", "1M", "--factors", "50"]
        func total(_ more: String...) throws -> Int? {
            (try object(["plan"] + sizes + more)["memory"] as? [String: Any])?["bytes"] as? Int
        }
        for feedback in [Feedback.implicit, .explicit] {
            var options = ALSOptions(feedback: feedback)
            options.factors = 50
            #expect(
                try total("--feedback", feedback.rawValue)
                    == AlternatingLeastSquares.memoryEstimate(
                        users: 5000, items: 3000, interactions: 1_000_000, validation: 0, options: options
                    ).total)
        }
        var options = MatrixFactorizationOptions()
        options.factors = 50
        #expect(
            try total("--model", "mf")
                == MatrixFactorization.memoryEstimate(
                    users: 5000, items: 3000, ratings: 1_000_000, validation: 0, options: options
                ).total)
    }

    @Test func everyModelAndShape() throws {
        let sizes = ["plan", "--users", "1M", "--items", "100k", "--interactions", "100M"]
        for options in [
            ["--solver", "cg", "--cg-steps", "5"], ["--feedback", "explicit", "--workers", "4", "--threads", "1"],
            ["--model", "mf", "--nodes", "500", "--network", "25Gbit/s", "--latency", "20µs", "--disk", "500MB/s"],
            ["--model", "two-tower", "--nodes", "8", "--batch-size", "65536", "--layers", "256,64", "--memory", "1TB"],
        ] {
            let plan = try object(sizes + options)
            #expect(try #require(plan["seconds"] as? Double) > 0)
            #expect(try starling(sizes + options, environment: environment).status == 0)
        }
    }

    @Test(arguments: [
        (["--items", "5", "--interactions", "9"], "--users is missing"),
        (["--users", "many", "--items", "5", "--interactions", "9"], "--users “many”"),
        (["--users", "1.5", "--items", "5", "--interactions", "9"], "--users “1.5”"),
        (["--users", "-3", "--items", "5", "--interactions", "9"], "Missing value"),
        (["--users", "0", "--items", "5", "--interactions", "9"], "--users “0”"),
        (["--users", "5", "--items", "5", "--interactions", "26"], "26 interactions"),
        (["--users", "5", "--items", "5", "--interactions", "4"], "4 interactions"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--nodes", "0"], "--nodes “0”"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--memory", "64Gbit"], "--memory “64Gbit”"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--network", "10 apples"], "--network “10 apples”"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--latency", "50"], "--latency “50”"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--factors", "0"], "--factors 0"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--model", "bpmf"], "“bpmf”"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--model", "mf", "--solver", "cg"], "--solver"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--cg-steps", "3"], "--cg-steps"),
        (["--users", "5", "--items", "5", "--interactions", "9", "--machine", "/nowhere"], "/nowhere"),
        (["--table", "--users", "5"], "--table"), (["--table", "--nodes", "5"], "--table"),
    ]) func refused(_ options: [String], _ what: String) throws {
        let result = try starling(["plan"] + options, environment: environment)
        #expect(result.status == 64 && result.error.contains(what), "\(result.status) \(result.error)")
    }

    @Test func theNotebooksTable() throws {
        let result = try starling(["plan", "--table"], environment: environment)
        #expect(result.status == 0, "\(result.error)")
        for name in ["Small", "Medium", "Large", "Netflix", "Spotify"] {
            #expect(result.output.contains("\n" + name), "\(name)")
        }
        #expect(result.output.contains("280 MB are the items with 1 factor of 32 bits"))
        let rows = try #require(try object(["plan", "--table"])["rows"] as? [[String: Any]])
        #expect(rows.map { $0["claimed_bytes"] as? Int } == [0, 5_000_000, 50_000_000, 9_000_000, 280_000_000])
        #expect(rows[4]["fits"] as? Bool == false && rows[0]["sent_bytes"] as? Int == 0)
    }

    @Test func figuresOfAMachine() throws {
        var machine = MachineConstants.builtIn
        machine.machine = "the-one"
        let sizes = ["--users", "5k", "--items", "3k", "--interactions", "1M"]
        let file = try home.file("machine.json", try JSON.text(machine))
        let text = try starling(["plan"] + sizes + ["--machine", file], environment: environment)
        #expect(text.output.contains("By figures of the-one") && text.output.contains(file))
        let usual = ".cache/starling/machine.json"
        try FileManager.default.createDirectory(
            at: home.url.appendingPathComponent(".cache/starling"), withIntermediateDirectories: true)
        _ = try home.file(usual, try JSON.text(machine))
        #expect(try object(["plan"] + sizes)["machine"] as? String == "the-one")
        machine.gramSeconds = 0
        for broken in ["{}", try JSON.text(machine)] {
            _ = try home.file(usual, broken)
            let result = try starling(["plan"] + sizes, environment: environment)
            #expect(result.status == 1 && result.error.contains(usual), "\(result.error)")
        }
    }

    /// Some 20 seconds, which only long tests spend.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["STARLING_LONG"] == "1"))
    func calibration() throws {
        let file = home.path("figures/machine.json")
        let found = try object(["plan", "--calibrate", "--machine", file])
        #expect(found["processors"] as? Int == Host.processors)
        let sizes = ["--users", "5k", "--items", "3k", "--interactions", "1M", "--machine", file]
        #expect(try object(["plan"] + sizes)["machine_file"] as? String == file)
    }
}
