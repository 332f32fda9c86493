import Basics
import Formats
import Interactions

/// Titles and genres as tensors: `rows` U32, the item rows that have an entry, rising; `titles`, one a row; and
/// `genres`, those of a row joined by line feeds.
enum CatalogFile {
    static func tensors(_ catalog: ItemCatalog, _ items: Vocabulary<ItemRow>) -> [TensorSource] {
        let known = (0..<items.count).compactMap { row in
            catalog.entries[items[ItemRow(row)]].map { (row: UInt32(row), entry: $0) }
        }
        return [TensorSource(name: "rows", known.map(\.row))]
            + PackedStrings.tensors("titles", known.map(\.entry.title))
            + PackedStrings.tensors("genres", known.map { $0.entry.genres.joined(separator: "\n") })
    }

    /// - Throws: `failed` if the tensors do not fit each other or the vocabulary.
    static func catalog(_ file: SafeTensorsFile, _ items: Vocabulary<ItemRow>) throws -> ItemCatalog {
        let rows = try file.tensor("rows").uint32s()
        let titles = try PackedStrings.texts("titles", of: file)
        let genres = try PackedStrings.texts("genres", of: file)
        guard titles.count == rows.count, genres.count == rows.count, rows.allSatisfy({ $0 < items.count }) else {
            throw StarlingError(.failed, "titles and item rows do not fit", at: .init(file: file.path))
        }
        var entries: [String: ItemCatalog.Entry] = [:]
        for (index, row) in rows.enumerated() {
            let genres = genres[index].split(separator: "\n").map(String.init)
            entries[items[ItemRow(Int(row))]] = ItemCatalog.Entry(title: titles[index], genres: genres)
        }
        return ItemCatalog(entries: entries)
    }
}
