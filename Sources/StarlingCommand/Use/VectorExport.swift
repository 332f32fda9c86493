import Starling

/// A factor model's vectors and ids on their way out.
struct VectorExport {
    let model: FactorModel
    let users: Vocabulary<UserRow>
    let items: Vocabulary<ItemRow>
    let folded: Bool

    func writeNPZ(to path: String) throws {
        try NPZ.write(
            tensors.map(NPYSource.init) + [
                Self.ids("users", users.ids.count, users.ids), Self.ids("items", items.ids.count, items.ids),
            ], to: path)
    }

    /// Integer ids as `users`, `items`; others as their UTF-8 bytes and offsets, since the format has no strings.
    func writeSafeTensors(to path: String) throws {
        try SafeTensors.write(tensors + users.tensors("users") + items.tensors("items"), to: path)
    }

    func writeCSV(to path: String) throws {
        try Files.writeAtomically(to: path) { file in
            let width = folded ? model.dimensions : model.factors
            try file.write("kind,id,bias," + (1...width).map { "f\($0)" }.joined(separator: ",") + "\n")
            func rows(_ kind: String, _ table: borrowing FactorTable, _ biases: [Float]?, _ id: (Int) -> String) throws
            {
                for row in 0..<table.rows {
                    let bias = folded ? "" : biases.map { "\($0[row])" } ?? ""
                    let values = table.row(row).map { "\($0)" }.joined(separator: ",")
                    try file.write("\(kind),\(CSV.field(id(row))),\(bias),\(values)\n")
                }
            }
            if folded {
                try rows("user", model.foldedUsers(), nil) { users.ids[$0] }
                try rows("item", model.foldedItems(), nil) { items.ids[$0] }
            } else {
                try rows("user", model.userFactors, model.biases?.users) { users.ids[$0] }
                try rows("item", model.itemFactors, model.biases?.items) { items.ids[$0] }
            }
        }
    }

    private var tensors: [TensorSource] {
        guard !folded else {
            return [
                Self.tensor("user_factors", rows: users.count, width: model.dimensions) { [model] in model.foldedUsers()
                },
                Self.tensor("item_factors", rows: items.count, width: model.dimensions) { [model] in model.foldedItems()
                },
            ]
        }
        return model.tensors
    }

    private static func tensor(
        _ name: String, rows: Int, width: Int, _ make: @escaping () -> FactorTable
    ) -> TensorSource {
        TensorSource(name: name, elementType: .float32, shape: [rows, width]) { sink in
            let table = make()
            for row in 0..<rows { try sink(UnsafeRawBufferPointer(table.row(row))) }
        }
    }

    /// int64 if every id is a canonical integer, else `<U`.
    private static func ids<Row>(_ name: String, _ count: Int, _ ids: Vocabulary<Row>.IDs) -> NPYSource {
        switch ids {
        case .integers(let numbers): NPYSource(TensorSource(name: name, numbers))
        case .strings: NPYSource(name: name, strings: (0..<count).map { ids[$0] })
        }
    }

    /// `users [n]`, `items [n × count]` and `scores [n × count]` of ranked lists; where a list is shorter, items are
    /// -1 (or empty) and scores NaN. `items` holds rows of the vocabulary, `UInt32.max` for none.
    static func writeLists(
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
