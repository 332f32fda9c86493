import Starling
import Synchronization

/// The folder of a search: `tune.json`, what is searched, and `trials.jsonl`, a line a finished trial or rung of one. Held by
/// one process; each file is there whole or not at all.
final class TrialFolder: Sendable {
    let path: String
    private let kept: Mutex<[TrialResult]>
    private let lock: RunLock

    var checkpoints: String { path + "/checkpoints" }

    /// Makes the folder, or takes up the one that is there.
    ///
    /// - Parameter asked: what is searched, on which data.
    /// - Throws: `usage` if another search, or something else, is there.
    init(_ path: String, _ asked: [String: JSONValue], overwrite: Bool) throws {
        self.path = path
        let (record, lines) = (path + "/tune.json", path + "/trials.jsonl")
        if Files.exists(path) {
            let isSearch = Files.exists(record)
            guard try Files.kind(path) == .directory && (isSearch || Files.list(path).allSatisfy { $0 == RunLock.name })
            else {
                throw StarlingError(
                    .usage, "holds something else than trials", at: .init(file: path), remedy: "choose another --output"
                )
            }
        }
        try Files.makeDirectory(path)
        lock = try RunLock(folder: path)
        if overwrite {
            for file in [record, lines, path + "/checkpoints", path + "/tracking"] { try Files.remove(file) }
        }
        if Files.exists(record) {
            let differences = Self.differences(try Self.asked(in: path), asked)
            guard differences.isEmpty else {
                throw StarlingError(
                    .usage, "the trials there are of another search: " + differences.joined(separator: "; "),
                    at: .init(file: path),
                    remedy: "ask for the same, choose another --output, or remove them with --overwrite")
            }
        }
        let results =
            Files.exists(lines)
            ? try Files.read(lines).split(separator: UInt8(ascii: "\n")).map {
                try JSON.decode(TrialResult.self, from: $0, file: lines)
            } : []
        kept = Mutex(results)
        try Files.write(JSON.bytes(asked, pretty: true) + [UInt8(ascii: "\n")], to: record)
    }

    /// What a search that stands at a path is for.
    static func asked(in path: String) throws -> [String: JSONValue] {
        let record = path + "/tune.json"
        return try JSON.decode([String: JSONValue].self, from: Files.read(record), file: record)
    }

    /// Those that are finished, in the order in which they were.
    var results: [TrialResult] { kept.withLock { $0 } }

    func add(_ result: TrialResult) throws {
        try kept.withLock { kept in
            let lines = try (kept + [result]).flatMap { try JSON.bytes($0) + [UInt8(ascii: "\n")] }
            try Files.write(lines, to: path + "/trials.jsonl")
            kept.append(result)
        }
    }

    /// More trials of a random search are the same search: what a trial draws does not depend on how many there are.
    private static func differences(_ stored: [String: JSONValue], _ asked: [String: JSONValue]) -> [String] {
        Set(stored.keys).union(asked.keys).sorted().compactMap { name in
            let (old, new) = (stored[name] ?? .null, asked[name] ?? .null)
            if old == new { return nil }
            if name == "trials", asked["search"] == "random", let old = old.int, let new = new.int, new > old {
                return nil
            }
            return name == "fingerprint" ? "the data has changed" : "\(name): \(old) there, \(new) asked"
        }
    }
}
