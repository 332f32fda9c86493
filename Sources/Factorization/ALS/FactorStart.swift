import Basics
import Formats
public import Interactions
import Training

/// Factors to start from: those of rows that are known; others start at random.
public struct FactorStart: Sendable {
    /// `[factors]` each.
    public let users: [UserRow: [Float]], items: [ItemRow: [Float]]

    public init(users: [UserRow: [Float]], items: [ItemRow: [Float]]) {
        self.users = users
        self.items = items
    }

    /// Reads the arrays `user_factors` and `users`, `item_factors` and `items` (one pair of them is enough) of a `.npz` or
    /// `.safetensors` file, such as `export` writes. Rows are matched by raw id; those that the vocabularies lack are left
    /// out.
    ///
    /// - Throws: `badData`, naming the file and the array, for arrays that are missing, have other shapes than
    ///   `[ids × factors]`, or hold numbers that are not finite; and for a file that knows none of the ids.
    public init(
        reading path: String, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>, factors: Int
    ) throws {
        let file = path.hasSuffix(".safetensors") ? try Source(SafeTensorsFile(path)) : try Source(NPZFile(path))
        guard file.contains("user_factors") || file.contains("item_factors") else {
            throw StarlingError(
                .badData, "there is neither user_factors nor item_factors", at: .init(file: path),
                remedy: "write the arrays user_factors, item_factors, users and items, as export does")
        }
        self.users = try Self.rows("user", "users", of: file, path, factors) { users.row(of: $0) }
        self.items = try Self.rows("item", "items", of: file, path, factors) { items.row(of: $0) }
        guard !self.users.isEmpty || !self.items.isEmpty else {
            throw StarlingError(
                .badData, "none of its ids is one of the data's", at: .init(file: path),
                remedy: "name the rows by the raw ids of the interactions, in arrays users and items")
        }
    }

    private static func rows<Row: Hashable>(
        _ kind: String, _ idName: String, of file: Source, _ path: String, _ factors: Int, row: (String) -> Row?
    ) throws -> [Row: [Float]] {
        let name = kind + "_factors"
        guard file.contains(name) else { return [:] }
        let (values, shape) = try file.floats(name)
        let ids = try file.ids(idName)
        guard shape == [ids.count, factors] else {
            throw StarlingError(
                .badData, "\(name) is \(shape), and \(ids.count) \(idName) of \(factors) factors were expected",
                at: .init(file: path), remedy: "give --factors as the array has, and one id a row")
        }
        var rows: [Row: [Float]] = [:]
        for (place, id) in ids.enumerated() {
            let vector = Array(values[place * factors..<(place + 1) * factors])
            guard vector.allSatisfy(\.isFinite) else {
                throw StarlingError(
                    .badData, "row \(place) of \(name) (\(kind) \(id)) has a number that is not finite",
                    at: .init(file: path))
            }
            if let row = row(id) { rows[row] = vector }
        }
        return rows
    }

    /// A file of arrays in either format.
    private struct Source {
        let contains: (String) -> Bool
        let floats: (String) throws -> (values: [Float], shape: [Int])
        let ids: (String) throws -> [String]

        init(_ file: NPZFile) {
            contains = file.contains
            floats = {
                let array = try file.array($0)
                return (try array.doubles().map(Float.init), array.shape)
            }
            ids = {
                let array = try file.array($0)
                if case .number = array.element { return try array.int64s().map { "\($0)" } }
                return try array.strings()
            }
        }

        init(_ file: SafeTensorsFile) {
            contains = file.contains
            floats = {
                let tensor = try file.tensor($0)
                return (try tensor.expect(.float32, shape: tensor.shape).floats(), tensor.shape)
            }
            ids = { try Vocabulary<UserRow>.rawIDs($0, of: file) }
        }
    }
}
