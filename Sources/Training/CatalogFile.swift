import Basics
import Formats
import Interactions

/// Attributes of users as tensors: `rows` U32, the user rows that have an entry, rising; `attributes`, their names; and
/// `values`, those of a row one after the other.
enum UserCatalogFile {
    static func tensors(_ catalog: UserCatalog, _ users: Vocabulary<UserRow>) -> [TensorSource] {
        let known = (0..<users.count).compactMap { row in
            catalog[users[UserRow(row)]].map { (row: UInt32(row), values: $0) }
        }
        return [TensorSource(name: "rows", known.map(\.row))]
            + PackedStrings.tensors("attributes", catalog.attributes)
            + PackedStrings.tensors("values", known.flatMap(\.values))
    }

    /// - Throws: `failed` if the tensors do not fit each other or the vocabulary.
    static func catalog(_ file: SafeTensorsFile, _ users: Vocabulary<UserRow>) throws -> UserCatalog {
        let rows = try file.tensor("rows").uint32s()
        let attributes = try PackedStrings.texts("attributes", of: file)
        let values = try PackedStrings.texts("values", of: file)
        guard values.count == rows.count * attributes.count, rows.allSatisfy({ $0 < users.count }) else {
            throw StarlingError(.failed, "attributes and user rows do not fit", at: .init(file: file.path))
        }
        let count = attributes.count
        return UserCatalog(
            attributes: attributes,
            values: Dictionary(
                rows.enumerated().map { index, row in
                    (users[UserRow(Int(row))], Array(values[index * count..<(index + 1) * count]))
                }
            ) { first, _ in first })
    }
}

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
