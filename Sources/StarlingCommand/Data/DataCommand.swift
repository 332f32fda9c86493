import ArgumentParser

/// `starling data`: work on interaction data before there is a model.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Describes, splits, partitions, generates, expands and converts interaction data.",
        discussion: """
            Example:

              starling data describe ratings.csv
            """,
        subcommands: [
            DataDescribeCommand.self, DataSplitCommand.self, DataPartitionCommand.self, DataGenerateCommand.self,
            DataExpandCommand.self, DataConvertCommand.self,
        ])
}
