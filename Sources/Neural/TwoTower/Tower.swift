import Basics
import Formats
import Interactions
import Kernels
import Torch

/// One tower: embeddings of an entity's features, behind one another, through layers to a vector.
final class Tower {
    private let name: String
    private let features: [FeatureBags]
    private let embeddings: any EmbeddingCollection
    let layers: [Linear]
    private let cosine: Bool
    private let ranks: any Communicator
    /// The share of ids that training takes as unknown.
    let idDropout: Double

    /// - Parameters:
    ///   - side: 0 for users, 1 for items.
    ///   - ranks: of several, each calls the tower with its part of a batch, which may be empty, at the same time.
    init(
        _ name: String, side: UInt64, _ features: [FeatureBags], _ options: TwoTowerOptions, ranks: any Communicator,
        isa: InstructionSet
    ) throws {
        (self.name, self.features, cosine, self.ranks) = (name, features, options.cosine, ranks)
        idDropout = options.idDropout ?? (features.count > 1 ? 0.05 : 0)
        let plan = try options.sharding.map { try $0.tables(of: name, features, width: options.factors) }
        if options.worksByOperators {
            embeddings = try DeviceEmbeddings(
                features, width: options.factors, options.embeddings, seed: options.seed, stream: side,
                on: options.device, ranks: ranks)
        } else if let plan {
            embeddings = try ShardedEmbeddings(
                features, plan, width: options.factors, options.embeddings, seed: options.seed, stream: side,
                ranks: ranks,
                isa: isa)
        } else {
            embeddings = try KernelEmbeddings(
                features, width: options.factors, options.embeddings, seed: options.seed, stream: side, isa: isa)
        }
        var inputs = features.count * options.factors
        layers = try options.layers.enumerated().map { index, outputs in
            defer { inputs = outputs }
            let layer = try Linear(inputs, outputs, on: options.device)
            try layer.fill(seed: options.seed, index: side << 32 | UInt64(1 << 16 + index))
            return layer
        }
    }

    /// The features of entities; ids at `unknown` are taken as unknown.
    func inputs(_ entities: [UInt32], unknown: (Int) -> Bool = { _ in false }) -> [EmbeddingInput] {
        features.enumerated().map { index, bags in
            guard index == 0 else { return EmbeddingInput(bags, entities) }
            let rows = entities.enumerated().map { unknown($0) ? 0 : bags.values[Int($1)] }
            return EmbeddingInput(
                FeatureBags(bags.name, tableRows: bags.tableRows, rows: rows), entities.indices.map { UInt32($0) })
        }
    }

    /// - Returns: `[samples × (features · factors)]`, which gets a gradient, and the vectors `[samples × width]`.
    func callAsFunction(_ inputs: [EmbeddingInput]) throws -> (embedded: Tensor, vectors: Tensor) {
        let embedded = try embeddings.pooled(inputs).requiringGrad()
        var vectors = embedded
        for (index, layer) in layers.enumerated() {
            vectors = try layer(vectors)
            if index < layers.count - 1 { vectors = try vectors.relu() }
        }
        vectors = try vectors.to(.float32)
        return (embedded, cosine ? try vectors.normalized() : vectors)
    }

    /// Changes the embeddings of a step's batches by the gradients that backward passes left at what they embedded.
    func update(_ batches: [(inputs: [EmbeddingInput], embedded: Tensor)]) throws {
        let gradients = try batches.compactMap { batch in
            // A rank may have had nothing to go back through.
            try batch.embedded.gradient
                ?? (batch.embedded.count == 0 ? Tensor.zeros(batch.embedded.shape, on: batch.embedded.device) : nil)
        }
        guard gradients.count == batches.count else { return }
        let joined = features.indices.map { feature in EmbeddingInput(joining: batches.map { $0.inputs[feature] }) }
        try embeddings.update(joined, gradients.count == 1 ? gradients[0] : Tensor.concatenated(gradients))
    }

    /// Vectors of all entities, `[entities × width]`, a few thousand at a time. Ranks share the work, and all of them get all
    /// vectors.
    func vectors(_ body: ([Float]) throws -> Void) throws {
        let count = features[0].values.count
        for first in stride(from: 0, to: count, by: 4096 * ranks.size) {
            let some = min(4096 * ranks.size, count - first)
            let entities = ranks.part(of: some).map { UInt32(first + $0) }
            try body(withoutGradients { try self(inputs(entities)).vectors.gathered(some, from: ranks).array() })
        }
    }

    var parameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { named("\(name).layers.\($0)", $1) }
    }

    var weights: [TensorSource] { embeddings.weights("\(name).") + parameters.map { TensorSource($0) } }

    var optimizerState: [TensorSource] { embeddings.optimizerState("\(name).") }

    func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        for bags in features {
            let stored = try weights.tensor("\(name).\(bags.name)").shape.first ?? 0
            guard stored == bags.tableRows else {
                let what = bags.name == "id" ? "\(name)s" : "values of \(bags.name)"
                throw StarlingError(
                    .failed,
                    "the checkpoint knows \(stored - 1) \(what), and the data has \(bags.tableRows - 1)",
                    remedy: "train on the data of before, or anew with --overwrite; --\(name)-buckets takes ids to come"
                )
            }
        }
        try embeddings.restore("\(name).", weights: weights, optimizer: optimizer)
        for parameter in parameters { try parameter.tensor.restore(parameter.name, from: weights) }
    }
}
