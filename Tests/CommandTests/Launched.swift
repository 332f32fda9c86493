import Basics
import Foundation
import Testing

/// `starling launch`, or another command, while it runs, and the ranks that it starts.
final class Launched {
    private let process = Process()
    private let folder: TemporaryFolder
    private let name = UUID().uuidString

    convenience init(_ options: [String], _ command: [String], in folder: TemporaryFolder) throws {
        try self.init(Self.program, ["launch"] + options + ["--"] + command, in: folder)
    }

    static let program = builtProducts.appendingPathComponent("starling")

    /// - Parameter environment: set on top of the tests' own.
    init(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:], in folder: TemporaryFolder
    ) throws {
        self.folder = folder
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file(name + ".out", "")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file(name + ".error", "")))
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    var isRunning: Bool { process.isRunning }

    func ended() throws -> (status: Int32, output: String, error: String) {
        process.waitUntilExit()
        let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        return (
            status, try Files.readText(folder.path(name + ".out")), try Files.readText(folder.path(name + ".error"))
        )
    }

    /// Returns when `metrics.jsonl` of the run at a path has so many epochs, or the command has ended.
    func wait(forEpochs count: Int, of run: String) throws {
        try Self.wait("epoch \(count)") { epochsTold(run) >= count || !process.isRunning }
    }

    static func wait(_ what: Comment, _ isThere: () -> Bool) throws {
        let clock = Stopwatch()
        while !isThere() {
            try #require(clock.seconds < 120, what)
            Thread.sleep(forTimeInterval: 0.002)
        }
    }

    /// A rank, found among the launcher's children.
    func rank(_ number: Int) throws -> Rank { try #require(findRank(number)) }

    /// The same; nil where it is not there, or not yet.
    func findRank(_ number: Int) -> Rank? {
        let own = process.processIdentifier
        let all = (try? Files.list("/proc")) ?? []
        return all.compactMap { Int32($0) }.map(Rank.init).first {
            $0.parent == own && (try? $0.facts())?.environment["RANK"] == "\(number)"
        }
    }

    /// What Linux says of a process.
    struct Rank {
        let process: Int32

        init(_ process: Int32) { self.process = process }

        /// PID (NAME) STATE PARENT …
        private var state: [Substring] {
            ((try? Files.readText("/proc/\(process)/stat")) ?? "").split(separator: ")").last?.split(separator: " ")
                ?? []
        }

        var parent: Int32? { state.dropFirst().first.flatMap { Int32($0) } }

        var isRunning: Bool { state.first.map { $0 != "Z" } ?? false }

        func send(_ signal: Int32) { kill(process, signal) }

        func facts() throws -> (environment: [String: String], arguments: [String]) {
            func texts(_ file: String) throws -> [String] {
                try Files.read("/proc/\(process)/\(file)").split(separator: 0).map {
                    String(decoding: $0, as: UTF8.self)
                }
            }
            let pairs = try texts("environ").map { text in
                (String(text.prefix { $0 != "=" }), String(text.drop { $0 != "=" }.dropFirst()))
            }
            return (Dictionary(pairs) { $1 }, try texts("cmdline"))
        }
    }
}
