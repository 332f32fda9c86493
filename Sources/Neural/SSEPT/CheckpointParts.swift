import Basics
import Formats

/// Tensors of a PyTorch state dict as they are taken for a model's.
struct CheckpointParts {
    let file: PTHFile
    private(set) var parts: [String: Retraining.Part] = [:]
    private var used: Set<String> = []

    init(_ file: PTHFile) { self.file = file }

    /// Takes a tensor, or rows of it, if it is there.
    mutating func add(_ name: String, of source: String, rows: Range<Int>? = nil) throws {
        guard file.contains(source) else { return }
        used.insert(source)
        let view = try file.tensor(source)
        guard view.elementType == .float32 else {
            throw damaged("its \(source) is of \(view.elementType.rawValue), not F32")
        }
        // Convolutions of one place are matrices.
        var shape = view.shape.count == 3 && view.shape[2] == 1 ? Array(view.shape.dropLast()) : view.shape
        guard let rows else {
            parts[name] = .init(source: source, shape: shape, view: view)
            return
        }
        guard let count = shape.first, rows.upperBound <= count else {
            throw damaged("its \(source) has \(shape.first ?? 0) rows, not \(rows.upperBound)")
        }
        shape[0] = rows.count
        parts[name] = .init(source: source, shape: shape, view: view, rows: rows)
    }

    /// Takes a module's weight and bias.
    mutating func add(module name: String, of source: String) throws {
        for kind in ["weight", "bias"] { try add("\(name).\(kind)", of: "\(source).\(kind)") }
    }

    /// Takes queries', keys' and values' projections, which PyTorch keeps in one tensor, or the weights in three where keys or
    /// values have another width.
    mutating func add(projections name: String, of source: String, width: Int) throws {
        for (index, part) in ["query", "key", "value"].enumerated() {
            let rows = index * width..<(index + 1) * width
            try add("\(name).\(part).weight", of: "\(source).in_proj_weight", rows: rows)
            try add("\(name).\(part).weight", of: "\(source).\(part.prefix(1))_proj_weight")
            try add("\(name).\(part).bias", of: "\(source).in_proj_bias", rows: rows)
        }
    }

    /// What was not taken.
    func unexpected() throws -> [(name: String, shape: [Int])] {
        try file.names.filter { !used.contains($0) }.map { ($0, try file.tensor($0).shape) }
    }

    func damaged(_ what: String) -> StarlingError { StarlingError(.badData, what, at: .init(file: file.path)) }
}
