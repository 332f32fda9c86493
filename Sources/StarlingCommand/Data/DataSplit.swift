import ArgumentParser
import Starling

struct DataSplitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Cuts interaction data into training and held-out files.",
        discussion: """
            The output folder gets train.csv and, as the rule has them, validation.csv, test.csv and fold-in.csv. Rules:

              random:V[,T]      a random fraction V for validation and T for the test
              last:1            each user's last interaction for validation
              last:N            each user's last for the test and the N - 1 before it for validation
              temporal:F[,T]    the newest fraction T of all for the test and F before it for validation
              held-out-users:N  N random users: 80 % of each one's interactions as fold-in.csv, the rest as test.csv

            The same data, rule and seed give the same files. Examples:

              starling data split --data ratings.csv --split random:0.1,0.1 --output parts
              starling data split --data ratings.csv --split last:2 --output parts
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(help: ArgumentHelp("Split by this rule.", valueName: "rule"))
    var split: String

    @Option(help: ArgumentHelp("Choose what is drawn at random.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Write the parts to this folder; it appears with all of them or not at all.", valueName: "folder"))
    var output: String

    @Flag(help: "Replace the folder if it holds an earlier split.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of a table.")
    var json = false

    func run() throws {
        let rule = try SplitRule(parsing: split)
        let folder = try SplitFolder(output, overwrite: overwrite)
        let workers = try makeWorkers(threads)
        let cancellation = Signals.cancelOnInterrupt()
        let parts = try reading.read(workers: workers, cancellation: cancellation).log.split(rule, seed: seed)
        try folder.write(parts, workers: workers, cancellation: cancellation)
        if json {
            let counts = Dictionary(uniqueKeysWithValues: SplitFolder.named(parts).map { ($0.key, $0.log.count) })
            let answer = Answer(output: folder.path, split: "\(rule)", seed: seed, interactions: counts)
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        let rows = SplitFolder.named(parts).map { part in
            let statistics = LogStatistics(part.log)
            return [
                "\(folder.path)/\(part.file)", Numerals.grouped(part.log.count), Numerals.grouped(statistics.users),
                Numerals.grouped(statistics.items),
            ]
        }
        FileHandles.standardOutput(Table(header: ["file", "interactions", "users", "items"], rows: rows).render())
    }

    private struct Answer: Encodable {
        let output: String
        let split: String
        let seed: UInt64
        /// By part: `train`, `validation`, `test`, `fold_in`.
        let interactions: [String: Int]
    }
}
