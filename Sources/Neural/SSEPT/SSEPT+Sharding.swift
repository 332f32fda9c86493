import Basics
public import Interactions
import Torch

extension SSEPT {
    /// The embedding tables that training would have, `items` and `users`, for
    /// ``EmbeddingShardingPlan/planned(_:ranks:memory:optimizer:replicated:)`` with Adam. Items that a loss over all of them goes
    /// through are a layer, which every rank has, and not among these.
    ///
    /// - Parameters:
    ///   - users: how many there are.
    ///   - items: likewise.
    public static func embeddingLoads(
        on histories: InteractionSequences, users: Int, items: Int, options: SSEPTOptions = SSEPTOptions()
    ) -> [EmbeddingLoad] {
        let isEncoder = options.architecture == .encoder
        var loads: [EmbeddingLoad] = []
        if options.factors > 0, isEncoder || options.loss != .softmax {
            let lengths = (0..<histories.userCount).map { histories[UserRow($0)].count }.filter { $0 > 1 }
            let places = lengths.reduce(0) { $0 + min(options.maxLength, $1 - 1) }
            let each = isEncoder ? 1 : 2 + options.drawn
            loads.append(
                EmbeddingLoad(
                    "items", rows: items, width: options.factors,
                    lookups: Double(places * each) / Double(max(1, lengths.count))))
        }
        if options.userDim > 0 {
            loads.append(EmbeddingLoad("users", rows: users, width: options.userDim, lookups: 1))
        }
        return loads
    }

    /// Who has what of these tables; nil where every rank has all.
    static func plan(
        _ loads: [EmbeddingLoad], _ options: SSEPTOptions, for ranks: any Communicator
    ) throws -> EmbeddingShardingPlan? {
        guard ranks.size > 1, options.device == .cpu else { return nil }
        guard let given = options.sharding else {
            var adam = EmbeddingOptimizer()
            adam.kind = .adam
            return try options.shardingKind.map { EmbeddingShardingPlan(loads, all: $0, ranks: ranks.size) }
                ?? .planned(loads, for: ranks, optimizer: adam)
        }
        let tables = try loads.map { load in
            let table = try given.table(load.name, rows: load.rows, width: load.width, of: "SSEPT")
            guard Set(table.shards.map(\.rank)).count == table.shards.count else {
                throw StarlingError(
                    .usage, "the plan gives a rank two shards of \(load.name)", remedy: "give each rank one at most")
            }
            return table
        }
        return EmbeddingShardingPlan(tables, ranks: ranks.size)
    }
}
