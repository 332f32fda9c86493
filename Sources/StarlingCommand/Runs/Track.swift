import ArgumentParser
import Starling

struct TrackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "track",
        abstract: "Brings runs to a tracking server.",
        discussion: """
            Example:

              starling track sync runs/first
            """,
        subcommands: [TrackSyncCommand.self])
}

struct TrackSyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Tells an MLflow server what it does not know of a run yet.",
        discussion: """
            For runs whose server was away or that were killed, and for runs that were never tracked. What the server has \
            already stays as it is; told twice changes nothing. Examples:

              starling track sync runs/first
              starling track sync runs/old --mlflow-uri http://127.0.0.1:5000 --experiment library
            """)

    @Argument(help: ArgumentHelp("The run directory that train or tune has written.", valueName: "run"))
    var path: String

    @OptionGroup var tracking: TrackingFlags

    @Flag(help: "Print one JSON object in place of a line.")
    var json = false

    func run() throws {
        let isSearch = Files.exists(path + "/tune.json")
        let run: TrackedRun
        if isSearch {
            run = TrackedRun(search: path, try TrialFolder.asked(in: path))
        } else {
            run = TrackedRun(path, try RunDirectory(reading: path).record)
        }
        let lock = try RunLock(folder: path)
        let uri = try withExtendedLifetime(lock) {
            try Program.current.tracking.sync(tracking.target, run, TrackingFlags.warn)
        }
        FileHandles.standardOutput(
            json ? try JSON.text(["run": path, "uri": uri]) + "\n" : "\(path): \(uri) has all of it\n")
    }
}
