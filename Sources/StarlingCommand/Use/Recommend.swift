import ArgumentParser
import Starling

struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend",
        abstract: "Recommends items to one user, to several, or to everybody.",
        discussion: """
            Items that the user has in training are left out unless --include-seen is given. Several users come as JSON \
            Lines, or as the ending of --output says: .jsonl, .csv or .npz; with --output, --json prints what it took. \
            Examples:

              starling recommend runs/first --user 42 --count 10 --with-history
              starling recommend runs/first --all-users --count 100 --output top100.npz
            """)

    @OptionGroup var use: UseFlags

    @Option(help: ArgumentHelp("Recommend to this user; may be repeated.", valueName: "id"))
    var user: [String] = []

    @Flag(help: "Recommend to every user that training saw.")
    var allUsers = false

    @Option(help: ArgumentHelp("Recommend this many items.", valueName: "n"))
    var count: Int = 10

    @Flag(help: "Let items come back that the user has in training.")
    var includeSeen = false

    @Flag(help: "Show beside it what the user rated highest.")
    var withHistory = false

    @Option(help: ArgumentHelp("Write to this file: .jsonl, .csv or .npz.", valueName: "file"))
    var output: String?

    func run() throws {
        try requirePositive(count, "--count")
        guard allUsers != !user.isEmpty else {
            throw StarlingError(
                .usage, allUsers ? "--user and --all-users exclude each other" : "no user is named",
                remedy: "use --user ID or --all-users")
        }
        let format = try output.map(ListFormat.init(path:))
        guard output.map({ !Files.isWithin($0, use.run) }) ?? true else {
            throw StarlingError(
                .usage, "the file lies in the run itself, whose files must stay as they are",
                at: .init(file: output), remedy: "name another folder")
        }
        let cancellation = Signals.cancelOnInterrupt()
        let clock = Stopwatch()
        let recommender = try use.recommender()
        let loadSeconds = clock.seconds
        if user.count == 1 && output == nil { return try one(user[0], recommender) }
        guard !withHistory else {
            throw StarlingError(.usage, "--with-history goes with one --user and without --output")
        }
        let rows =
            allUsers
            ? (0..<recommender.users.count).map { UserRow($0) }.filter { !recommender.history[$0].isEmpty }
            : try user.map(recommender.trainedUser)
        let bar = ProgressBar("ranking", unit: "users", total: rows.count)
        let export = ListExport(recommender: recommender, users: rows, count: count)
        let rankSeconds = try export.write(
            to: output, as: format ?? .jsonLines, includeSeen: includeSeen, cancellation
        ) { bar.update(done: $0) }
        bar.finish(output.map { "wrote recommendations for \(Numerals.grouped(rows.count)) users to \($0)" })
        if use.json, let output {
            let summary = Summary(
                output: output, users: rows.count, items: recommender.items.count, count: count,
                threads: recommender.ranker.workers.count, load_seconds: loadSeconds, rank_seconds: rankSeconds,
                seconds: clock.seconds, peak_memory_bytes: Host.peakMemory())
            FileHandles.standardOutput(try JSON.text(summary) + "\n")
        }
    }

    /// What lists in a file took. Property names are the JSON keys.
    private struct Summary: Encodable {
        let output: String
        let users, items, count, threads: Int
        /// `rank_seconds` are without loading the model and without writing; `seconds` are all.
        let load_seconds, rank_seconds, seconds: Double
        let peak_memory_bytes: Int
    }

    /// ` (age 39, gender F)`, or nothing.
    private func attributes(of id: String, _ recommender: Recommender) -> String {
        guard let catalog = recommender.userCatalog, let values = catalog[id] else { return "" }
        let known = zip(catalog.attributes, values).filter { !$0.1.isEmpty }.map { "\($0) \($1)" }
        return known.isEmpty ? "" : " (" + known.joined(separator: ", ") + ")"
    }

    private func one(_ id: String, _ recommender: Recommender) throws {
        let items = try recommender.recommend(for: id, count: count, includeSeen: includeSeen)
        let history = withHistory ? try recommender.history(of: id, count: count) : []
        if use.json {
            struct Answer: Encodable {
                let user: String
                let items: [Recommender.Item]
                let history: [Recommender.Item]?
            }
            let answer = Answer(user: id, items: items, history: withHistory ? history : nil)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        if withHistory {
            let title = "What user \(id)\(attributes(of: id, recommender)) rated highest"
            FileHandles.standardOutput(ItemTable.render(history, title: title, value: "rating") + "\n")
        }
        FileHandles.standardOutput(ItemTable.render(items, title: "Recommended to user \(id)", value: "score"))
    }
}

/// Items with titles as a table.
enum ItemTable {
    static func render(_ items: [Recommender.Item], title: String, value: String) -> String {
        guard !items.isEmpty else { return title + ": nothing is left to show.\n" }
        let titled = items.contains { $0.title != nil }
        let rows = items.enumerated().map { position, item in
            ["\(position + 1)", item.item] + (titled ? [item.title ?? ""] : [])
                + [Numerals.fixed(Double(item.score), 3)]
        }
        let table = Table(title: title, header: ["#", "item"] + (titled ? ["title"] : []) + [value], rows: rows)
        return table.render(width: Terminal.width())
    }
}
