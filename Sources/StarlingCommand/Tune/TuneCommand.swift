import ArgumentParser
import Starling

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Searches for options of a model on a validation part.",
        discussion: """
            Example:

              starling tune mf --data ratings.csv --range factors=8..64:log --range learning-rate=0.01..0.1:log \\
                --trials 20 --output tuning/mf
            """,
        subcommands: [
            TuneModelCommand<MFFlags>.self, TuneModelCommand<ALSFlags>.self, TuneModelCommand<TwoTowerFlags>.self,
            TuneModelCommand<SSEPTFlags>.self,
        ])
}

/// `tune` for one model.
struct TuneModelCommand<Flags: TunableFlags>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Flags.model,
            abstract: "Searches for options of `train \(Flags.model)`.",
            discussion: """
                Any option of the model may be varied by --range and --choice; others that are given hold for all trials. A \
                range whose ends are written as whole numbers gives whole numbers. The data is read and split once. Killed, \
                the same command goes on. Examples:

                  starling tune \(Flags.model) --data ratings.csv --range factors=8..64:log --trials 20 --output tuning/\(Flags.model)
                  starling tune \(Flags.model) --data ratings.csv --range regularization=1e-3..1:log --epochs 27 \
                --search halving --trials 27 --output tuning/halving
                """)
    }

    @OptionGroup(title: "Data") var reading: ReadingFlags
    @OptionGroup(title: "Data") var catalogs: CatalogFlags
    @OptionGroup(title: "Held-out part") var splitting: SplitFlags
    @OptionGroup(title: "Search") var search: TuneFlags

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Options of the model that hold for all trials, as train takes them.", valueName: "options"))
    var fixed: [String] = []

    func run() throws {
        try search.check()
        let metric = try TrialMetric(search.metric ?? Flags.metric)
        // What the model does not know is wrong usage of this command; so are bad values.
        do {
            _ = try Flags.parse(fixed)
        } catch {
            throw StarlingError(
                .usage, Flags.message(for: error),
                remedy: "see starling tune \(Flags.model) --help and starling train \(Flags.model) --help")
        }
        let space = try SearchSpace(ranges: search.range, choices: search.choice)
        for dimension in space.dimensions
        where fixed.contains(where: { $0 == "--" + dimension.name || $0.hasPrefix("--\(dimension.name)=") }) {
            throw StarlingError(.usage, "--\(dimension.name) is given and varied", remedy: "give one of them")
        }
        let job = TuningJob(
            model: Flags.model, flags: search, reading: reading, catalogs: catalogs, splitting: splitting,
            usualSplit: Flags.usualSplit, isOrdered: Flags.isOrdered, metric: metric,
            trials: try Trial.all(search.trials, of: space, fixed: fixed, seed: search.seed, Flags.self), fixed: fixed)
        try job.execute()
    }
}
