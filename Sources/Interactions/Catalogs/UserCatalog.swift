import Basics

/// Attributes of users, by raw id.
public struct UserCatalog: Sendable {
    /// Names of the attributes, in the file's order.
    public var attributes: [String]
    /// The values of each user, `[attributes]`; empty text where the file has none.
    public var values: [String: [String]]

    public init(attributes: [String] = [], values: [String: [String]] = [:]) {
        self.attributes = attributes
        self.values = values
    }

    /// The values of a user, in the order of ``attributes``.
    public subscript(rawID: String) -> [String]? { values[rawID] }

    /// The value of one attribute of a user.
    public subscript(rawID: String, attribute: String) -> String? {
        guard let index = attributes.firstIndex(of: attribute) else { return nil }
        return values[rawID]?[index]
    }

    /// Reads `users.dat` (`id::gender::age::occupation::zip_code`), `u.user` (`id|age|gender|occupation|zip_code`), or a
    /// file with a header, as RecBole's `.user`. Text that is not UTF-8 is taken as Latin-1.
    ///
    /// - Throws: `badData` for a form that is none of these, a line with other fields, or an id that stands twice.
    public static func read(_ path: String) throws -> UserCatalog {
        let table = try CatalogTable(path, kind: .users)
        let names: [String]
        var id = 0
        switch table.form {
        case .doubleColon: names = ["user", "gender", "age", "occupation", "zip_code"]
        case .pipes: names = ["user", "age", "gender", "occupation", "zip_code"]
        case .header(let header, _):
            names = header.map { HeaderNames.untyped($0).map(String.init) ?? $0 }
            guard let column = names.firstIndex(where: { HeaderNames.role($0) == .user }) else {
                throw StarlingError(
                    .badData, "the header names no user: \(header.joined(separator: ", "))",
                    at: .init(file: path, line: 1), remedy: "name the column user_id")
            }
            id = column
        }
        var catalog = UserCatalog(attributes: names)
        catalog.attributes.remove(at: id)
        for row in table.rows {
            var values = row.fields
            let user = values.remove(at: id)
            guard catalog.values.updateValue(values, forKey: user) == nil else {
                throw StarlingError(
                    .badData, "user “\(user)” stands here again", at: .init(file: path, line: row.line),
                    remedy: "correct the line")
            }
        }
        return catalog
    }
}
