import ArgumentParser
import Starling

struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows what a run is made of: data, options, checkpoints, results.",
        discussion: """
            Example:

              starling describe runs/first
            """)

    @Argument(help: ArgumentHelp("The run directory that train has written.", valueName: "run"))
    var path: String

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    func run() throws {
        let directory = try RunDirectory(reading: path)
        let record = directory.record
        let checkpoints = try CheckpointStore(directory.checkpointsPath).names().map { "\($0)" }
        let folder = Files.exists(directory.modelPath) ? try ModelFolder(directory.modelPath) : nil
        let manifest = folder?.manifest
        if json {
            struct Answer: Encodable {
                let run: String
                let model: String
                let status: String
                let config: [String: JSONValue]
                let data: RunRecord.Data
                let versions: RunRecord.Versions
                let created: String
                let updated: String
                let checkpoints: [String]
                let epochs: Int
                let users: Int?
                let items: Int?
                let interactions: Int?
                let weights_sha256: String?
            }
            let answer = Answer(
                run: path, model: record.model, status: record.status.rawValue, config: record.configuration,
                data: record.data, versions: record.versions, created: record.created, updated: record.updated,
                checkpoints: checkpoints, epochs: try directory.metrics().count, users: manifest?.users,
                items: manifest?.items, interactions: manifest?.interactions, weights_sha256: manifest?.weightsSHA256)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        var rows = [
            ["model", record.model], ["status", record.status.rawValue], ["data", record.data.source],
            ["created", record.created], ["updated", record.updated],
            ["made by", "starling \(record.versions.starling), \(record.versions.isa), on \(record.host)"],
            ["checkpoints", checkpoints.isEmpty ? "none" : checkpoints.joined(separator: ", ")],
        ]
        if let manifest {
            rows.append(["users", Numerals.grouped(manifest.users)])
            rows.append(["items", Numerals.grouped(manifest.items)])
            rows.append(["interactions", Numerals.grouped(manifest.interactions)])
            rows.append(["weights", "sha256 " + manifest.weightsSHA256])
            if let reference = try folder?.historyReference() {
                rows.append(["histories", "not in the run: in \(reference.source)"])
            }
        }
        if let last = try directory.metrics().last {
            let metrics = last.metrics.sorted { $0.key < $1.key }.map { "\($0.key) \(Numerals.fixed($0.value, 4))" }
            rows.append(["epoch \(last.epoch)", metrics.joined(separator: "  ")])
        }
        FileHandles.standardOutput(Table(title: "Run \(path)", rows: rows).render())
        let options = record.configuration.sorted { $0.key < $1.key }.map { [$0.key, "\($0.value)"] }
        FileHandles.standardOutput("\n" + Table(title: "Options", rows: options).render())
    }
}
