import ArgumentParser
import Starling

struct DataGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Makes ratings whose best possible RMSE is known.",
        discussion: """
            Ratings are planted biases and factors plus noise, rounded to half stars. Items' popularity follows a \
            Zipf-like law and users' activity is log-normal. The command prints the noise floor: the RMSE of \
            predicting each rating by its expectation under the plan. No model can do better, so it is the mark \
            to judge training by. The same seed gives the same file with any number of threads.

            Examples:

              starling data generate --like ml-1m --output ratings.csv
              starling data generate --users 5000 --items 2000 --interactions 400000 --seed 7 --output ratings.csv
            """)

    @Option(help: ArgumentHelp("Take the size of a known data set: ml-100k, ml-1m or ml-20m.", valueName: "name"))
    var like: String?

    @Option(help: ArgumentHelp("Make this many users.", valueName: "n"))
    var users: Int?

    @Option(help: ArgumentHelp("Make this many items.", valueName: "n"))
    var items: Int?

    @Option(help: ArgumentHelp("Make exactly this many ratings, at most one a user and item.", valueName: "n"))
    var interactions: Int?

    @Option(
        help: ArgumentHelp("Give every user at least this many ratings. Default: 1; with --like 20.", valueName: "n"))
    var minUser: Int?

    @Option(help: ArgumentHelp("Plant this many factors.", valueName: "n"))
    var rank = 16

    @Option(help: ArgumentHelp("Add noise of this standard deviation.", valueName: "stars"))
    var noise = 0.84

    @Flag(help: "Write ratings as they come, neither rounded to half stars nor kept between 0.5 and 5.")
    var continuous = false

    @Option(help: ArgumentHelp("Draw everything from this number.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(help: ArgumentHelp("Write the ratings to this CSV file.", valueName: "file"))
    var output: String

    @Flag(help: "Replace the file if it exists.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of text.")
    var json = false

    func run() throws {
        guard Files.kind(output) == nil || overwrite && Files.kind(output) == .file else {
            throw StarlingError(
                .usage, "there is something already", at: .init(file: output),
                remedy: "choose another --output, or give --overwrite to replace a file")
        }
        let watch = Stopwatch()
        let workers = try makeWorkers(threads)
        let truth = try synthetic()
        let log = truth.log(workers: workers)
        let floor = truth.noiseFloor(over: log, workers: workers)
        let values = LogStatistics(log).values!
        try InteractionWriter.write(log, to: output, workers: workers, cancellation: Signals.cancelOnInterrupt())
        let summary = Summary(
            output: output, users: truth.users, items: truth.items, interactions: log.count, rank: rank, noise: noise,
            seed: seed, mean: values.mean, standard_deviation: values.standardDeviation, noise_floor: floor,
            seconds: watch.seconds)
        FileHandles.standardOutput((json ? try JSON.text(summary) : summary.text) + "\n")
    }

    private func synthetic() throws -> SyntheticRatings {
        let scale: RatingScale = continuous ? .continuous : .halfStars
        if let like {
            guard let preset = SyntheticRatings.Preset(rawValue: like.lowercased()) else {
                let names = SyntheticRatings.Preset.allCases.map(\.rawValue).joined(separator: ", ")
                throw StarlingError(.usage, "--like \(like) is not a known size", remedy: "use one of \(names)")
            }
            guard users == nil, items == nil, interactions == nil, minUser == nil else {
                throw StarlingError(
                    .usage, "--like gives the numbers of users, items and ratings already",
                    remedy: "leave out --like, or --users, --items, --interactions and --min-user")
            }
            return try SyntheticRatings(like: preset, rank: rank, noise: noise, scale: scale, seed: seed)
        }
        guard let users, let items, let interactions else {
            throw StarlingError(
                .usage, "how many ratings to make is not said",
                remedy: "give --users, --items and --interactions, or --like ml-1m")
        }
        return try SyntheticRatings(
            users: users, items: items, interactions: interactions, rank: rank, noise: noise,
            minimumPerUser: minUser ?? 1, scale: scale, seed: seed)
    }

    /// Property names are the JSON keys.
    private struct Summary: Encodable {
        let output: String
        let users, items, interactions, rank: Int
        let noise: Double
        let seed: UInt64
        let mean, standard_deviation, noise_floor, seconds: Double

        var text: String {
            """
            \(Numerals.grouped(interactions)) ratings of \(Numerals.grouped(users)) users and \
            \(Numerals.grouped(items)) items in \(output)
            mean \(Numerals.fixed(mean, 3)), standard deviation \(Numerals.fixed(standard_deviation, 3)) stars
            noise floor \(Numerals.fixed(noise_floor, 4)): no model can have a lower RMSE
            made in \(Numerals.duration(seconds))
            """
        }
    }
}
