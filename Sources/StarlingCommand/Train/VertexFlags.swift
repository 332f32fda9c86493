import ArgumentParser
import Starling

/// Flags that only the Vertex AI trainer has. Those it shares with us stand with their own kind.
struct VertexFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Read ratings from this file, as --data does.", valueName: "file"))
    var ratingsCsv: String?

    @Flag(help: "Train on a GPU if there is one, as --device auto does.")
    var useCuda = false

    @Option(
        help: ArgumentHelp(
            "Read ratings from this table of the Supabase project, as --data supabase:TABLE does.", valueName: "table"))
    var importTable: String?

    @Option(
        help: ArgumentHelp(
            "Write movies' vectors to this table of the Supabase project. Default with that trainer's spelling and --supabase-url: movie_embeddings.",
            valueName: "table"))
    var movieExportTable: String?

    @Option(
        help: ArgumentHelp(
            "Write users' vectors to this table of the Supabase project. Default with that trainer's spelling and --supabase-url: user_embeddings.",
            valueName: "table"))
    var userExportTable: String?

    /// Where ratings come from: the table that is named, else the file.
    ///
    /// - Parameter isPreset: whether the command line is that trainer's, which has a default file.
    func source(_ reading: ReadingFlags, isPreset: Bool) throws -> String? {
        let own = reading.data
        if let importTable {
            let table = "supabase:\(importTable)"
            if let ignored = ratingsCsv ?? reading.shownSource, ignored != table {
                FileHandles.standardError(
                    "notice: ratings come from the table \(importTable); \(ignored) is not read\n")
            }
            return table
        }
        guard let ratingsCsv else {
            return try own ?? VertexJob.current.get().data ?? (isPreset ? "data/ratings.csv" : nil)
        }
        guard own == nil || own == ratingsCsv else {
            throw StarlingError(.usage, "--data and --ratings-csv name different files", remedy: "give one of them")
        }
        return ratingsCsv
    }

    /// Where vectors go after training: the Supabase project, where one is named; with that trainer's command line and none, a file
    /// of SQLite in the run; else nowhere.
    func target(_ supabase: SupabaseFlags, isPreset: Bool, run: String) throws -> (any Store)? {
        let wantsSupabase = movieExportTable != nil || userExportTable != nil || isPreset && supabase.supabaseUrl != nil
        guard wantsSupabase || isPreset else { return nil }
        return try Program.current.openStore(
            wantsSupabase ? "supabase:" : "sqlite:\(run)/embeddings.sqlite", supabase.key)
    }

    var tables: ExportTables {
        var tables = ExportTables()
        tables.users.table = userExportTable ?? tables.users.table
        tables.items.table = movieExportTable ?? tables.items.table
        return tables
    }

    /// These options as `run.json` keeps them.
    var configuration: [String: JSONValue] {
        [
            "movie-export-table": movieExportTable.map { .string($0) } ?? .null,
            "user-export-table": userExportTable.map { .string($0) } ?? .null,
        ]
    }
}
