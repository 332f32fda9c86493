import ArgumentParser
import Starling

/// Where interactions come from and how they are read.
struct ReadingFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read interactions from this file, folder or glob; the form is recognised.", valueName: "source"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Say which column is what, by header name or number: user=1,item=2,value=3,time=4.", valueName: "list"))
    var columns: String?

    @Option(
        help: ArgumentHelp(
            "Say what separates fields: tab, comma, space, pipe, semicolon, or the characters.", valueName: "s"))
    var separator: String?

    @Option(
        help: ArgumentHelp(
            "Of a pair that stands several times keep last, first, mean or sum, or make it an error. Default: keep all.",
            valueName: "rule"))
    var duplicates: String?

    @Option(
        help: ArgumentHelp(
            "Drop users with fewer interactions than this, again and again until none is left.", valueName: "n"))
    var minUser: Int = 0

    @Option(help: ArgumentHelp("Drop items with fewer interactions than this, likewise.", valueName: "n"))
    var minItem: Int = 0

    @Flag(help: "Count rows that cannot be read and go on, where the default is to stop.")
    var skipBadRows = false

    func source() throws -> String {
        guard let data, !data.isEmpty else {
            throw StarlingError(.usage, "--data is missing", remedy: "name a file of interactions: --data ratings.csv")
        }
        return data
    }

    func options() throws -> ReadingOptions {
        guard minUser >= 0, minItem >= 0 else {
            throw StarlingError(.usage, "--min-user and --min-item are 0 or more")
        }
        var options = ReadingOptions()
        options.columns = try columns.map(ColumnMapping.init(parsing:))
        options.separator = separator
        options.duplicates = try duplicates.map { name in
            guard let policy = DuplicatePolicy(rawValue: name.lowercased()) else {
                throw StarlingError(
                    .usage, "“\(name)” is not a rule for duplicates",
                    remedy: "use " + DuplicatePolicy.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return policy
        }
        options.minimumPerUser = minUser
        options.minimumPerItem = minItem
        options.skipsBadRows = skipBadRows
        return options
    }

    /// Reads with a bar and prints the ingestion report, both on standard error.
    func read(workers: Workers, cancellation: Cancellation? = nil) throws -> LoadedInteractions {
        let source = try source()
        var bar: ProgressBar?
        let loaded = try InteractionReader.read(
            source, options: options(), workers: workers, cancellation: cancellation
        ) { done, total in
            if bar == nil { bar = ProgressBar("reading", unit: "bytes", total: total) }
            bar?.update(done: done)
        }
        bar?.finish()
        for line in loaded.report.lines() { FileHandles.standardError(line + "\n") }
        return loaded
    }

    /// These options as `run.json` keeps them.
    var configuration: [String: JSONValue] {
        [
            "data": data.map { .string($0) } ?? .null, "columns": columns.map { .string($0) } ?? .null,
            "separator": separator.map { .string($0) } ?? .null,
            "duplicates": duplicates.map { .string($0) } ?? .null, "min-user": .integer(minUser),
            "min-item": .integer(minItem), "skip-bad-rows": .bool(skipBadRows),
        ]
    }
}
