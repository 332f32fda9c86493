import ArgumentParser
import Reports
import Starling

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes one HTML file that shows what a run is worth, alone or beside other runs.",
        discussion: """
            Verdict, curves, data, quality by activity and popularity, coverage, a map of items, sample recommendations, and how \
            to train it again; the page asks nothing of the network. The first run is the main one. Figures are those of \
            `starling evaluate` on each run's own held-out part. Examples:

              starling report runs/first
              starling report runs/first runs/second --output comparison.html --title "Which one for the shop?"
            """)

    @Argument(help: ArgumentHelp("The run directories that train has written, the main one first.", valueName: "run"))
    var runs: [String]

    @Option(
        help: ArgumentHelp("Write the page to this file. Default: report.html in the first run.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Measure lists of this length.", valueName: "n"))
    var k: Int = 10

    @Option(help: ArgumentHelp("Set this title over the page. Default: the runs' names.", valueName: "text"))
    var title: String?

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of a table.")
    var json = false

    func run() throws {
        let clock = Stopwatch()
        try requirePositive(k, "--k")
        let paths = runs.map(Self.trimmed)
        let names = try Report.Run.names(of: paths)
        let directories = try paths.map { try RunDirectory(reading: $0) }
        let output = output ?? paths[0] + "/report.html"
        guard Files.kind(output) != .directory, Files.kind(Files.parent(output)) == .directory else {
            throw StarlingError(
                .usage, "no file can be written here", at: .init(file: output),
                remedy: "name a file in a folder that is there, as in --output report.html")
        }
        if let run = paths.first(where: { Files.isWithin(output, $0) }), !output.hasSuffix(".html") {
            throw StarlingError(
                .usage, "the file lies in the run \(run), whose files must stay as they are", at: .init(file: output),
                remedy: "name one that ends in .html, or another folder")
        }
        let workers = try makeWorkers(threads)
        let cancellation = Signals.cancelOnInterrupt()
        let builder = ReportBuilder(title: title, runs: runs.count, k: k)
        for (directory, name) in zip(directories, names) {
            try add(directory, name, to: builder, workers, cancellation)
        }
        for notice in builder.notices { FileHandles.standardError("notice: \(DisplayWidth.printable(notice))\n") }
        let page = try ReportPage.bytes(builder.report)
        try Files.write(page, to: output)
        let summary = ReportSummary(
            report: output, runs: builder.report.runs.map(ReportSummary.Run.init), bytes: page.count,
            seconds: clock.seconds, notices: builder.notices)
        for path in paths where output == path + "/report.html" && Files.exists(path + "/tracking/sent.json") {
            FileHandles.standardError("notice: `starling track sync \(path)` brings the report to its MLflow server\n")
        }
        FileHandles.standardOutput(try json ? JSON.text(summary) + "\n" : summary.text(k))
    }

    private func add(
        _ directory: RunDirectory, _ name: String, to builder: ReportBuilder, _ workers: Workers,
        _ cancellation: Cancellation
    ) throws {
        let run = try Report.Run(directory, name: name, command: Configuration.command(ofRun: directory))
        guard Files.exists(directory.modelPath) else {
            return builder.add(run, without: "it has no model yet")
        }
        let folder = try ModelFolder(directory.modelPath, access: historyAccess(workers))
        let recommender: Recommender
        do {
            recommender = try openRecommender(folder, workers)
        } catch let error as StarlingError where error.code == .unavailable {
            return builder.add(run, without: "its model cannot be used here (\(error.what))")
        }
        try ProgressBar.during("ranking for \(name)", unit: "users") { report in
            try builder.add(run, folder, recommender, cancellation: cancellation, progress: report)
        }
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
