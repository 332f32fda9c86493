import ArgumentParser
import Starling

/// Flags that only the Vertex AI trainer has. Those it shares with us stand with their own kind.
struct VertexFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Read ratings from this file, as --data does.", valueName: "file"))
    var ratingsCsv: String?

    @Flag(help: "Train on a GPU if there is one, as --device auto does.")
    var useCuda = false

    @Option(help: ArgumentHelp("Not yet available: the address of a Supabase project.", valueName: "url"))
    var supabaseUrl: String?

    @Option(help: ArgumentHelp("Not yet available: its key.", valueName: "key"))
    var supabaseKey: String?

    @Option(help: ArgumentHelp("Not yet available: the table to read ratings from.", valueName: "table"))
    var importTable: String?

    @Option(help: ArgumentHelp("Not yet available: the table to write item vectors to.", valueName: "table"))
    var movieExportTable: String?

    @Option(help: ArgumentHelp("Not yet available: the table to write user vectors to.", valueName: "table"))
    var userExportTable: String?

    /// Refuses what is not there yet, without repeating any value: one of them is a secret.
    func check() throws {
        let given = [
            ("--supabase-url", supabaseUrl), ("--supabase-key", supabaseKey), ("--import-table", importTable),
            ("--movie-export-table", movieExportTable), ("--user-export-table", userExportTable),
        ].filter { $0.1 != nil }.map(\.0)
        guard given.isEmpty else {
            throw StarlingError(
                .usage, "\(given.joined(separator: ", ")): Supabase is not yet available",
                remedy: "read ratings from a file with --data, and write vectors with starling export")
        }
    }
}
