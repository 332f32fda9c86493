import Formats
import Interactions
import Kernels
import Torch

/// One tower: embeddings of an entity's features, behind one another, through layers to a vector.
final class Tower {
    /// Features of a batch: the i-th sample has bag `entities[i]` of `bags`.
    struct Input {
        let bags: FeatureBags
        let entities: [UInt32]
    }

    private let name: String
    private let features: [FeatureBags]
    private let tables: [EmbeddingTable]
    let layers: [Linear]
    private let width: Int
    private let cosine: Bool
    /// The share of ids that training takes as unknown.
    let idDropout: Double
    private let library: TorchLibrary

    /// - Parameter side: 0 for users, 1 for items.
    init(_ name: String, side: UInt64, _ features: [FeatureBags], _ options: TwoTowerOptions, isa: InstructionSet)
        throws
    {
        (self.name, self.features, width, cosine) = (name, features, options.factors, options.cosine)
        idDropout = options.idDropout ?? (features.count > 1 ? 0.05 : 0)
        library = try TorchLibrary.opened()
        tables = features.enumerated().map { index, bags in
            EmbeddingTable(
                bags.name, rows: bags.tableRows, width: options.factors, options.embeddings, seed: options.seed,
                index: side << 32 | UInt64(index), isa: isa)
        }
        var inputs = features.count * options.factors
        layers = try options.layers.map { outputs in
            defer { inputs = outputs }
            return try Linear(inputs, outputs)
        }
    }

    /// The features of entities; ids at `unknown` are taken as unknown.
    func inputs(_ entities: [UInt32], unknown: (Int) -> Bool = { _ in false }) -> [Input] {
        features.enumerated().map { index, bags in
            guard index == 0 else { return Input(bags: bags, entities: entities) }
            let rows = entities.enumerated().map { unknown($0) ? 0 : bags.values[Int($1)] }
            return Input(
                bags: FeatureBags(bags.name, tableRows: bags.tableRows, rows: rows),
                entities: entities.indices.map { UInt32($0) })
        }
    }

    /// - Returns: `[samples × (features · factors)]`, which gets a gradient, and the vectors `[samples × width]`.
    func callAsFunction(_ inputs: [Input]) throws -> (embedded: Tensor, vectors: Tensor) {
        let count = inputs[0].entities.count
        let embedded = try Tensor.empty([count, inputs.count * width])
        try embedded.withMemory(as: Float.self) { memory in
            nonisolated(unsafe) let base = memory.baseAddress!
            let stride = inputs.count * width
            try library.parallel((count + 255) / 256) { parts in
                let samples = parts.lowerBound * 256..<min(count, parts.upperBound * 256)
                for (index, input) in inputs.enumerated() {
                    input.entities.withUnsafeBufferPointer { entities in
                        tables[index].pool(
                            input.bags, UnsafeBufferPointer(rebasing: entities[samples]),
                            into: base + samples.lowerBound * stride + index * width, stride)
                    }
                }
            }
        }
        try embedded.requiringGrad()
        var vectors = embedded
        for (index, layer) in layers.enumerated() {
            vectors = try layer(vectors)
            if index < layers.count - 1 { vectors = try vectors.relu() }
        }
        vectors = try vectors.to(.float32)
        return (embedded, cosine ? try vectors.normalized() : vectors)
    }

    /// Changes the embeddings of a batch by the gradients that a backward pass left at `embedded`.
    func update(_ inputs: [Input], _ embedded: Tensor) throws {
        guard let gradient = try embedded.gradient?.contiguous() else { return }
        try gradient.withMemory(as: Float.self) { gradients in
            for (index, input) in inputs.enumerated() {
                try tables[index].update(
                    TouchedRows(input.bags, input.entities), UnsafePointer(gradients.baseAddress! + index * width),
                    inputs.count * width, on: library)
            }
        }
    }

    /// Vectors of all entities, `[entities × width]`, a few thousand at a time.
    func vectors(_ body: ([Float]) throws -> Void) throws {
        let count = features[0].values.count
        for first in stride(from: 0, to: count, by: 4096) {
            let entities = (first..<min(count, first + 4096)).map { UInt32($0) }
            try body(withoutGradients { try self(inputs(entities)).vectors.array() })
        }
    }

    var parameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { named("\(name).layers.\($0)", $1) }
    }

    var weights: [TensorSource] { tables.map { $0.weights("\(name).") } + parameters.map { TensorSource($0) } }

    var optimizerState: [TensorSource] { tables.flatMap { $0.optimizerState("\(name).") } }

    func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        for table in tables { try table.restore("\(name).", weights: weights, optimizer: optimizer) }
        for parameter in parameters { try parameter.tensor.restore(parameter.name, from: weights) }
    }
}

extension TensorSource {
    /// A tensor of LibTorch's on its way into a file.
    init(_ parameter: (name: String, tensor: Tensor)) {
        let tensor = parameter.tensor
        self.init(name: parameter.name, elementType: .float32, shape: tensor.shape) { sink in
            try tensor.array(of: Float.self).withUnsafeBytes(sink)
        }
    }
}

extension Tensor {
    /// Takes float32 elements from a file.
    func restore(_ name: String, from file: SafeTensorsFile) throws {
        let stored = try file.tensor(name).expect(.float32, shape: shape).floats()
        _ = try withoutGradients { try copyInPlace(from: Tensor(stored, shape)) }
    }
}
