package import Basics
package import Kernels
package import Torch

/// SSE-PT's network (Wu et al., RecSys 2020): at each place of a history the item's vector and the user's beside it, and one
/// for the position, through ``SequenceBlock``s; a score is the product of a place with [item ++ user].
package final class SequenceNetwork: SequenceModel {
    /// `[items × factors]`
    let items: SequenceTable
    /// `[users × userDim]`; nil without users' vectors.
    let users: SequenceTable?
    /// `[maxLength × width]`: the last place of a history has the last row.
    package let positions: Embedding
    let blocks: [SequenceBlock]
    let finalNorm: LayerNorm
    private let options: SSEPTOptions
    private let isa: InstructionSet

    package init(
        users userCount: Int, items itemCount: Int, _ options: SSEPTOptions, ranks: any Communicator = OneRank(),
        isa: InstructionSet = .best
    ) throws {
        (self.options, self.isa) = (options, isa)
        let device = options.device
        items = try SequenceTable(
            "items", rows: itemCount, width: options.factors, .candidates, options.sharding, ranks, on: device)
        users =
            options.userDim > 0
            ? try SequenceTable(
                "users", rows: userCount, width: options.userDim, .users, options.sharding, ranks, on: device) : nil
        positions = try Embedding(options.maxLength, options.width, on: device)
        blocks = try (0..<options.blocks).map { _ in try SequenceBlock(options) }
        finalNorm = try LayerNorm(options.width, epsilon: 1e-8, on: device)
        try fill(seed: options.seed)
    }

    package var parameters: [(name: String, tensor: Tensor)] {
        named("items", items) + (users.map { named("users", $0) } ?? []) + named("positions", positions)
            + blocks.enumerated().flatMap { named("blocks.\($0)", $1) } + named("final_norm", finalNorm)
    }

    package var tables: [SequenceTable] { [items] + (users.map { [$0] } ?? []) }

    /// - Returns: `[places × width]`
    package func callAsFunction(_ inputs: SequenceInputs, _ step: SequenceStep) throws -> Tensor {
        var embedded = try items(inputs.items, inputs.items.count).multiplied(by: Double(options.factors).squareRoot())
        if let users {
            let own = try users(inputs.users, inputs.items.count)
            embedded = try Tensor.concatenated(
                [embedded, own.multiplied(by: Double(options.userDim).squareRoot())], axis: 1)
        }
        var places = try step.masked(step.dropout(embedded.adding(positions(indices(inputs.positions)))))
        for block in blocks { places = try block(places, step) }
        return try finalNorm(places)
    }

    func indices(_ rows: [Int64]) throws -> Tensor { try .indices(rows, on: options.device) }

    package func loss(_ places: Tensor, _ batch: SequenceSamples.Batch) throws -> Tensor {
        try SequenceLoss(options, isa: isa)(places, self, batch)
    }

    /// `[items × factors]`: ranking needs no more, for the user's part of a score is the same for all items.
    package func itemVectors() throws -> FactorTable { try items.all() }

    package var queryWidth: Int { options.factors }
    package func query(_ place: ArraySlice<Float>) -> [Float] { Array(place.prefix(options.factors)) }
}
