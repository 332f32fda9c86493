import Starling

/// Ranked lists of many users as NumPy arrays.
enum ListArrays {
    /// `users [n]`, `items [n × count]` and `scores [n × count]` of ranked lists; where a list is shorter, items are
    /// -1 (or empty) and scores NaN. `items` holds rows of the vocabulary, `UInt32.max` for none.
    static func write(
        users: [UserRow], of known: Vocabulary<UserRow>, items: [UInt32], scores: [Float], count: Int,
        vocabulary: Vocabulary<ItemRow>, to path: String
    ) throws {
        let shape = [users.count, count]
        let itemArray: NPYSource
        switch vocabulary.ids {
        case .integers(let numbers):
            let ids = items.map { $0 == .max ? -1 : numbers[Int($0)] }
            itemArray = NPYSource(TensorSource(name: "items", ids, shape: shape))
        case .strings:
            itemArray = NPYSource(
                name: "items", strings: items.map { $0 == .max ? "" : vocabulary.ids[Int($0)] }, shape: shape)
        }
        let userArray =
            switch known.ids {
            case .integers(let numbers): NPYSource(TensorSource(name: "users", users.map { numbers[$0.index] }))
            case .strings: NPYSource(name: "users", strings: users.map { known[$0] })
            }
        try NPZ.write([userArray, itemArray, NPYSource(TensorSource(name: "scores", scores, shape: shape))], to: path)
    }
}
