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
              starling recommend runs/als --history "260:5,1196:4.5,2571"
              starling recommend runs/first --user newcomer --cold-start popular
              starling recommend runs/first --users-from shards/ --part-size 65536 --output lists/ --resume

            --history takes ids with commas between, each with a value behind its last colon or without (then it counts \
            as 1), for models that fold users in.
            """)

    @OptionGroup var use: UseFlags

    @Option(help: ArgumentHelp("Recommend to this user; may be repeated.", valueName: "id"))
    var user: [String] = []

    @Option(
        help: ArgumentHelp(
            "Recommend to somebody who was not in training and has had these items; may be repeated.",
            valueName: "id[:value],…"))
    var history: [String] = []

    @Flag(help: "Recommend to every user that training saw.")
    var allUsers = false

    @Option(help: ArgumentHelp("Recommend this many items.", valueName: "n"))
    var count: Int = 10

    @Flag(help: "Let items come back that the user has in training, or in --history.")
    var includeSeen = false

    @Flag(help: "Show beside it what the user rated highest.")
    var withHistory = false

    @Option(
        help: ArgumentHelp(
            "Give a --user of whom training saw nothing the most popular items, and say so: popular.",
            valueName: "fallback"))
    var coldStart: String?

    @Option(
        help: ArgumentHelp(
            "Write to this file: .jsonl, .csv or .npz; with --part-size, to this folder.", valueName: "file"))
    var output: String?

    @OptionGroup(title: "Very many users") var batch: BatchFlags

    func run() throws {
        try requirePositive(count, "--count")
        let sources = [allUsers, !user.isEmpty, !history.isEmpty, batch.usersFrom != nil].count { $0 }
        guard sources == 1 else {
            throw StarlingError(
                .usage,
                sources == 0
                    ? "no user is named" : "--user, --history, --all-users and --users-from exclude each other",
                remedy: "use --user ID, --history ID:VALUE,…, --all-users or --users-from SHARDS")
        }
        let inParts = try batch.check()
        guard !inParts || (output != nil && user.isEmpty && history.isEmpty) else {
            throw StarlingError(
                .usage, "--part-size writes a folder of lists for many users",
                remedy: "name it with --output, and the users with --all-users or --users-from")
        }
        let format = try inParts ? batch.partFormat() : output.map(ListFormat.init(path:))
        guard output.map({ !Files.isWithin($0, use.run) }) ?? true else {
            throw StarlingError(
                .usage, "the file lies in the run itself, whose files must stay as they are",
                at: .init(file: output), remedy: "name another folder")
        }
        try checkColdStart()
        guard output == nil || format == .jsonLines || (history.isEmpty && coldStart == nil) else {
            throw StarlingError(
                .usage, "only JSON Lines can say that a list is a fallback, or whose history it is for",
                at: .init(file: output), remedy: "write to a .jsonl file")
        }
        let isOne = user.count + history.count == 1 && output == nil
        guard isOne || !withHistory else {
            throw StarlingError(.usage, "--with-history goes with one --user or --history and without --output")
        }
        let cancellation = Signals.cancelOnInterrupt()
        let clock = Stopwatch()
        let (folder, recommender) = try use.opened()
        let loadSeconds = clock.seconds
        if isOne || !history.isEmpty || coldStart != nil {
            let answers = try self.answers(recommender)
            let rankSeconds = clock.seconds - loadSeconds
            if isOne { return try show(answers[0], recommender) }
            try writeLines(answers)
            return try report(recommender, users: answers.count, loadSeconds, rankSeconds, clock)
        }
        let rows = try rows(recommender, cancellation)
        // Of all at once, where it takes a pass over the data.
        if !includeSeen { _ = try recommender.trained.of(rows) }
        if inParts, let output {
            return try writeParts(
                rows, to: output, format!, recommender, folder.manifest.weightsSHA256, loadSeconds, clock, cancellation)
        }
        let bar = ProgressBar("ranking", unit: "users", total: rows.count)
        let export = ListExport(recommender, count: count, as: format ?? .jsonLines)
        let rankSeconds = try export.write(
            rows, to: output, includeSeen: includeSeen, cancellation
        ) { bar.update(done: $0) }
        bar.finish(output.map { "wrote recommendations for \(Numerals.grouped(rows.count)) users to \($0)" })
        try report(recommender, users: rows.count, loadSeconds, rankSeconds, clock)
    }

    /// Whom lists for many are for.
    private func rows(_ recommender: Recommender, _ cancellation: Cancellation) throws -> [UserRow] {
        if allUsers {
            return (0..<recommender.users.count).map { UserRow($0) }.filter(recommender.isTrained)
        }
        guard let source = batch.usersFrom else { return try user.map(recommender.trainedUser) }
        let (rows, unknown) = try BatchFlags.users(of: source, known: recommender, cancellation)
        if unknown > 0 {
            FileHandles.standardError(
                "notice: \(Numerals.grouped(unknown)) users are left out, of whom training saw nothing\n")
        }
        guard !rows.isEmpty else {
            throw StarlingError(
                .badData, "training saw none of its users", at: .init(file: source),
                remedy: "name shards of users of this run")
        }
        return rows
    }

    private func writeParts(
        _ rows: [UserRow], to folder: String, _ format: ListFormat, _ recommender: Recommender, _ weightsSHA256: String,
        _ loadSeconds: Double, _ clock: Stopwatch, _ cancellation: Cancellation
    ) throws {
        let parts = ListParts(
            folder: folder, partSize: batch.partSize!, export: ListExport(recommender, count: count, as: format),
            users: rows, includeSeen: includeSeen)
        let description = ListParts.Description(
            weights_sha256: weightsSHA256,
            users_sha256: try WeightsDigest.sha256([TensorSource(name: "users", rows.map { Int64($0.index) })]),
            users: rows.count, count: count, part_size: batch.partSize!, include_seen: includeSeen,
            format: format.rawValue)
        let seconds = try parts.write(
            description, resume: batch.resume, overwrite: batch.overwrite, cancellation)
        try report(recommender, users: rows.count, loadSeconds, seconds, clock)
    }

    /// Prints what lists in a file took, if that was asked for.
    private func report(
        _ recommender: Recommender, users: Int, _ loadSeconds: Double, _ rankSeconds: Double, _ clock: Stopwatch
    ) throws {
        guard use.json, let output else { return }
        let summary = Summary(
            output: output, users: users, items: recommender.items.count, count: count,
            threads: recommender.ranker.workers.count, load_seconds: loadSeconds, rank_seconds: rankSeconds,
            seconds: clock.seconds, peak_memory_bytes: Host.peakMemory())
        FileHandles.standardOutput(try JSON.text(summary) + "\n")
    }

    /// What lists in a file took. Property names are the JSON keys.
    private struct Summary: Encodable {
        let output: String
        let users, items, count, threads: Int
        /// `rank_seconds` are without loading the model and without writing; `seconds` are all.
        let load_seconds, rank_seconds, seconds: Double
        let peak_memory_bytes: Int
    }

    private func checkColdStart() throws {
        guard let coldStart else { return }
        guard coldStart.lowercased() == "popular" else {
            throw StarlingError(.usage, "--cold-start \(coldStart) is not known", remedy: "use --cold-start popular")
        }
        guard !user.isEmpty else {
            throw StarlingError(
                .usage, "--cold-start goes with --user", remedy: "leave it out: these are users that the model knows")
        }
    }
}
