import ArgumentParser
import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The command `starling`: parses, wires the rooms together, prints.
@main struct Main {
    static func main() {
        // A reader that goes away (`starling … | head`) ends the command quietly.
        signal(SIGPIPE, SIG_DFL)
        FileHandles.guardStandardStreams()
        do {
            let arguments = try Spelling.expand(Array(CommandLine.arguments.dropFirst()))
            var command = try StarlingCommand.parseAsRoot(arguments)
            try command.run()
        } catch let error as StarlingError {
            FileHandles.standardError("error: \(DisplayWidth.printable("\(error)"))\n")
            exit(error.code.exitStatus)
        } catch {
            if let file = Spelling.configurationFile(in: CommandLine.arguments),
                StarlingCommand.exitCode(for: error) != .success
            {
                FileHandles.standardError("Options were also read from \(file).\n")
            }
            StarlingCommand.exit(withError: error)
        }
    }
}

struct StarlingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starling",
        abstract: "Trains recommender models from interaction logs and carries them to recommendations.",
        discussion: """
            Start with a file of ratings (MovieLens, CSV, RecBole and others are recognised by content):

              starling train mf --data ratings.csv --output runs/first
              starling recommend runs/first --user 42 --count 10
            """,
        version: Release.version,
        subcommands: [
            TrainCommand.self, TuneCommand.self, UpdateCommand.self, EvaluateCommand.self, RecommendCommand.self,
            SimilarCommand.self,
            ExportCommand.self,
            DescribeCommand.self, RunsCommand.self, DataCommand.self,
        ])
}

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a model and writes it, with checkpoints and metrics, to a run directory.",
        discussion: """
            Example:

              starling train mf --data ratings.csv --output runs/first --val-size 0.1
            """,
        subcommands: [
            TrainMFCommand.self, TrainALSCommand.self, TrainBPMFCommand.self, TrainTwoTowerCommand.self,
        ])
}
