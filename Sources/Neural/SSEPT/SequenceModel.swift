package import Formats
package import Kernels
package import Torch

/// A network over the places of histories, of which two are here: ``SequenceNetwork`` and ``EncoderNetwork``.
package protocol SequenceModel: Module {
    /// - Returns: `[places × width]`
    func callAsFunction(_ inputs: SequenceInputs, _ step: SequenceStep) throws -> Tensor

    /// - Parameter places: what the network made of the batch.
    /// - Returns: `[]`: the mean loss of what comes next.
    func loss(_ places: Tensor, _ batch: SequenceSamples.Batch) throws -> Tensor

    /// Vectors of users and items that it looks up: parameters by their names, which may be cut among ranks.
    var tables: [SequenceTable] { get }

    /// `[items × dimensions]`: what queries are multiplied with. Where items are cut, all ranks ask at the same time.
    func itemVectors() throws -> FactorTable

    /// The width of ``itemVectors()``.
    var queryWidth: Int { get }

    /// What meets ``itemVectors()``, of a place's floats.
    func query(_ place: ArraySlice<Float>) -> [Float]
}

extension SequenceModel {
    package var weights: [TensorSource] { parameters.map { source($0) } }

    /// The same, a part of so many items after the other where they are cut; all at once where they are not.
    func forEachItemPart(of rows: Int, _ body: (_ first: Int, borrowing FactorTable) throws -> Void) throws {
        guard let items = tables.first(where: { $0.numbers == .candidates && $0.cut != nil }) else {
            return try body(0, itemVectors())
        }
        try items.forEachPart(of: rows, body)
    }

    func restore(_ file: SafeTensorsFile) throws {
        for parameter in parameters { try restore(parameter, from: file) }
    }

    /// A parameter, or an optimiser's state of one, on its way into a file, whole.
    func source(_ part: (name: String, tensor: Tensor)) -> TensorSource {
        guard let (table, cut) = cutTable(part) else { return TensorSource(part) }
        let tensor = part.tensor
        return TensorSource(name: part.name, elementType: .float32, shape: [table.rows, table.width]) { sink in
            let rows = ShardRows(base: try tensor.floats(), stride: tensor.shape[1])
            try cut.source(part.name, blocks: [0], of: table.width, table.ranks) { _, _ in rows }.emit(sink)
        }
    }

    /// Takes what this rank has of it.
    func restore(_ part: (name: String, tensor: Tensor), from file: SafeTensorsFile) throws {
        guard let (table, cut) = cutTable(part) else { return try part.tensor.restore(part.name, from: file) }
        let rows = ShardRows(base: try part.tensor.floats(), stride: part.tensor.shape[1])
        try cut.fill(blocks: [0], of: table.width, from: file.tensor(part.name)) { _, _ in rows }
    }

    /// The table of which a tensor is this rank's part; nil where it is all there is.
    func cutTable(
        _ part: (name: String, tensor: Tensor)
    ) -> (table: SequenceTable, cut: ShardedTable<TensorShard>)? {
        guard part.tensor.shape.count == 2,
            let table = tables.first(where: { part.name.hasPrefix($0.name + ".") }), let cut = table.cut
        else { return nil }
        return (table, cut)
    }

    /// Parameters that every rank has, whose gradients ranks add up.
    var shared: [(name: String, tensor: Tensor)] { parameters.filter { cutTable($0) == nil } }

    /// Normal numbers of Glorot & Bengio's deviation in matrices, zeros in biases, ones in norms; the same on every device.
    func fill(seed: UInt64) throws {
        for (index, (name, tensor)) in parameters.enumerated() {
            if let table = tables.first(where: { name == $0.name + ".weight" }) {
                let deviation = (2 / Double(table.rows + table.width)).squareRoot()
                try table.fillNormal(deviation: deviation, seed: seed, index: UInt64(index))
            } else if tensor.shape.count == 2 {
                let deviation = (2 / Double(tensor.shape[0] + tensor.shape[1])).squareRoot()
                try tensor.fillNormal(deviation: deviation, seed: seed, index: UInt64(index))
            } else if name.hasSuffix(".bias") {
                _ = try withoutGradients { try tensor.zeroInPlace() }
            }
        }
    }
}
