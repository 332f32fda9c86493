import ArgumentParser
import Starling

/// Files that say what items and users are.
struct CatalogFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read titles and genres from movies.csv, movies.dat, u.item or a .item file.", valueName: "file"))
    var items: String?

    @Option(help: ArgumentHelp("Read user attributes from users.dat, u.user or a .user file.", valueName: "file"))
    var users: String?
}
