import ArgumentParser
import Starling

/// Lists for very many users: whose, and in which files.
struct BatchFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Recommend to the users of these shards (MDS, here or at an address), each once.", valueName: "shards"))
    var usersFrom: String?

    @Option(
        help: ArgumentHelp(
            "Write a folder of files with this many users each, which --resume goes on with.", valueName: "users"))
    var partSize: Int?

    @Option(help: ArgumentHelp("Of the files of such a folder: jsonl (default), csv, npz or mds.", valueName: "name"))
    var format: String?

    @Flag(help: "Go on with the folder that is there; start where there is none.")
    var resume = false

    @Flag(help: "Replace a folder that is there.")
    var overwrite = false

    /// Whether a folder of parts is asked for.
    func check() throws -> Bool {
        if let partSize { try requirePositive(partSize, "--part-size") }
        guard partSize != nil || (format == nil && !resume && !overwrite) else {
            throw StarlingError(
                .usage, "--format, --resume and --overwrite are for a folder of parts",
                remedy: "say how many users a part has: --part-size 65536")
        }
        return partSize != nil
    }

    func partFormat() throws -> ListFormat {
        guard let format = ListFormat(rawValue: format?.lowercased() ?? "jsonl") else {
            throw StarlingError(
                .usage, "“\(format ?? "")” is not a format",
                remedy: "use one of " + ListFormat.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return format
    }

    /// Users of shards in the order in which they come, each once, without those of whom training saw nothing; and how many
    /// ids those were.
    static func users(
        of source: String, known recommender: Recommender, _ cancellation: Cancellation
    ) throws -> (rows: [UserRow], unknown: Int) {
        let shards = MDSShardSource(try Program.current.shards(at: source, cancellation) ?? MDSFolder(source))
        let names = shards.columns.map(\.name)
        guard
            let column = names.first(where: { $0 == "user" })
                ?? names.first(where: { $0 == "user_id" || $0 == "users" })
        else {
            throw StarlingError(
                .badData, "there is no column “user”; there are " + names.map { "“\($0)”" }.joined(separator: ", "),
                at: .init(file: source), remedy: "write the users' ids to a column of this name")
        }
        var options = ShardStream.Options(batchSize: 1 << 16, shuffles: false)
        options.columns = [column]
        let stream = try ShardStream(shards, options: options, cancellation: cancellation)
        var (rows, isTaken, strangers) = (
            [UserRow](), [Bool](repeating: false, count: recommender.users.count), Set<String>()
        )
        func take(_ row: UserRow?, _ id: @autoclosure () -> String) {
            guard let row, recommender.isTrained(row) else {
                strangers.insert(id())
                return
            }
            if !isTaken[row.index] {
                isTaken[row.index] = true
                rows.append(row)
            }
        }
        try ProgressBar.during("reading users", unit: "samples") { report in
            while let batch = try stream.next() {
                switch batch.columns[column] {
                case .texts(let texts): for text in texts { take(recommender.users.row(of: text), text) }
                case .integers(let numbers):
                    for number in numbers { take(recommender.users.row(of: number), String(number)) }
                default:
                    throw StarlingError(
                        .badData, "the column “\(column)” holds no ids", at: .init(file: source),
                        remedy: "write it as str or as a whole number")
                }
                report(stream.state.position, stream.state.samples)
            }
        }
        return (rows, strangers.count)
    }
}
