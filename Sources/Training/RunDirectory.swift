import Basics

/// A run on disk: `run.json`, `metrics.jsonl`, `checkpoints/` and `model/`, held by one process while it trains.
///
/// ```swift
/// let record = RunRecord(model: "mf", configuration: ["factors": 32, "epochs": 20], data: data, isa: "avx2")
/// let run = try RunDirectory(training: "runs/first", as: record, ifPresent: .resume)
/// if run.record.status == .finished { return print(run.record.summary!) }
/// let result = try TrainingLoop(epochs: 20).train(trainer, in: run)
/// try ModelFolder.write(parts, to: run.modelPath)
/// try run.finish(summary: result)
/// ```
public final class RunDirectory {
    /// What to do where a run stands already.
    public enum IfPresent: Sendable {
        /// `--resume`: go on with it; where there is none, start.
        case resume
        /// `--overwrite`: remove it and start.
        case overwrite
        /// Neither: refuse.
        case refuse
    }

    public let path: String
    public private(set) var record: RunRecord
    private let lock: RunLock?

    public var checkpointsPath: String { path + "/checkpoints" }
    public var metricsPath: String { path + "/metrics.jsonl" }
    public var modelPath: String { path + "/model" }
    private var recordPath: String { path + "/run.json" }

    /// Opens a run to look at it; takes no lock and writes nothing.
    ///
    /// - Throws: `usage` if there is no run at `path`, `failed` if its `run.json` cannot be read.
    public init(reading path: String) throws {
        self.path = path
        guard Files.kind(path + "/run.json") == .file else {
            throw StarlingError(
                .usage, Files.exists(path) ? "is not a run: it has no run.json" : "there is no such run",
                at: .init(file: path), remedy: "name a folder that `starling train … --output` has written")
        }
        record = try Self.readRecord(path)
        lock = nil
    }

    /// Makes a run, or takes up the one that is there, and locks it for this process.
    ///
    /// After a resume, ``record`` has the status the run was left with: `finished` means that nothing is to be
    /// done and `summary` is the result. If more epochs are asked than a finished run has, it is `running` again.
    ///
    /// - Throws: `usage` if a run stands there and neither resuming nor overwriting was asked, if the folder
    ///   holds anything else, or if a resume asks for other options or data (each is named); `failed` if
    ///   another process trains into it or it cannot be written.
    public init(training path: String, as asked: RunRecord, ifPresent: IfPresent = .refuse) throws {
        self.path = path
        try Self.check(path, ifPresent)
        try Files.makeDirectory(path)
        lock = try RunLock(folder: path)
        let isRun = try Self.check(path, ifPresent)
        try Files.removeLeftovers(in: path)
        guard isRun, ifPresent == .resume else {
            record = asked
            for name in Self.contents { try Files.remove(path + "/" + name) }
            try save()
            return
        }
        record = try Self.readRecord(path)
        let differences = record.differences(from: asked)
        guard differences.isEmpty else {
            throw StarlingError(
                .usage,
                "the run cannot be resumed with other options or data: "
                    + differences.joined(separator: "; "), at: .init(file: path),
                remedy: "ask for the same, or choose another --output, or replace the run with --overwrite")
        }
        let goesOn = RunRecord.growingOptions.contains {
            (asked.configuration[$0]?.int ?? 0) > (record.configuration[$0]?.int ?? 0)
        }
        if record.status == .finished && !goesOn { return }
        record.configuration = asked.configuration
        record.versions = asked.versions
        record.host = asked.host
        record.cluster = asked.cluster
        record.summary = nil
        try update(.running)
    }

    /// Everything of a run that starting anew removes; `run.json` is replaced after them.
    private static let contents = [
        "checkpoints", "model", "metrics.jsonl", "report.html", "embeddings.sqlite", "tracking", "mlflow-model",
    ]

    /// Whether a run stands at `path`; refuses what must not be touched. Worth asking before data is read.
    ///
    /// - Throws: `usage`, as ``init(training:as:ifPresent:)`` does.
    @discardableResult
    public static func check(_ path: String, _ ifPresent: IfPresent) throws -> Bool {
        switch Files.kind(path) {
        case nil: return false
        case .directory?: break
        default:
            throw StarlingError(
                .usage, "is a file; a run is a folder", at: .init(file: path), remedy: "choose another --output")
        }
        let names = try Files.list(path)
        if !names.contains("run.json") && names.allSatisfy({ $0 == RunLock.name || $0.contains(".tmp-") }) {
            return false
        }
        guard names.contains("run.json") || names.contains("checkpoints") else {
            throw StarlingError(
                .usage, "the folder holds other things and no run", at: .init(file: path),
                remedy: "choose another --output")
        }
        if ifPresent == .refuse {
            throw StarlingError(
                .usage, "a run is there already", at: .init(file: path),
                remedy: "go on with it (--resume), replace it (--overwrite), or choose another --output")
        }
        return true
    }

    private static func readRecord(_ path: String) throws -> RunRecord {
        let file = path + "/run.json"
        do {
            return try JSON.decode(RunRecord.self, from: try Files.read(file), file: file)
        } catch var error as StarlingError {
            error.remedy = "the run cannot be used; replace it with --overwrite"
            throw error
        }
    }

    private func save() throws {
        try Files.write(JSON.bytes(record, pretty: true) + [UInt8(ascii: "\n")], to: recordPath)
    }

    /// Sets the status in `run.json`.
    public func update(_ status: RunRecord.Status) throws {
        record.status = status
        record.updated = Host.timestamp()
        try save()
    }

    /// Marks the run as finished, with what a later `--resume` is to print. To be called when all that the run
    /// promises (its `model/`) is on disk.
    public func finish(summary: some Encodable) throws {
        record.summary = try JSONValue(encoding: summary)
        try update(.finished)
    }
}

extension RunDirectory {
    /// Adds one line to `metrics.jsonl`.
    func append(_ epoch: EpochRecord) throws {
        let writer = try FileWriter(appendingTo: metricsPath)
        try writer.write(JSON.bytes(epoch) + [UInt8(ascii: "\n")])
        try writer.close(synced: false)
    }

    /// Makes `metrics.jsonl` hold exactly these epochs, so that after a resume none stands twice.
    func replaceMetrics(by epochs: [EpochRecord]) throws {
        try Files.writeAtomically(to: metricsPath) { writer in
            for epoch in epochs { try writer.write(JSON.bytes(epoch) + [UInt8(ascii: "\n")]) }
        }
    }

    /// The epochs in `metrics.jsonl`; a last line that was cut short by a kill is left out.
    public func metrics() throws -> [EpochRecord] {
        guard Files.exists(metricsPath) else { return [] }
        let bytes = try Files.read(metricsPath)
        let end = bytes.lastIndex(of: UInt8(ascii: "\n")) ?? 0
        return try bytes[..<end].split(separator: UInt8(ascii: "\n")).map {
            try JSON.decode(EpochRecord.self, from: $0, file: metricsPath)
        }
    }
}
