import Basics

/// Titles and genres of items, by raw id.
public struct ItemCatalog: Sendable {
    public struct Entry: Sendable, Equatable {
        public var title: String
        /// In the file's order; empty where it names none.
        public var genres: [String]

        public init(title: String, genres: [String]) {
            self.title = title
            self.genres = genres
        }
    }

    public var entries: [String: Entry]

    public init(entries: [String: Entry] = [:]) { self.entries = entries }

    public subscript(rawID: String) -> Entry? { entries[rawID] }

    /// Reads `movies.csv` (`movieId,title,genres`), `movies.dat` (`id::title::genre|genre`), `u.item` (`|` with 19
    /// genre flags) or a RecBole `.item` (typed header; a `release_year` is added to the title, as in “Heat (1995)”).
    /// Text that is not UTF-8 is taken as Latin-1.
    ///
    /// - Throws: `badData` for a form that is none of these, a line with other fields, or an id that stands twice.
    public static func read(_ path: String) throws -> ItemCatalog {
        let table = try CatalogTable(path, kind: .items)
        func refuse(_ what: String, _ line: Int) -> StarlingError {
            StarlingError(.badData, what, at: .init(file: path, line: line), remedy: "correct the line")
        }
        let places = try table.places()
        var entries: [String: Entry] = [:]
        for row in table.rows {
            let fields = row.fields
            let genres: [String]
            switch places.genres {
            case .none: genres = []
            case .flags(let range):
                guard fields[range].allSatisfy({ $0 == "0" || $0 == "1" }) else {
                    throw refuse("genre flags are 0 or 1", row.line)
                }
                genres = range.filter { fields[$0] == "1" }.map { Self.movieLens100K[$0 - range.lowerBound] }
            case .list(let column, let separator):
                genres = fields[column].split(separator: separator).map(String.init)
                    .filter { $0 != "(no genres listed)" }
            }
            var title = fields[places.title]
            // RecBole keeps the year apart; titles elsewhere end with it, which tells films of one name apart.
            if let year = places.year, !fields[year].isEmpty { title += " (\(fields[year]))" }
            let entry = Entry(title: title, genres: genres)
            guard entries.updateValue(entry, forKey: fields[places.id]) == nil else {
                throw refuse("item “\(fields[places.id])” stands here again", row.line)
            }
        }
        return ItemCatalog(entries: entries)
    }

    /// The flags of `u.item`, in its order.
    private static let movieLens100K = [
        "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
        "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    ]
}

private enum Genres {
    case none
    case flags(Range<Int>)
    case list(column: Int, separator: Character)
}

extension CatalogTable {
    fileprivate func places() throws -> (id: Int, title: Int, year: Int?, genres: Genres) {
        switch form {
        case .doubleColon: return (0, 1, nil, .list(column: 2, separator: "|"))
        case .pipes: return (0, 1, nil, .flags(5..<24))
        case .header(let names, let isTyped):
            let plain = names.map(HeaderNames.plain)
            let id = plain.firstIndex { HeaderNames.role($0) == .item }
            let title = plain.firstIndex { $0.hasSuffix("title") } ?? plain.firstIndex { $0 == "name" }
            guard let id, let title else {
                throw StarlingError(
                    .badData, "the header names no item and title: \(names.joined(separator: ", "))",
                    at: .init(file: path, line: 1), remedy: "name the columns item_id and title")
            }
            let genres = plain.firstIndex { ["genres", "genre", "class", "categories"].contains($0) }
            return (
                id, title, plain.firstIndex(of: "releaseyear"),
                genres.map { .list(column: $0, separator: isTyped ? " " : "|") } ?? .none
            )
        }
    }
}
