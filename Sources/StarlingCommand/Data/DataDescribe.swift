import ArgumentParser
import Starling

struct DataDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows what interaction data holds: sizes, values, activity, popularity and times.",
        discussion: """
            Examples:

              starling data describe ratings.csv
              starling data describe --data log.tsv --columns user=1,item=3,time=4 --json
            """)

    @Argument(help: "The file, data set folder or glob to describe; the same as --data.")
    var source: String?

    @OptionGroup(title: "Data") var reading: ReadingFlags

    @Option(help: ArgumentHelp("Use this many threads. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    func run() throws {
        var reading = reading
        if let source {
            guard reading.data == nil || reading.data == source else {
                throw StarlingError(.usage, "two sources are named", remedy: "give one, with or without --data")
            }
            reading.data = source
        }
        let loaded = try reading.read(workers: makeWorkers(threads), cancellation: Signals.cancelOnInterrupt())
        let statistics = LogStatistics(loaded.log)
        FileHandles.standardOutput(
            json
                ? try JSON.text(Answer(source: reading.source(), ingestion: loaded.report, statistics: statistics))
                    + "\n"
                : StatisticsTable(statistics).text)
    }

    /// The keys of the statistics, `source`, and `ingestion`: what was read, kept and refused.
    private struct Answer: Encodable {
        let source: String
        let ingestion: IngestionReport
        let statistics: LogStatistics

        func encode(to encoder: any Encoder) throws {
            try statistics.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(source, forKey: .source)
            try container.encode(ingestion, forKey: .ingestion)
        }

        private enum Key: String, CodingKey { case source, ingestion }
    }
}
