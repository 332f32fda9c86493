import Basics
public import Interactions

// Finding users and items by what people type, with suggestions when that fails.

extension Recommender {
    /// The row of a user that training saw.
    ///
    /// - Throws: `badData` naming near ids.
    public func trainedUser(_ rawID: String) throws -> UserRow {
        guard let reason = coldReason(rawID) else { return users.row(of: rawID)! }
        let fallback = "--cold-start popular recommends what is popular"
        let near = Nearest.find(rawID, count: 5, among: users.rawIDs).joined(separator: ", ")
        throw StarlingError(
            .badData, reason,
            remedy: users.row(of: rawID) == nil
                ? "near ids: \(near); \(fallback)" : "train without holding out all of their interactions; \(fallback)")
    }

    /// The row of an item by raw id or by title, whose case does not matter.
    ///
    /// - Throws: `badData` naming near titles or ids, or all items that share the title.
    public func itemRow(_ idOrTitle: String) throws -> ItemRow {
        if let row = items.row(of: idOrTitle) { return row }
        let wanted = idOrTitle.lowercased()
        let titled = (catalog?.entries ?? [:]).filter { items.row(of: $0.key) != nil }
        let matches = titled.filter { $0.value.title.lowercased() == wanted }.keys.sorted()
        if matches.count == 1, let row = items.row(of: matches[0]) { return row }
        if matches.count > 1 {
            throw StarlingError(
                .badData, "several items have the title “\(idOrTitle)”",
                remedy: "name one by its id: " + matches.joined(separator: ", "))
        }
        // A number is an id mistyped.
        let byID = titled.isEmpty || canonicalInteger(idOrTitle) != nil
        let near =
            byID
            ? Nearest.find(idOrTitle, count: 5, among: items.rawIDs)
            : Nearest.find(idOrTitle, count: 5, among: titled.values.map(\.title)).map { "“\($0)”" }
        throw StarlingError(
            .badData, "there is no item “\(idOrTitle)”",
            remedy: (byID ? "near ids: " : "near titles: ") + near.joined(separator: ", "))
    }
}
