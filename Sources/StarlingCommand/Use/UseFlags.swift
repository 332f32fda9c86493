import ArgumentParser
import Neural
import Starling

/// Which trained run is used, and with how many threads.
struct UseFlags: ParsableArguments {
    @Argument(help: "The run directory that train has written.")
    var run: String

    @Option(
        help: ArgumentHelp(
            "Use this many threads; results do not depend on it. Default: every processor.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print JSON in place of tables.")
    var json = false

    /// The run's model, ready for use.
    func recommender() throws -> Recommender { try opened().recommender }

    /// The same, and the files it came from.
    func opened() throws -> (folder: ModelFolder, recommender: Recommender) {
        let workers = try makeWorkers(threads)
        let folder = try ModelFolder(RunDirectory(reading: run).modelPath, access: historyAccess(workers))
        return (folder, try openRecommender(folder, workers))
    }
}

/// How commands read histories that a model's folder refers to: with a bar.
func historyAccess(_ workers: Workers) -> HistoryAccess {
    var access = HistoryAccess()
    access.workers = workers
    access.openShards = { try Program.current.shards(at: $0, nil) }
    var bar: ProgressBar?
    access.progress = { done, total in
        bar = bar ?? ProgressBar("reading histories", unit: "interactions", total: total)
        bar?.update(done: done)
        if done == total {
            bar?.finish()
            bar = nil
        }
    }
    return access
}

/// A model of any kind, ready for use.
func openRecommender(_ folder: ModelFolder, _ workers: Workers) throws -> Recommender {
    let isa = try InstructionSet.current()
    return folder.manifest.kind == SSEPT.kind
        ? try SSEPT.recommender(folder, workers: workers, isa: isa)
        : try Recommender(folder, workers: workers, isa: isa)
}

/// Checks a count that was typed.
func requirePositive(_ value: Int, _ option: String) throws {
    guard value >= 1 else { throw StarlingError(.usage, "\(option) \(value) is out of range", remedy: "use 1 or more") }
}
