import ArgumentParser
import Starling

struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Lists the runs in a folder, with their models, states and results.",
        discussion: """
            Metrics are those of the epoch that a run ended with. --sort takes a metric, the best first, or name, model, \
            status, epochs or updated. Examples:

              starling runs runs
              starling runs runs --sort val_rmse --metrics val_rmse,val_mae
            """)

    @Argument(help: "The folder that holds runs.")
    var folder: String = "runs"

    @Option(help: ArgumentHelp("Sort by a metric, the best first, or by another column.", valueName: "column"))
    var sort: String = "name"

    @Option(
        help: ArgumentHelp("Show these metrics. Default: those that most runs have, up to four.", valueName: "name,…"))
    var metrics: String?

    @Flag(help: "Print one JSON object in place of a table.")
    var json = false

    func run() throws {
        guard Files.kind(folder) == .directory else {
            throw StarlingError(
                .usage, "there is no such folder", at: .init(file: folder), remedy: "name a folder of runs")
        }
        let found = try Files.list(folder).filter { Files.exists("\(folder)/\($0)/run.json") }
        let entries = try sorted(found.map { try RunEntry("\(folder)/\($0)", named: $0) })
        if json {
            struct Row: Encodable {
                let run: String
                let model: String
                let status: String
                let epochs: Int
                let updated: String
                let metrics: [String: Double]
            }
            let rows = entries.map { entry in
                Row(
                    run: entry.run, model: entry.record.model, status: entry.record.status.rawValue,
                    epochs: entry.epochs.count, updated: entry.record.updated, metrics: entry.metrics)
            }
            return FileHandles.standardOutput(try JSON.text(["runs": rows]) + "\n")
        }
        let names =
            metrics.map { $0.split(separator: ",").map(String.init) }
            ?? Array(RunEntry.metricNames(entries).filter { !$0.hasSuffix("_bytes") }.prefix(4))
        let table = Table(
            header: ["run", "model", "status", "epochs"] + names + ["curve", "updated"],
            rows: entries.map { entry in
                [entry.run, entry.record.model, entry.record.status.rawValue, "\(entry.epochs.count)"]
                    + names.map { name in entry[metric: name].map { Numerals.fixed($0, 4) } ?? "–" }
                    + [Sparkline.text(entry.curve, width: 8), entry.record.updated]
            })
        FileHandles.standardOutput(entries.isEmpty ? "There are no runs in \(folder).\n" : table.render())
    }

    private func sorted(_ entries: [RunEntry]) throws -> [RunEntry] {
        switch sort.lowercased() {
        case "name", "run": return entries
        case "model": return entries.sorted { ($0.record.model, $0.run) < ($1.record.model, $1.run) }
        case "status":
            return entries.sorted { ($0.record.status.rawValue, $0.run) < ($1.record.status.rawValue, $1.run) }
        case "epochs": return entries.sorted { ($1.epochs.count, $0.run) < ($0.epochs.count, $1.run) }
        case "updated": return entries.sorted { ($1.record.updated, $0.run) < ($0.record.updated, $1.run) }
        default:
            let metric = WatchedMetric(sort)
            guard entries.isEmpty || entries.contains(where: { $0[metric: sort] != nil }) else {
                throw StarlingError(
                    .usage, "no run has a column “\(sort)”",
                    remedy: "sort by "
                        + (["name", "model", "status", "epochs", "updated"] + RunEntry.metricNames(entries))
                        .joined(separator: ", "))
            }
            return entries.sorted { left, right in
                guard let one = left[metric: sort], let other = right[metric: sort] else {
                    return (left[metric: sort] == nil ? 1 : 0, left.run) < (
                        right[metric: sort] == nil ? 1 : 0, right.run
                    )
                }
                return one == other ? left.run < right.run : metric.isBetter(one, than: other)
            }
        }
    }
}
