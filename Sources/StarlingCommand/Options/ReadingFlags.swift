import ArgumentParser
import Starling

/// Which interactions are read, and how. Common to all commands that read data.
struct ReadingFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read interactions from this file, glob, or folder of a data set or of shards, here or at https://, s3:// or dbfs:/; or from a table: sqlite:FILE?table=…, postgres://…, supabase:TABLE; or NumPy arrays from a pipe: npy-stream:- or npy-stream:FIFO.",
            valueName: "source"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Say which column is which, by name or number from 1: user=…,item=…[,value=…][,time=…].",
            valueName: "mapping"))
    var columns: String?

    @Option(
        help: ArgumentHelp(
            "Say what stands between fields: a text such as \"::\", or tab, comma, space, pipe, semicolon.",
            valueName: "text"))
    var separator: String?

    @Option(
        help: ArgumentHelp(
            "Merge a user's several interactions with one item: last, first, mean, sum, or error to refuse them.",
            valueName: "policy"))
    var duplicates: String?

    @Option(
        help: ArgumentHelp(
            "Leave out users with fewer interactions, together with --min-item until all have enough.",
            valueName: "count"))
    var minUser: Int = 0

    @Option(
        help: ArgumentHelp(
            "Leave out items with fewer interactions, together with --min-user until all have enough.",
            valueName: "count"))
    var minItem: Int = 0

    @Option(
        help: ArgumentHelp(
            "Read this share of the source's files, spread over them: 0.1 is every tenth. Default: 1.",
            valueName: "share"))
    var fraction: Double = 1

    @Flag(help: "Leave out rows that cannot be read, and count them; otherwise the first one is an error.")
    var skipBadRows = false

    @OptionGroup(title: "Supabase") var supabase: SupabaseFlags

    /// Where the data is. May hold a password; ``shownSource`` does not.
    func source() throws -> String {
        guard let data = try data ?? VertexJob.current.get().data, !data.isEmpty else {
            throw StarlingError(
                .usage, "no data is named", remedy: "name a file or folder of interactions: --data ratings.csv")
        }
        return data
    }

    /// The table that the source is; nil if it is none.
    private func store() throws -> (any Store)? { try Program.current.openStore(source(), supabase.key) }

    /// Where the data is, without secrets.
    var shownSource: String? { (try? source()).map { data in (try? store())?.address ?? data } }

    /// Everything but the source.
    func options() throws -> ReadingOptions {
        var options = ReadingOptions()
        options.columns = try columns.map(ColumnMapping.init(parsing:))
        options.separator = separator
        options.duplicates = try duplicates.map { name in
            guard let policy = DuplicatePolicy(rawValue: name.lowercased()) else {
                let names = DuplicatePolicy.allCases.map(\.rawValue).joined(separator: ", ")
                throw StarlingError(.usage, "“\(name)” is not a way to merge duplicates", remedy: "use one of \(names)")
            }
            return policy
        }
        guard minUser >= 0, minItem >= 0 else {
            throw StarlingError(.usage, "--min-user and --min-item are 0 or more")
        }
        options.minimumPerUser = minUser
        options.minimumPerItem = minItem
        options.skipsBadRows = skipBadRows
        guard fraction > 0, fraction <= 1 else {
            throw StarlingError(.usage, "--fraction \(fraction) is out of range", remedy: "use above 0 and up to 1")
        }
        options.fraction = fraction
        return options
    }

    /// Reads with a bar and prints the ingestion report to standard error; of several ranks the first does so.
    ///
    /// - Parameters:
    ///   - part: a folder of the source to read in its place.
    ///   - ranks: those that read together and have the same log; all call this.
    func read(
        part: String? = nil, workers: Workers, cancellation: Cancellation?, ranks: any Communicator = OneRank()
    ) throws -> LoadedInteractions {
        let options = try ranks.together { try self.options() }
        let source = try ranks.together { try part ?? self.source() }
        let store = try ranks.together { part == nil ? try self.store() : nil }
        let shards = try ranks.together {
            store == nil ? try Program.current.shards(at: source, cancellation) : nil
        }
        let loaded = try ProgressBar.during("reading", unit: store == nil ? "B" : "rows") { report in
            let progress = ranks.rank == 0 ? report : nil
            if let store {
                return try InteractionReader.read(
                    store, options: options, workers: workers, cancellation: cancellation, progress: progress,
                    ranks: ranks)
            }
            if let shards {
                return try InteractionReader.read(
                    shards, options: options, workers: workers, cancellation: cancellation, progress: progress,
                    ranks: ranks)
            }
            return try InteractionReader.read(
                source, options: options, workers: workers, cancellation: cancellation, progress: progress,
                ranks: ranks)
        }
        if ranks.rank == 0 { loaded.report.tell() }
        return loaded
    }

    /// The source, to be gone through in passes.
    ///
    /// - Throws: `usage` that says why this source, with these options and this split, is not; what opening it throws.
    func passable(_ rule: SplitRule?, _ cancellation: Cancellation?) throws -> PassableSource {
        if let store = try store() {
            throw StarlingError(
                .usage, "a table is not read in passes", at: .init(file: store.location),
                remedy: "make shards of it: starling data convert --data … --to shards --form mds")
        }
        let options = try options()
        let source = try Program.current.shards(at: source(), cancellation).map {
            try PassableSource($0, options: options)
        }
        let found = try source ?? PassableSource(self.source(), options: options)
        if let rule, rule.counts(of: found.count) == nil { throw rule.needsLog }
        return found
    }

    /// Where histories of the source, which can be gone through in passes, are found again.
    func reference(
        _ rule: SplitRule?, _ seed: UInt64, fingerprint: String, interactions: Int
    ) throws -> HistoryReference {
        let source = try source()
        let path = try Program.current.openAddress(source) == nil ? Files.absolute(source) : shownSource ?? source
        return HistoryReference(
            source: path, columns: columns, fraction: fraction, split: rule.map { "\($0)" }, seed: seed,
            fingerprint: fingerprint, interactions: interactions)
    }

    /// The folders of the source that hold its parts; nil if there is none for training.
    func findPartFolders() throws -> PartFolders? {
        let source = try source()
        if let store = try store() {
            throw StarlingError(
                .usage, "a table is no folder of files", at: .init(file: store.location),
                remedy: "choose another --split, and leave --stream out")
        }
        guard try Program.current.openAddress(source) != nil else { return try PartFolders(in: source) }
        return try PartFolders(at: source) { address in
            do {
                return try Program.current.shards(at: address, nil) != nil
            } catch let error as StarlingError where error.code == .badData {
                return false
            }
        }
    }

    /// The same where there must be some.
    func partFolders() throws -> PartFolders {
        let source = try source()
        guard let folders = try findPartFolders() else {
            throw StarlingError(
                .badData, "there is no folder train or training in it", at: .init(file: source),
                remedy: "name the folder that holds train/, validation/ and test/, or choose another --split")
        }
        guard minUser <= 1, minItem <= 1 else {
            throw StarlingError(
                .usage, "--min-user and --min-item have no meaning for data that is cut already",
                remedy: "leave them out, or choose another --split")
        }
        return folders
    }

    /// The shards to stream, in `part` of the source or in all of it.
    func shards(part: String?, _ cancellation: Cancellation?) throws -> InteractionShards {
        let (source, options) = (try part ?? source(), try options())
        guard options.duplicates == nil, minUser <= 1, minItem <= 1, !skipBadRows, fraction == 1 else {
            throw StarlingError(
                .usage,
                "--duplicates, --min-user, --min-item, --skip-bad-rows and --fraction have no meaning for shards as they lie",
                remedy: "apply them once with starling data convert, or leave --stream out")
        }
        if let folder = try Program.current.shards(at: source, cancellation) {
            return try InteractionShards(MDSShardSource(folder), columns: options.columns)
        }
        return try InteractionShards(at: source, columns: options.columns)
    }

    /// These options as one types them.
    var arguments: [String] {
        var arguments: [String] = []
        let texts = [
            ("--data", shownSource), ("--columns", columns), ("--separator", separator), ("--duplicates", duplicates),
        ]
        for case (let name, let text?) in texts { arguments += [name, text] }
        if minUser > 0 { arguments += ["--min-user", String(minUser)] }
        if minItem > 0 { arguments += ["--min-item", String(minItem)] }
        if fraction < 1 { arguments += ["--fraction", "\(fraction)"] }
        if skipBadRows { arguments.append("--skip-bad-rows") }
        if let url = supabase.supabaseUrl { arguments += ["--supabase-url", url] }
        if let file = supabase.supabaseKeyFile { arguments += ["--supabase-key-file", file] }
        return arguments
    }

    /// These options as `run.json` keeps them.
    var configuration: [String: JSONValue] {
        [
            "data": shownSource.map { .string($0) } ?? .null, "columns": columns.map { .string($0) } ?? .null,
            "separator": separator.map { .string($0) } ?? .null,
            "duplicates": duplicates.map { .string($0) } ?? .null,
            "min-user": .integer(minUser), "min-item": .integer(minItem), "skip-bad-rows": .bool(skipBadRows),
            "fraction": fraction < 1 ? .number(fraction) : .null,
            "supabase-url": supabase.supabaseUrl.map { .string($0) } ?? .null,
            "supabase-key-file": supabase.supabaseKeyFile.map { .string($0) } ?? .null,
        ]
    }
}

extension IngestionReport {
    /// Prints it to standard error.
    func tell() {
        for line in lines() { FileHandles.standardError(DisplayWidth.printable(line) + "\n") }
    }
}
