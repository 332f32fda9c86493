import ArgumentParser
import Starling

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Shows runs side by side: their results, and the options in which they differ.",
        discussion: """
            The best value of each metric has a star; differences are to the first run. `starling report` compares them at \
            length. Example:

              starling compare runs/first runs/second
            """)

    @Argument(help: ArgumentHelp("Run directories that train has written, two or more.", valueName: "run"))
    var paths: [String]

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    func run() throws {
        guard paths.count > 1 else {
            throw StarlingError(.usage, "one run has nothing to be compared with", remedy: "name two runs or more")
        }
        let entries = try paths.map { try RunEntry($0, named: $0) }
        let hasSameData = Set(entries.map(\.record.data.fingerprint)).count == 1
        let split = Set(entries.map { $0.record.configuration["split"] ?? .null }.map { "\($0)" })
        let seed = Set(entries.map { $0.record.configuration["seed"] ?? .null }.map { "\($0)" })
        let isFair = hasSameData && split.count == 1 && (seed.count == 1 || split == ["folders"])
        if json { return FileHandles.standardOutput(try JSON.text(answer(entries, hasSameData, isFair)) + "\n") }

        let columns = [""] + Self.labels(paths)
        var results = [
            ["model"] + entries.map(\.record.model), ["status"] + entries.map(\.record.status.rawValue),
            ["epochs"] + entries.map { "\($0.epochs.count)" },
            ["curve"] + entries.map { Sparkline.text($0.curve) },
        ]
        for name in RunEntry.metricNames(entries) {
            results.append([name] + cells(entries.map { $0.metrics[name] }, name))
        }
        results.append(["training"] + entries.map { text($0, "train_seconds") { Numerals.duration($0) } })
        results.append(["memory"] + entries.map { text($0, "peak_memory_bytes") { Numerals.bytes(Int($0)) } })
        results.append(
            ["weights"]
                + entries.map { $0.record.summary?["weights_sha256"]?.string.map { "\($0.prefix(12))…" } ?? "–" })
        FileHandles.standardOutput(Table(title: "Results", header: columns, rows: results).render())

        let options = differing(entries)
        FileHandles.standardOutput(
            "\n"
                + (options.isEmpty
                    ? "All options are the same.\n"
                    : Table(
                        title: "Options that differ", header: columns,
                        rows: options.map { [$0.name] + $0.values.map { "\($0)" } }
                    )
                    .render()))
        if !isFair {
            FileHandles.standardOutput(
                hasSameData
                    ? "\nTheir held-out parts differ (split or seed), so that the metrics are not of the same interactions.\n"
                    : "\nThey were trained on different data, so that the metrics cannot be compared.\n")
        }
    }

    /// A metric of each run, with the difference to the first and a star at the best.
    private func cells(_ values: [Double?], _ name: String) -> [String] {
        let metric = WatchedMetric(name)
        let known = values.compactMap(\.self)
        let best = known.count > 1 ? known.reduce(known[0]) { metric.isBetter($1, than: $0) ? $1 : $0 } : nil
        return values.enumerated().map { place, value in
            guard let value else { return "–" }
            var cell = Numerals.fixed(value, 4)
            if place > 0, let first = values[0] {
                cell += " (\(value < first ? "−" : "+")\(Numerals.fixed(abs(value - first), 4)))"
            }
            return value == best ? cell + " *" : cell
        }
    }

    private func text(_ entry: RunEntry, _ key: String, _ shown: (Double) -> String) -> String {
        entry.record.summary?[key]?.double.map(shown) ?? "–"
    }

    /// Options that are not the same in all, in the order of names.
    private func differing(_ entries: [RunEntry]) -> [(name: String, values: [JSONValue])] {
        let names = Set(entries.flatMap { $0.record.configuration.keys }).sorted()
        return names.compactMap { name in
            let values = entries.map { $0.record.configuration[name] ?? .null }
            return values.allSatisfy { $0 == values[0] } ? nil : (name, values)
        }
    }

    /// The last parts of the paths where these tell them apart.
    private static func labels(_ paths: [String]) -> [String] {
        let names = paths.map { path in Files.name(path.hasSuffix("/") ? String(path.dropLast()) : path) }
        return Set(names).count == names.count ? names : paths
    }

    private struct Answer: Encodable {
        struct Run: Encodable {
            let run: String
            let model: String
            let status: String
            let epochs: Int
            let metrics: [String: Double]
            let options: [String: JSONValue]
            let weights_sha256: String?
        }
        let runs: [Run]
        let same_data: Bool
        let comparable: Bool
        let differing_options: [String]
    }

    private func answer(_ entries: [RunEntry], _ hasSameData: Bool, _ isFair: Bool) -> Answer {
        Answer(
            runs: entries.map { entry in
                Answer.Run(
                    run: entry.run, model: entry.record.model, status: entry.record.status.rawValue,
                    epochs: entry.epochs.count, metrics: entry.metrics, options: entry.record.configuration,
                    weights_sha256: entry.record.summary?["weights_sha256"]?.string)
            }, same_data: hasSameData, comparable: isFair, differing_options: differing(entries).map(\.name))
    }
}
