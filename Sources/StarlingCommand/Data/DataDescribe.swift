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
        let workers = try makeWorkers(threads)
        let clock = Stopwatch()
        let loaded = try reading.read(workers: workers, cancellation: Signals.cancelOnInterrupt())
        let (seconds, peak) = (clock.seconds, Host.peakMemory())
        let statistics = LogStatistics(
            loaded.log, repeatedPairs: reading.duplicates == nil ? nil : 0, workers: workers)
        guard json else { return FileHandles.standardOutput(StatisticsTable(statistics).text) }
        let answer = Answer(
            source: reading.shownSource ?? "", ingestion: loaded.report, readSeconds: seconds, peakMemoryBytes: peak,
            statistics: statistics)
        FileHandles.standardOutput(try JSON.text(answer) + "\n")
    }

    /// The keys of the statistics, `source`, `ingestion`: what was read, kept and refused, and what it took to read it
    /// into an indexed log.
    private struct Answer: Encodable {
        let source: String
        let ingestion: IngestionReport
        /// From opening the source to the log, ids indexed; statistics are not counted.
        let readSeconds: Double
        /// `VmHWM` when the log stood.
        let peakMemoryBytes: Int
        let statistics: LogStatistics

        func encode(to encoder: any Encoder) throws {
            try statistics.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(source, forKey: .source)
            try container.encode(ingestion, forKey: .ingestion)
            try container.encode(readSeconds, forKey: .readSeconds)
            try container.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
        }

        private enum Key: String, CodingKey {
            case source, ingestion
            case readSeconds = "read_seconds"
            case peakMemoryBytes = "peak_memory_bytes"
        }
    }
}
