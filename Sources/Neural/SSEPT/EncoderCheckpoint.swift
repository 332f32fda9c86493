import Formats

/// State dicts with PyTorch's `TransformerEncoder` between `user_embedding_layer`, `item_embedding_layer` and `fc_out`, as the
/// MovieLens-20M system saves them. Row r of its tables belongs to the raw id r, a whole number.
enum EncoderCheckpoint {
    /// Nil for one of another model.
    static func read(_ file: PTHFile) throws -> Retraining? {
        guard let inner = file.names.first(where: { $0.hasSuffix("layers.0.linear1.weight") }) else { return nil }
        // `encoder.layers.0`, `transformer.layers.0`, `model.transformer_encoder.layers.0`, …
        let root = inner.dropLast("0.linear1.weight".count)
        var parts = CheckpointParts(file)
        let shape = try file.tensor(inner).shape
        guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else { throw parts.damaged("its \(inner) is no matrix") }
        let (feedForward, width) = (shape[0], shape[1])
        func table(_ word: String) throws -> (name: String, width: Int)? {
            guard let name = file.names.first(where: { $0.contains("\(word)_emb") && $0.hasSuffix("weight") }) else {
                return nil
            }
            return (name, try file.tensor(name).shape.last ?? 0)
        }
        let (users, items) = (try table("user"), try table("item"))
        // Where both are as wide as the encoder, only users go in.
        let factors = users?.width == width ? 0 : items?.width ?? 0
        if let users { try parts.add("users.weight", of: users.name) }
        if let items, factors > 0 { try parts.add("items.weight", of: items.name) }
        if let name = file.names.first(where: { $0.contains("positional") }) {
            try parts.add("positional.weight", of: name)
        }
        var layers = 0
        while file.contains("\(root)\(layers).linear1.weight") {
            let (layer, source) = ("layers.\(layers)", "\(root)\(layers)")
            try parts.add(projections: layer, of: "\(source).self_attn", width: width)
            try parts.add(module: "\(layer).attended", of: "\(source).self_attn.out_proj")
            try parts.add(module: "\(layer).attention_norm", of: "\(source).norm1")
            try parts.add(module: "\(layer).inner", of: "\(source).linear1")
            try parts.add(module: "\(layer).outer", of: "\(source).linear2")
            try parts.add(module: "\(layer).outer_norm", of: "\(source).norm2")
            layers += 1
        }
        try parts.add(module: "output", of: "fc_out")
        return Retraining(
            path: file.path,
            shape: .init(
                architecture: .encoder, factors: factors, userDim: users?.width ?? 0, maxLength: 50, blocks: layers,
                feedForward: feedForward, heads: nil, attendsToPadding: false),
            parts: parts.parts, unexpected: try parts.unexpected()
        ) { _, id in
            Int(id).flatMap { $0 >= 0 && "\($0)" == id ? $0 : nil }
        }
    }
}
