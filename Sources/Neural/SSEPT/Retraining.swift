import Basics
import Formats
package import Interactions
import Torch
import Training

/// Weights of a run, or of a checkpoint that PyTorch saved, to begin with: encoder weights by name, vectors of users and items by
/// their ids. What cannot be matched is left as it was, and told.
public struct Retraining {
    /// What became of a tensor.
    public struct Fate: Sendable, Equatable {
        public enum Outcome: String, Sendable {
            case loaded, skipped
            /// The model has it, and the file does not.
            case missing
            /// The file has it, and the model does not.
            case unexpected
        }

        /// The file's name of it; of one that is missing the model's.
        public let name: String
        public let shape: [Int]
        public let outcome: Outcome
        /// Which of the model's it became, or why it did not.
        public let detail: String
    }

    /// The options that the file says, in which a model takes all of it.
    public let shape: SSEPTOptions.Shape

    /// A tensor under the model's name for it.
    struct Part {
        /// In the file.
        let source: String
        /// Of this part of it.
        let shape: [Int]
        let view: TensorView
        /// Of the file's; nil is all.
        var rows: Range<Int>?

        func values() throws -> [Float] {
            guard let rows else { return try view.floats() }
            let width = shape.dropFirst().reduce(1, *)
            return Array(try view.floats()[rows.lowerBound * width..<rows.upperBound * width])
        }
    }

    let path: String
    /// By the model's names.
    let parts: [String: Part]
    /// Of the file's tensors, those that no part is made of.
    let unexpected: [(name: String, shape: [Int])]
    /// The row of a raw id in tables `items` and `users`; nil where the file has none.
    let rows: (_ table: String, _ id: String) -> Int?

    /// - Parameter path: a run directory, or a `.pth` of a SASRec model or of PyTorch's `TransformerEncoder`.
    /// - Throws: `badData` for a file that is no state dict, or none of a model that is known; `failed` for a damaged run.
    public init(_ path: String) throws {
        self = Files.kind(path) == .directory ? try Self.run(path) : try Self.checkpoint(PTHFile(path))
    }

    init(
        path: String, shape: SSEPTOptions.Shape, parts: [String: Part], unexpected: [(name: String, shape: [Int])],
        rows: @escaping (_ table: String, _ id: String) -> Int?
    ) {
        (self.path, self.shape, self.parts, self.unexpected, self.rows) = (path, shape, parts, unexpected, rows)
    }

    private static func checkpoint(_ file: PTHFile) throws -> Retraining {
        if let found = try SASRecCheckpoint.read(file) ?? EncoderCheckpoint.read(file) { return found }
        throw StarlingError(
            .badData,
            "it holds no model that is known: among its tensors are " + file.names.prefix(5).joined(separator: ", "),
            at: .init(file: file.path),
            remedy: "name the state dict of a SASRec model or of a TransformerEncoder, or a run of train sse-pt")
    }

    private static func run(_ path: String) throws -> Retraining {
        let folder = try ModelFolder(RunDirectory(reading: path).modelPath)
        guard folder.manifest.kind == SSEPT.kind else {
            throw StarlingError(
                .badData, "the run is of a model “\(folder.manifest.kind)”", at: .init(file: path),
                remedy: "name a run of train sse-pt")
        }
        let (users, items) = (try folder.users, try folder.items)
        let parts = try folder.weights.names.map { name -> (String, Part) in
            let view = try folder.weights.tensor(name)
            return (name, Part(source: name, shape: view.shape, view: view))
        }
        return Retraining(
            path: path,
            shape: try SSEPT.shape(of: folder), parts: Dictionary(uniqueKeysWithValues: parts), unexpected: []
        ) { table, id in
            table == "users" ? users.row(of: id)?.index : items.row(of: id)?.index
        }
    }

    /// Tensors whose rows are users or items.
    private static let tables = [
        "users.weight": "users", "items.weight": "items", "output.weight": "items", "output.bias": "items",
    ]

    /// Takes over what fits.
    ///
    /// - Returns: the fate of each tensor: the model's in their order, and then what the file has besides.
    package func load(
        into network: any SequenceModel, users: Vocabulary<UserRow>, items: Vocabulary<ItemRow>
    ) throws -> [Fate] {
        var fates: [Fate] = []
        for (name, parameter) in network.parameters {
            let cut = network.cutTable((name, parameter))
            let wanted = cut.map { [$0.table.rows, $0.table.width] } ?? parameter.shape
            guard let part = parts[name] else {
                fates.append(Fate(name: name, shape: wanted, outcome: .missing, detail: "stays as it was"))
                continue
            }
            func tell(_ outcome: Fate.Outcome, _ detail: String) {
                fates.append(Fate(name: part.source, shape: part.view.shape, outcome: outcome, detail: detail))
            }
            if let table = Self.tables[name] {
                guard part.shape.dropFirst() == wanted.dropFirst() else {
                    tell(.skipped, "vectors of \(part.shape.last ?? 0), the model's are of \(wanted[1])")
                    continue
                }
                let ids = table == "items" ? items.rawIDs : users.rawIDs
                let shard = cut?.cut.shards.first { $0.own != nil }?.cut
                let found = try takeRows(
                    of: part, table, ids, (shard?.rows ?? 0..<parameter.shape[0], shard?.columns), into: parameter)
                tell(
                    found == 0 ? .skipped : .loaded,
                    "\(Numerals.grouped(found)) of \(Numerals.grouped(ids.count)) \(table) by their ids")
            } else if name == "positions.weight", part.shape.count == 2, part.shape[1] == wanted[1],
                part.shape[0] != wanted[0]
            {
                // The newest place has the last row.
                let count = min(part.shape[0], wanted[0])
                let rows = Array(try part.values().suffix(count * wanted[1]))
                _ = try withoutGradients {
                    try parameter.narrowed(axis: 0, from: wanted[0] - count, count: count)
                        .copyInPlace(from: Tensor(rows, [count, wanted[1]]))
                }
                tell(.loaded, "the last \(count) of \(part.shape[0]) rows")
            } else if part.shape == wanted {
                _ = try withoutGradients { try parameter.copyInPlace(from: Tensor(part.values(), wanted)) }
                tell(.loaded, name == part.source ? "" : name)
            } else {
                tell(.skipped, "the model's \(name) is \(wanted)")
            }
        }
        return Self.joined(fates)
            + unexpected.map { Fate(name: $0.name, shape: $0.shape, outcome: .unexpected, detail: "not used") }
    }

    /// Parts of one tensor with one fate are one row.
    private static func joined(_ fates: [Fate]) -> [Fate] {
        fates.reduce(into: []) { rows, fate in
            if fate.outcome != .missing,
                let row = rows.firstIndex(where: { $0.name == fate.name && $0.outcome == fate.outcome })
            {
                rows[row] = Fate(
                    name: fate.name, shape: fate.shape, outcome: fate.outcome,
                    detail: rows[row].detail + ", " + fate.detail)
            } else {
                rows.append(fate)
            }
        }
    }

    /// - Parameter shard: the rows and columns of the model's table that `parameter` is; nil is all columns.
    /// - Returns: how many of the table's rows the file has.
    private func takeRows(
        of part: Part, _ table: String, _ ids: [String], _ shard: (rows: Range<Int>, columns: Range<Int>?),
        into parameter: Tensor
    ) throws -> Int {
        let (count, width) = (part.shape[0], part.shape.dropFirst().reduce(1, *))
        let columns = shard.columns ?? 0..<width
        var (values, found) = (try parameter.array(of: Float.self), 0)
        try part.view.expect(.float32, shape: part.view.shape).withUnsafeBytes { source in
            values.withUnsafeMutableBytes { values in
                for (row, id) in ids.enumerated() {
                    guard let place = rows(table, id), place < count else { continue }
                    found += 1
                    guard shard.rows.contains(row) else { continue }
                    let first = 4 * (place * width + columns.lowerBound)
                    UnsafeMutableRawBufferPointer(
                        rebasing: values[(4 * (row - shard.rows.lowerBound) * columns.count)...]
                    )
                    .copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[first..<first + 4 * columns.count]))
                }
            }
        }
        _ = try withoutGradients { try parameter.copyInPlace(from: Tensor(values, parameter.shape)) }
        return found
    }
}
