import Basics
import Formats

/// State dicts of `pmixer/SASRec.pytorch`. Row r of its tables belongs to the raw id r, a whole number; row 0 is for padding,
/// which places attend to.
enum SASRecCheckpoint {
    static func read(_ path: String) throws -> Retraining {
        let file = try PTHFile(path)
        guard file.contains("item_emb.weight"), file.contains("pos_emb.weight"),
            file.contains("attention_layers.0.in_proj_weight")
        else {
            throw StarlingError(
                .badData,
                "it holds no model that is known: among its tensors are "
                    + file.names.prefix(5).joined(separator: ", "),
                at: .init(file: path), remedy: "name a SASRec model's state dict, or a run of train sse-pt")
        }
        var (parts, used): ([String: Retraining.Part], Set<String>) = ([:], [])
        func add(_ name: String, of source: String, rows: Range<Int>? = nil) throws {
            guard file.contains(source) else { return }
            used.insert(source)
            let view = try file.tensor(source)
            guard view.elementType == .float32 else {
                throw StarlingError(
                    .badData, "its tensor “\(source)” is of \(view.elementType.rawValue), not F32",
                    at: .init(file: path))
            }
            // Convolutions of one place are matrices.
            var shape = view.shape.count == 3 && view.shape[2] == 1 ? Array(view.shape.dropLast()) : view.shape
            guard let rows else {
                parts[name] = Retraining.Part(
                    source: source, sourceShape: view.shape, shape: shape, values: view.floats)
                return
            }
            let width = shape.dropFirst().reduce(1, *)
            shape[0] = rows.count
            parts[name] = Retraining.Part(source: source, sourceShape: view.shape, shape: shape) {
                Array(try view.floats()[(rows.lowerBound * width)..<(rows.upperBound * width)])
            }
        }
        try add("items.weight", of: "item_emb.weight")
        let positions = try file.tensor("pos_emb.weight")
        guard positions.shape.count == 2, positions.shape[0] > 1 else {
            throw StarlingError(.badData, "its pos_emb.weight is no table of positions", at: .init(file: path))
        }
        // A table that begins with a row of zeros has one for padding; older ones have not.
        let rows = positions.shape[0]
        let isPadded = try positions.floats().prefix(positions.shape[1]).allSatisfy { $0 == 0 }
        try add("positions.weight", of: "pos_emb.weight", rows: (isPadded ? 1 : 0)..<rows)
        var blocks = 0
        while file.contains("attention_layers.\(blocks).in_proj_weight") {
            let (block, width) = ("blocks.\(blocks)", positions.shape[1])
            for kind in ["weight", "bias"] {
                try add("\(block).attention_norm.\(kind)", of: "attention_layernorms.\(blocks).\(kind)")
                for (index, part) in ["query", "key", "value"].enumerated() {
                    let source = "attention_layers.\(blocks).in_proj_\(kind)"
                    guard try !file.contains(source) || file.tensor(source).shape.first == 3 * width else {
                        throw StarlingError(
                            .badData, "its \(source) does not have \(3 * width) rows", at: .init(file: path))
                    }
                    try add("\(block).\(part).\(kind)", of: source, rows: index * width..<(index + 1) * width)
                }
                try add("\(block).output.\(kind)", of: "attention_layers.\(blocks).out_proj.\(kind)")
                try add("\(block).feed_forward_norm.\(kind)", of: "forward_layernorms.\(blocks).\(kind)")
                try add("\(block).inner.\(kind)", of: "forward_layers.\(blocks).conv1.\(kind)")
                try add("\(block).outer.\(kind)", of: "forward_layers.\(blocks).conv2.\(kind)")
            }
            blocks += 1
        }
        for kind in ["weight", "bias"] { try add("final_norm.\(kind)", of: "last_layernorm.\(kind)") }
        let heads = path.split(separator: "/").last?.split(separator: ".").first { $0.hasPrefix("head=") }
            .flatMap { Int($0.dropFirst(5)) }
        return Retraining(
            path: path,
            shape: .init(
                factors: positions.shape[1], userDim: 0, maxLength: rows - (isPadded ? 1 : 0), blocks: blocks,
                heads: heads,
                attendsToPadding: true),
            parts: parts,
            unexpected: try file.names.filter { !used.contains($0) }.map { ($0, try file.tensor($0).shape) }
        ) { table, id in
            // "007" is no name of row 7.
            Int(id).flatMap { table == "items" && $0 > 0 && "\($0)" == id ? $0 : nil }
        }
    }
}
