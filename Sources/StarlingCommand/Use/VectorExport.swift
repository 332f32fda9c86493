import ArgumentParser
import Starling

/// Whose vectors are written.
enum VectorChoice: String, ExpressibleByArgument, CaseIterable {
    case users, items, both

    var hasUsers: Bool { self != .items }
    var hasItems: Bool { self != .users }
}

/// A factor model's vectors and ids on their way out.
struct VectorExport {
    let model: FactorModel
    let users: Vocabulary<UserRow>
    let items: Vocabulary<ItemRow>
    let folded: Bool
    let choice: VectorChoice

    /// Vectors of one kind, a row each, biases apart unless they are folded in.
    struct Side {
        /// `user` or `item`.
        let kind: String
        let count: Int
        let width: Int
        let hasIntegerIDs: Bool
        let id: @Sendable (Int) -> String
        let vector: @Sendable (Int) -> [Float]
        let bias: (@Sendable (Int) -> Float)?
    }

    /// Those that were asked for, users first.
    var sides: [Side] {
        func side<Row>(
            _ kind: String, _ ids: Vocabulary<Row>.IDs, _ biases: [Float]?,
            _ vector: @escaping @Sendable (Int) -> [Float]
        ) -> Side {
            let isInteger = if case .integers = ids { true } else { false }
            var bias: (@Sendable (Int) -> Float)?
            if !folded, let biases { bias = { biases[$0] } }
            return Side(
                kind: kind, count: ids.count, width: folded ? model.dimensions : model.factors,
                hasIntegerIDs: isInteger, id: { ids[$0] }, vector: vector, bias: bias)
        }
        var sides: [Side] = []
        let model = model
        let biases = folded ? model.biases : nil
        if choice.hasUsers {
            sides.append(
                side("user", users.ids, model.biases?.users) { row in
                    Array(model.userFactors.row(row)) + (biases.map { [$0.mean + $0.users[row], 1] } ?? [])
                })
        }
        if choice.hasItems {
            sides.append(
                side("item", items.ids, model.biases?.items) { row in
                    Array(model.itemFactors.row(row)) + (biases.map { [1, $0.items[row]] } ?? [])
                })
        }
        return sides
    }

    /// Vectors, biases apart unless they are folded in, and raw ids.
    var arrays: [NPYSource] {
        var arrays = tensors.map(NPYSource.init)
        if choice.hasUsers { arrays.append(Self.ids("users", users.ids.count, users.ids)) }
        if choice.hasItems { arrays.append(Self.ids("items", items.ids.count, items.ids)) }
        return arrays
    }

    func writeNPZ(to path: String) throws { try NPZ.write(arrays, to: path) }

    /// Integer ids as `users`, `items`; others as their UTF-8 bytes and offsets, since the format has no strings.
    func writeSafeTensors(to path: String) throws {
        try SafeTensors.write(
            tensors + (choice.hasUsers ? users.tensors("users") : [])
                + (choice.hasItems ? items.tensors("items") : []), to: path)
    }

    func writeCSV(to path: String) throws {
        try Files.writeAtomically(to: path) { file in
            let sides = sides
            try file.write("kind,id,bias," + (1...sides[0].width).map { "f\($0)" }.joined(separator: ",") + "\n")
            for side in sides {
                for row in 0..<side.count {
                    let bias = side.bias.map { "\($0(row))" } ?? ""
                    let values = side.vector(row).map { "\($0)" }.joined(separator: ",")
                    try file.write("\(side.kind),\(CSV.field(side.id(row))),\(bias),\(values)\n")
                }
            }
        }
    }

    /// An object a line: `{"kind": "item", "id": "260", "bias": 0.25, "vector": […]}`.
    func writeJSONLines(to path: String) throws {
        try Files.writeAtomically(to: path) { file in
            for side in sides {
                for row in 0..<side.count {
                    let bias = side.bias.map { "\"bias\":\($0(row))," } ?? ""
                    let values = side.vector(row).map { "\($0)" }.joined(separator: ",")
                    try file.write(
                        "{\"kind\":\"\(side.kind)\",\"id\":\(JSON.text(side.id(row))),\(bias)\"vector\":[\(values)]}\n")
                }
            }
        }
    }

    /// word2vec's text: the number of vectors and their length, then a line each, the id first.
    func writeWord2Vec(to path: String) throws {
        let side = try only(path)
        try Files.writeAtomically(to: path) { file in
            try file.write("\(side.count) \(side.width)\n")
            for row in 0..<side.count {
                let id = side.id(row)
                guard !id.contains(where: \.isWhitespace) else {
                    throw StarlingError(
                        .badData, "the id “\(id)” has a space in it, which word2vec's text cannot hold",
                        remedy: "export to .npz, .csv or .jsonl")
                }
                try file.write(id + side.vector(row).map { " \($0)" }.joined() + "\n")
            }
        }
    }

    /// `.fvecs`, as faiss reads it: for each vector its length as int32, then its floats; the ids of the rows beside it, a line
    /// each, in NAME.ids.txt.
    func writeFVecs(to path: String) throws {
        let side = try only(path)
        try Files.writeAtomically(to: path.dropLast(".fvecs".count) + ".ids.txt") { file in
            for row in 0..<side.count { try file.write(side.id(row) + "\n") }
        }
        try Files.writeAtomically(to: path) { file in
            for row in 0..<side.count {
                let vector = side.vector(row)
                try withUnsafeBytes(of: Int32(vector.count).littleEndian) { try file.write($0) }
                try vector.withUnsafeBytes { try file.write($0) }
            }
        }
    }

    /// The one kind that a format without kinds can hold.
    private func only(_ path: String) throws -> Side {
        guard choice != .both else {
            throw StarlingError(
                .usage, "\(Files.name(path)) holds vectors of one kind", remedy: "say which: --vectors items or users")
        }
        if !folded, model.biases != nil {
            FileHandles.standardError("notice: the format holds no biases; --folded puts them into the vectors\n")
        }
        return sides[0]
    }

    private var tensors: [TensorSource] {
        let all =
            folded
            ? sides.map { side in
                TensorSource(name: "\(side.kind)_factors", elementType: .float32, shape: [side.count, side.width]) {
                    sink in
                    for row in 0..<side.count { try side.vector(row).withUnsafeBytes(sink) }
                }
            } : model.tensors
        return all.filter { tensor in
            choice.hasUsers && !tensor.name.hasPrefix("item_") || choice.hasItems && !tensor.name.hasPrefix("user_")
        }
    }

    /// int64 if every id is a canonical integer, else `<U`.
    private static func ids<Row>(_ name: String, _ count: Int, _ ids: Vocabulary<Row>.IDs) -> NPYSource {
        switch ids {
        case .integers(let numbers): NPYSource(TensorSource(name: name, numbers))
        case .strings: NPYSource(name: name, strings: (0..<count).map { ids[$0] })
        }
    }
}
