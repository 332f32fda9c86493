import Basics
import Foundation
import Testing

/// Runs the built command, which lies beside the test bundle, and waits for it.
///
/// - Parameter environment: set on top of the tests' own.
func starling(
    _ arguments: [String], environment: [String: String] = [:], input: String = ""
) throws -> (status: Int32, output: String, error: String) {
    try run(builtProducts.appendingPathComponent("starling"), arguments, environment: environment, input: input)
}

/// Whether the plugin of LibTorch is there: `make torch` builds it.
let hasTorch = Files.exists(builtProducts.path + "/../../torch/libstarling_torch.so")

/// When a signal is sent to a command.
enum Moment {
    case after(Double)
    /// When `metrics.jsonl` of the run at a path has so many epochs.
    case epochs(Int, String)
    /// When a folder has so many files.
    case files(Int, String)
}

/// Starts the built command and sends it `signal` when `moment` comes; nil if it had ended by itself.
func starling(_ arguments: [String], thenSend signal: Int32, when moment: Moment) throws -> Int32? {
    let process = Process()
    process.executableURL = builtProducts.appendingPathComponent("starling")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    switch moment {
    case .after(let seconds): Thread.sleep(forTimeInterval: seconds)
    case .epochs(let count, let run):
        while process.isRunning, epochsTold(run) < count { Thread.sleep(forTimeInterval: 0.002) }
    case .files(let count, let folder):
        while process.isRunning, (try? Files.list(folder).count) ?? 0 < count { Thread.sleep(forTimeInterval: 0.001) }
    }
    guard process.isRunning else {
        process.waitUntilExit()
        return nil
    }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
}

/// Lines in `metrics.jsonl` of the run at a path.
func epochsTold(_ run: String) -> Int {
    (try? Files.readText(run + "/metrics.jsonl"))?.split(separator: "\n").count ?? 0
}

/// `weights_sha256` of what `train --json` or `describe --json` wrote.
func weightsDigest(_ output: String) throws -> String {
    let summary = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    return try #require(summary["weights_sha256"] as? String)
}

/// Runs a line of bash, for what needs redirections or limits, and waits for it.
func shell(
    _ line: String, environment: [String: String] = [:]
) throws -> (status: Int32, output: String, error: String) {
    try run(URL(fileURLWithPath: "/bin/bash"), ["-c", line], environment: environment, input: "")
}

private func run(
    _ program: URL, _ arguments: [String], environment: [String: String], input: String
) throws -> (status: Int32, output: String, error: String) {
    // Outputs go to files: two pipes read one after the other can block the writer.
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    try Data(input.utf8).write(to: folder.url.appendingPathComponent("in"))
    for name in ["out", "error"] { try Data().write(to: folder.url.appendingPathComponent(name)) }
    process.standardInput = try FileHandle(forReadingFrom: folder.url.appendingPathComponent("in"))
    process.standardOutput = try FileHandle(forWritingTo: folder.url.appendingPathComponent("out"))
    process.standardError = try FileHandle(forWritingTo: folder.url.appendingPathComponent("error"))
    try process.run()
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return (status, try Files.readText(folder.path("out")), try Files.readText(folder.path("error")))
}

/// A folder of its own that goes with the last reference to it.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("starling-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Generates ratings and gives their path.
    func ratings(users: Int, items: Int, interactions: Int, seed: Int = 1) throws -> String {
        let path = path("ratings.csv")
        let made = try starling([
            "data", "generate", "--users", "\(users)", "--items", "\(items)", "--interactions", "\(interactions)",
            "--seed", "\(seed)", "--output", path,
        ])
        #expect(made.status == 0, "\(made.error)")
        return path
    }

    /// Writes a text file and gives its path.
    func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: url.appendingPathComponent(name))
        return path(name)
    }
}

/// The folder that holds this test bundle and the command.
let builtProducts: URL = {
    #if os(Linux)
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    #else
    Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }!.bundleURL.deletingLastPathComponent()
    #endif
}()
