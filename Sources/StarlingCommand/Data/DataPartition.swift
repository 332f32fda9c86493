import ArgumentParser
import Starling

struct DataPartitionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partition",
        abstract: "Lays out training, validation and evaluation folders of pairs for SSE-PT.",
        discussion: """
            The output folder gets

              training/    trainx16x32_0.npz … trainx16x32_15.npz
              validation/  test_0.npz … test_7.npz
              evaluation/  test_8.npz … test_15.npz

            each file with one array [n × 2] of int64, user and item a row, as in the x16x32 sets. A file holds whole users, \
            and each one's items in the order of time. The parts are those of the same --split and --seed in train: \
            validation and test. Ids must be whole numbers. Examples:

              starling data partition --data ml-20m --split random:0.1,0.1 --output organized
              starling data partition --data ratings.csv --split last:2 --output organized --files 4
              starling data describe organized/training
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(
        help: ArgumentHelp("Split by this rule: random:V,T, temporal:V,T or last:N with N above 1.", valueName: "rule"))
    var split: String

    @Option(help: ArgumentHelp("Choose what is drawn at random.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(
        help: ArgumentHelp(
            "Write the folders to this folder; it appears with all of them or not at all.", valueName: "folder"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "Cut training into this many files, validation and evaluation into half as many.", valueName: "n"))
    var files = 16

    @Option(help: ArgumentHelp("Compress the files: deflate, or none.", valueName: "name"))
    var compression = "deflate"

    @Flag(help: "Replace the folder if it holds an earlier partition.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of a table.")
    var json = false

    func run() throws {
        let partition = try PairPartition(try SplitRule(parsing: split), seed: seed, files: files)
        guard ["deflate", "none"].contains(compression) else {
            throw StarlingError(
                .usage, "an NPZ knows no compression “\(compression)”", remedy: "use --compression deflate or none")
        }
        let folder = try OutputFolder(output, overwrite: overwrite, noun: "a partition", isPart: Self.isPart).path
        let workers = try makeWorkers(threads)
        let cancellation = Signals.cancelOnInterrupt()
        let log = try reading.read(workers: workers, cancellation: cancellation).log
        let folders = try ProgressBar.during("writing", unit: "interactions") { report in
            try partition.write(
                log, to: folder, compressed: compression == "deflate", workers: workers, cancellation: cancellation,
                progress: report)
        }
        if json {
            let counts = folders.map { ($0.name, Answer.Part(files: $0.files, interactions: $0.interactions)) }
            let answer = Answer(
                output: folder, split: "\(partition.rule)", seed: seed, parts: Dictionary(uniqueKeysWithValues: counts))
            return FileHandles.standardOutput(try JSON.text(answer) + "\n")
        }
        let rows = folders.map { part in
            ["\(folder)/\(part.name)"] + [part.files, part.interactions, part.users, part.items].map(Numerals.grouped)
        }
        FileHandles.standardOutput(
            Table(header: ["folder", "files", "interactions", "users", "items"], rows: rows).render())
    }

    /// Whether a partition has a file of that path.
    private static func isPart(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 2, parts[1].hasSuffix(".npz") else { return false }
        return parts[0] == "training"
            ? parts[1].hasPrefix("trainx16x32_")
            : ["validation", "evaluation"].contains(parts[0]) && parts[1].hasPrefix("test_")
    }

    private struct Answer: Encodable {
        struct Part: Encodable { let files, interactions: Int }
        let output: String
        let split: String
        let seed: UInt64
        /// By folder: `training`, `validation`, `evaluation`.
        let parts: [String: Part]
    }
}
