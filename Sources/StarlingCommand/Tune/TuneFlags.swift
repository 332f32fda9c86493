import ArgumentParser
import Starling

/// What is searched, how, and where the trials are kept. Common to all `tune` commands.
struct TuneFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Vary an option between two numbers: NAME=LOW..HIGH, or NAME=LOW..HIGH:log for even logarithms.",
            valueName: "range"))
    var range: [String] = []

    @Option(help: ArgumentHelp("Vary an option among texts: NAME=TEXT,TEXT.", valueName: "choice"))
    var choice: [String] = []

    @Option(
        help: ArgumentHelp(
            "Train every trial to its end (random), or after each third of the epochs only the best third of trials (halving).",
            valueName: "way"))
    var search: Search = .random

    @Option(help: ArgumentHelp("Draw this many trials.", valueName: "n"))
    var trials: Int = 20

    @Option(help: ArgumentHelp("Train this many trials at the same time; they share the threads.", valueName: "n"))
    var parallel: Int = 1

    @Option(
        help: ArgumentHelp(
            "Compare trials by this on the validation part: val_rmse, ndcg@20, recall@10 and others.",
            valueName: "metric"))
    var metric: String?

    @Option(
        help: ArgumentHelp(
            "Keep the trials in this directory; those that are there are not run again.", valueName: "folder"))
    var output: String?

    @Flag(help: "Remove the trials that are there.")
    var overwrite = false

    @Option(help: ArgumentHelp("Choose the random numbers of trials, splits and starting factors.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @OptionGroup(title: "Tracking") var tracker: TrackingFlags

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    enum Search: String, ExpressibleByArgument, CaseIterable { case random, halving }

    func check() throws {
        guard trials >= 1, trials <= 100_000 else { throw StarlingError(.usage, "--trials is 1 to 100,000") }
        guard parallel >= 1, parallel <= 1024 else { throw StarlingError(.usage, "--parallel is 1 to 1024") }
        guard !range.isEmpty || !choice.isEmpty else {
            throw StarlingError(
                .usage, "nothing is varied", remedy: "name options with --range factors=16..128:log or --choice")
        }
    }

    func folder() throws -> String {
        guard var path = output, !path.isEmpty else {
            throw StarlingError(
                .usage, "--output is missing", remedy: "name a directory for the trials: --output tuning/first")
        }
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
