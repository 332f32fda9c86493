import Formats

/// State dicts of `pmixer/SASRec.pytorch`. Row r of its tables belongs to the raw id r, a whole number; row 0 is for padding,
/// which places attend to.
enum SASRecCheckpoint {
    /// Nil for one of another model.
    static func read(_ file: PTHFile) throws -> Retraining? {
        guard file.contains("item_emb.weight"), file.contains("pos_emb.weight"),
            file.contains("attention_layers.0.in_proj_weight")
        else { return nil }
        var parts = CheckpointParts(file)
        try parts.add("items.weight", of: "item_emb.weight")
        let positions = try file.tensor("pos_emb.weight")
        guard positions.shape.count == 2, positions.shape[0] > 1, positions.shape[1] > 0 else {
            throw parts.damaged("its pos_emb.weight is no table of positions")
        }
        let (rows, width) = (positions.shape[0], positions.shape[1])
        // A table that begins with a row of zeros has one for padding; older ones have not.
        let first = try positions.floats().prefix(width).allSatisfy { $0 == 0 } ? 1 : 0
        try parts.add("positions.weight", of: "pos_emb.weight", rows: first..<rows)
        var blocks = 0
        while file.contains("attention_layers.\(blocks).in_proj_weight") {
            let block = "blocks.\(blocks)"
            try parts.add(module: "\(block).attention_norm", of: "attention_layernorms.\(blocks)")
            try parts.add(projections: block, of: "attention_layers.\(blocks)", width: width)
            try parts.add(module: "\(block).output", of: "attention_layers.\(blocks).out_proj")
            try parts.add(module: "\(block).feed_forward_norm", of: "forward_layernorms.\(blocks)")
            try parts.add(module: "\(block).inner", of: "forward_layers.\(blocks).conv1")
            try parts.add(module: "\(block).outer", of: "forward_layers.\(blocks).conv2")
            blocks += 1
        }
        try parts.add(module: "final_norm", of: "last_layernorm")
        // Its files are called so: SASRec.epoch=601.lr=0.001.layer=2.head=1.….pth
        let heads = file.path.split(separator: "/").last?.split(separator: ".").first { $0.hasPrefix("head=") }
            .flatMap { Int($0.dropFirst(5)) }
        return Retraining(
            path: file.path,
            shape: .init(
                factors: width, userDim: 0, maxLength: rows - first, blocks: blocks, heads: heads,
                attendsToPadding: true),
            parts: parts.parts, unexpected: try parts.unexpected()
        ) { table, id in
            // "007" is no name of row 7.
            Int(id).flatMap { table == "items" && $0 > 0 && "\($0)" == id ? $0 : nil }
        }
    }
}
