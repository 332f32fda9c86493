import ArgumentParser
import Starling

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
            TrainCommand.self, LaunchCommand.self, PlanCommand.self, TuneCommand.self, UpdateCommand.self,
            EvaluateCommand.self,
            RecommendCommand.self,
            SimilarCommand.self,
            ExportCommand.self,
            DescribeCommand.self, RunsCommand.self, CompareCommand.self, ReportCommand.self, TrackCommand.self,
            DataCommand.self,
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
            TrainSSEPTCommand.self,
        ])
}
