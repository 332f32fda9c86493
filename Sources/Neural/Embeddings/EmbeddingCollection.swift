package import Formats
package import Kernels
package import Torch

/// A feature in a batch: the i-th sample has bag `entities[i]` of `bags`.
package struct EmbeddingInput: Sendable {
    let bags: FeatureBags
    let entities: [UInt32]

    package init(_ bags: FeatureBags, _ entities: [UInt32]) { (self.bags, self.entities) = (bags, entities) }

    /// The bags of the samples, in their order, over a table that has the rising `rows` alone.
    func bags(among rows: [UInt32]) -> FeatureBags {
        var (offsets, values): ([UInt64], [UInt32]) = ([0], [])
        for entity in entities {
            for row in bags.bag(entity) { values.append(UInt32(rows.place(ofFirst: Int(row)))) }
            offsets.append(UInt64(values.count))
        }
        return FeatureBags(
            bags.name, tableRows: rows.count, rows: values, offsets: bags.offsets == nil ? nil : offsets)
    }

    /// Batches of one feature, one behind the other.
    init(joining parts: [EmbeddingInput]) {
        guard parts.count > 1, parts[0].bags.offsets == nil else {
            self.init(parts[0].bags, parts.flatMap(\.entities))
            return
        }
        // Ids may have been taken as unknown in a batch, each in bags of its own.
        let rows = parts.flatMap { part in part.entities.map { part.bags.values[Int($0)] } }
        self.init(
            FeatureBags(parts[0].bags.name, tableRows: parts[0].bags.tableRows, rows: rows),
            rows.indices.map { UInt32($0) })
    }
}

/// The tables of a tower's features, of one width, with the state of their optimiser. Gradients stay sparse.
package protocol EmbeddingCollection: AnyObject {
    /// The means of each sample's rows, the features' behind one another: `[samples × (features · width)]`.
    func pooled(_ inputs: [EmbeddingInput]) throws -> Tensor

    /// Changes the rows of a batch by the gradient of what ``pooled(_:)`` gave.
    func update(_ inputs: [EmbeddingInput], _ gradient: Tensor) throws

    /// The tables, names behind `prefix`.
    func weights(_ prefix: String) -> [TensorSource]
    func optimizerState(_ prefix: String) -> [TensorSource]
    func restore(_ prefix: String, weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws
}

/// Tables in this machine's memory, worked on by kernels of ours.
package final class KernelEmbeddings: EmbeddingCollection {
    private let tables: [EmbeddingTable]
    private let width: Int
    private let library: TorchLibrary

    /// - Parameter stream: of the random numbers that rows begin as.
    package init(
        _ features: [FeatureBags], width: Int, _ optimizer: EmbeddingOptimizer, seed: UInt64, stream: UInt64,
        isa: InstructionSet
    ) throws {
        self.width = width
        library = try TorchLibrary.opened()
        tables = features.enumerated().map { index, bags in
            EmbeddingTable(
                bags.name, rows: 0..<bags.tableRows, width: width, optimizer, seed: seed,
                index: stream << 32 | UInt64(index), isa: isa)
        }
    }

    package func pooled(_ inputs: [EmbeddingInput]) throws -> Tensor {
        let count = inputs[0].entities.count
        let pooled = try Tensor.empty([count, inputs.count * width])
        try pooled.withMemory(as: Float.self) { memory in
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
        return pooled
    }

    package func update(_ inputs: [EmbeddingInput], _ gradient: Tensor) throws {
        try gradient.contiguous().withMemory(as: Float.self) { gradients in
            for (index, input) in inputs.enumerated() {
                try tables[index].update(
                    TouchedRows(input.bags, input.entities), UnsafePointer(gradients.baseAddress! + index * width),
                    inputs.count * width, on: library)
            }
        }
    }

    package func weights(_ prefix: String) -> [TensorSource] { tables.map { $0.weights(prefix) } }
    package func optimizerState(_ prefix: String) -> [TensorSource] { tables.flatMap { $0.optimizerState(prefix) } }
    package func restore(_ prefix: String, weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        for table in tables { try table.restore(prefix, weights: weights, optimizer: optimizer) }
    }
}
