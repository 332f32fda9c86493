import Formats
import Kernels
package import Torch

/// SSE-PT's network (Wu et al., RecSys 2020): at each place of a history the item's vector and the user's beside it, and one
/// for the position, through ``SequenceBlock``s; a score is the product of a place with [item ++ user].
package final class SequenceNetwork: Module {
    /// `[items × factors]`
    package let items: Embedding
    /// `[users × userDim]`; nil without users' vectors.
    package let users: Embedding?
    /// `[maxLength × width]`: the last place of a history has the last row.
    package let positions: Embedding
    let blocks: [SequenceBlock]
    let finalNorm: LayerNorm
    private let options: SSEPTOptions

    package init(users userCount: Int, items itemCount: Int, _ options: SSEPTOptions) throws {
        self.options = options
        let device = options.device
        items = try Embedding(itemCount, options.factors, on: device)
        users = options.userDim > 0 ? try Embedding(userCount, options.userDim, on: device) : nil
        positions = try Embedding(options.maxLength, options.width, on: device)
        blocks = try (0..<options.blocks).map { _ in try SequenceBlock(options) }
        finalNorm = try LayerNorm(options.width, epsilon: 1e-8, on: device)
        // Glorot & Bengio's normal deviation of matrices, ones and zeros of norms, zeros of biases; the same on every device.
        for (index, (name, tensor)) in parameters.enumerated() {
            if tensor.shape.count == 2 {
                let deviation = (2 / Double(tensor.shape[0] + tensor.shape[1])).squareRoot()
                try tensor.fillNormal(deviation: deviation, seed: options.seed, index: UInt64(index))
            } else if name.hasSuffix(".bias") {
                _ = try withoutGradients { try tensor.zeroInPlace() }
            }
        }
    }

    package var parameters: [(name: String, tensor: Tensor)] {
        named("items", items) + (users.map { named("users", $0) } ?? []) + named("positions", positions)
            + blocks.enumerated().flatMap { named("blocks.\($0)", $1) } + named("final_norm", finalNorm)
    }

    /// - Returns: `[places × width]`
    package func callAsFunction(_ inputs: SequenceInputs, _ step: SequenceStep) throws -> Tensor {
        var embedded = try items(indices(inputs.items)).multiplied(by: Double(options.factors).squareRoot())
        if let users {
            let own = try inputs.users.map { try users(indices($0)) } ?? average(users, inputs.items.count)
            embedded = try Tensor.concatenated(
                [embedded, own.multiplied(by: Double(options.userDim).squareRoot())], axis: 1)
        }
        var places = try step.masked(step.dropout(embedded.adding(positions(indices(inputs.positions)))))
        for block in blocks { places = try block(places, step) }
        return try finalNorm(places)
    }

    /// Who was not in training is the average of who was.
    private func average(_ users: Embedding, _ places: Int) throws -> Tensor {
        let mean = try users.weight.sum(axes: [0], keepingAxes: true)
            .multiplied(by: 1 / Double(users.weight.shape[0]))
        return try Tensor.full([places, 1], 1, on: options.device).multiplied(by: mean)
    }

    func indices(_ rows: [Int64]) throws -> Tensor { try Tensor(rows, [rows.count]).to(nil, options.device) }

    var weights: [TensorSource] { parameters.map { TensorSource($0) } }

    func restore(_ file: SafeTensorsFile) throws {
        for parameter in parameters { try parameter.tensor.restore(parameter.name, from: file) }
    }
}

extension SequenceNetwork {
    /// `[items × factors]`: what the items' part of a place is multiplied with.
    func itemVectors() throws -> FactorTable {
        let (rows, width) = (items.weight.shape[0], items.weight.shape[1])
        let table = FactorTable(rows: rows, width: width)
        let vectors = try items.weight.array(of: Float.self)
        for row in 0..<rows { _ = table.row(row).update(fromContentsOf: vectors[(row * width)..<((row + 1) * width)]) }
        return table
    }
}
