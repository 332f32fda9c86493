import ArgumentParser
import Reports
import Starling

struct DataExpandCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expand",
        abstract: "Grows interaction data to many times as many users and items.",
        discussion: """
            Fractal expansion (Belletti et al. 2019), as in MLPerf's ml-20mx16x32: for each element of a small matrix with the \
            singular values of the data, a block that is the data, its users and items shuffled, thinned to the share that the \
            element says. --by 16x32 gives 16 times as many users and 32 times as many items. Ids count from 0: user u of \
            block row i becomes i × users + a shuffled u. A user's repeated interactions with an item are merged first; the last \
            stays, unless --duplicates says otherwise. Ratings take part only with --ratings, times never.

            Shuffled anew in every block, as published, popularity and activity even out as the factor grows; --shuffle sides \
            keeps the tails and the spectrum of the data at any size. The same data, options and seed give the same bytes with \
            any number of threads, and after a kill and --resume.

            The folder is read by --data. Its files are stored NPZ archives of users, items and ratings, or shards of mds. Examples:

              starling data expand --data ml-20m --by 16x32 --output expanded
              starling data expand --data ml-1m --by 344x232 --interactions 1.2G --shuffle sides --output billion --report billion.html
              starling data expand --data ml-1m --by 344x232 --interactions 1.2G --shuffle sides --output billion --resume
            """)

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(help: ArgumentHelp("Multiply users and items by these numbers, as 16x32.", valueName: "RxC"))
    var by: String

    @Option(
        help: ArgumentHelp(
            "Scale what blocks keep so that about so many interactions come out, as 1.2G. Default: as the method says.",
            valueName: "n"))
    var interactions: String?

    @Option(
        help: ArgumentHelp(
            "Shuffle every block anew (blocks), or each row and column of blocks once (sides).", valueName: "what"))
    var shuffle = "blocks"

    @Flag(help: "Write the ratings of the data as well.")
    var ratings = false

    @Option(help: ArgumentHelp("Draw everything from this number.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(help: ArgumentHelp("Write shards to this folder.", valueName: "folder"))
    var output: String

    @Option(help: ArgumentHelp("Write shards as npz or mds.", valueName: "form"))
    var form = "npz"

    @Option(help: ArgumentHelp("Write shards of about so many bytes.", valueName: "bytes"))
    var sizeLimit = 1 << 28

    @Option(help: ArgumentHelp("Also write a page that shows the data beside the result.", valueName: "file"))
    var report: String?

    @Flag(help: "Go on with an expansion that was stopped; start where there is none.")
    var resume = false

    @Flag(help: "Replace the folder if it holds an expansion.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of a table.")
    var json = false

    func run() throws {
        let watch = Stopwatch()
        let (rows, columns) = try multipliers()
        let wanted = try interactions.map { try Quantity.whole($0, option: "--interactions") }
        let shuffling: FractalExpansion.Shuffling = try choice("--shuffle", shuffle)
        let form: ExpansionWriter.Form = try choice("--form", form)
        let isa = try InstructionSet.current()
        guard 1...1 << 31 ~= sizeLimit else {
            throw StarlingError(.usage, "--size-limit is 1 to \(1 << 31) bytes")
        }
        let folder = try ExpansionFolder(output, resume: resume, overwrite: overwrite, report: report)
        let workers = try makeWorkers(threads)
        let cancellation = Signals.cancelOnInterrupt()
        let source = try ExpansionSource(reading, rows: rows, columns: columns, ratings: ratings, workers, cancellation)
        var record = ExpansionRecord(
            source: source.fingerprint, by: "\(rows)x\(columns)", interactions: wanted, shuffle: shuffling.rawValue,
            seed: seed,
            form: form.rawValue, ratings: ratings, sizeLimit: sizeLimit, instructionSet: isa.ofFloats.name)
        if let result = try folder.result(of: record), report == nil {
            return try tell(ExpansionAnswer(stored: result))
        }

        let svd = try ProgressBar.during("decomposing", unit: "steps") { report in
            try TruncatedSVD(
                of: source.matrix, count: min(rows, columns), workers: workers, isa: isa, cancellation: cancellation
            ) { report($0, 0) }
        }
        let published = try KroneckerFactor(reducing: svd, rows: rows, columns: columns, isa: isa)
        let factor = try scaled(published, to: wanted, source.matrix.entryCount)
        let expansion = FractalExpansion(
            of: source.matrix, by: factor, shuffling: shuffling, seed: seed, carriesRatings: ratings)
        let writer = ExpansionWriter(expansion, to: folder.path, form: form, sizeLimit: sizeLimit)
        try folder.begin(record, bytes: writer.expectedBytes)
        let clock = Stopwatch()
        let written = try ProgressBar.during("expanding", unit: "interactions") { report in
            try writer.write(workers: workers, cancellation: cancellation, progress: report)
        }
        let (before, after) = source.sides(written)
        var answer = ExpansionAnswer(
            output: folder.path, record: record, source: before, result: after, factor: factor,
            singularValues: (svd.values, try factor.singularValues(isa: isa)), expected: expansion.expected, written,
            seconds: watch.seconds, expandSeconds: clock.seconds)
        record.result = try JSONValue(encoding: answer)
        try folder.finish(record)
        if let report {
            let spectra = try ProgressBar.during("measuring", unit: "steps") { report in
                try ExpansionSpectra(of: expansion, svd, workers, isa, cancellation) { report($0, 0) }
            }
            let page = ExpansionReport(
                .init(
                    output: folder.path, command: command, source: before, result: after,
                    factor: .init(rows: rows, columns: columns, rates: factor.rates), spectra: spectra.all,
                    shuffle: shuffle,
                    shards: written.shards, bytes: written.bytes, seconds: answer.seconds))
            try Files.write(ReportPage.bytes(page), to: report)
            answer.report = report
        }
        try tell(answer)
    }

    private func tell(_ answer: ExpansionAnswer) throws {
        FileHandles.standardOutput(json ? try JSON.text(answer) + "\n" : answer.text)
    }

    /// What `--by` says.
    private func multipliers() throws -> (rows: Int, columns: Int) {
        let numbers = by.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let rows = numbers[0], let columns = numbers[1], rows > 0, columns > 0,
            rows.multipliedReportingOverflow(by: columns).partialValue < 1 << 32, max(rows, columns) < 1 << 32
        else {
            throw StarlingError(
                .usage, "--by \(by) is not how much to multiply users and items by", remedy: "write --by 16x32")
        }
        return (rows, columns)
    }

    /// The factor whose blocks keep so many of the source's interactions in all.
    private func scaled(_ factor: KroneckerFactor, to wanted: Int?, _ entries: Int) throws -> KroneckerFactor {
        guard let wanted else { return factor }
        guard let scaled = factor.scaled(toKeep: Double(wanted) / Double(entries)) else {
            let most = factor.rates.count { $0 > 0 } * entries
            throw StarlingError(
                .usage, "--interactions \(Numerals.grouped(wanted)) are more than \(by) blocks of the data have",
                remedy: "ask for at most \(Numerals.grouped(most)), or expand by more")
        }
        return scaled
    }

    /// The line that makes the same.
    private var command: String {
        var words = ["starling", "data", "expand"] + reading.arguments + ["--by", by, "--output", output]
        if let interactions { words += ["--interactions", interactions] }
        words += ["--shuffle", shuffle, "--form", form, "--seed", "\(seed)", "--size-limit", "\(sizeLimit)"]
        return Shell.line(words + (ratings ? ["--ratings"] : []))
    }
}
