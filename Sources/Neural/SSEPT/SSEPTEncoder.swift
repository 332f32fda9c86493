import Basics
import Interactions
import Kernels
import Ranking
import Torch

/// Vectors of people from the last items they have had: the network's last place, of which ranking needs the items' part, for
/// the user's part of a score is the same for all items.
final class SSEPTEncoder: SequenceEncoder {
    let sequences: InteractionSequences
    private let network: any SequenceModel
    private let options: SSEPTOptions
    private let isa: InstructionSet
    /// Whether row r is the user of row r; otherwise all are people who were not in training.
    private let knownUsers: Bool

    init(
        _ network: any SequenceModel, _ sequences: InteractionSequences, knownUsers: Bool = true,
        _ options: SSEPTOptions, isa: InstructionSet
    ) {
        (self.network, self.sequences, self.knownUsers) = (network, sequences, knownUsers)
        (self.options, self.isa) = (options, isa)
    }

    var dimensions: Int { network.queryWidth }

    func over(_ sequences: InteractionSequences, knownUsers: Bool) -> any SequenceEncoder {
        SSEPTEncoder(network, sequences, knownUsers: knownUsers && self.knownUsers, options, isa: isa)
    }

    /// Users at a time.
    fileprivate static let chunk = 256

    /// Where tables are cut, all ranks encode as many users at the same time, at most ``chunk``; some may have fewer, or none.
    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        // Sequences of like lengths together keep the rectangles of operators full.
        let order = users.indices.sorted { sequences[users[$0]].count < sequences[users[$1]].count }
        for first in stride(from: 0, to: max(1, order.count), by: Self.chunk) {
            let part = order[first..<min(order.count, first + Self.chunk)]
            let known = part.filter { !sequences[users[$0]].isEmpty }
            for place in part { table.row(place).update(repeating: 0) }
            var (inputs, candidates) = (SequenceInputs(options), [UInt32]())
            for place in known {
                let window = sequences[users[place]].suffix(options.maxLength)
                inputs.append(window, user: knownUsers ? users[place].index : nil)
            }
            _ = try FetchedVectors(of: network.tables, &inputs, &candidates)
            guard !known.isEmpty else { continue }
            let packed = inputs.sequences()
            let vectors = try withoutGradients {
                let step = try SequenceStep(packed, isPadding: inputs.isPadding, isTraining: false, options, isa: isa)
                let places = try options.precision.autocast(on: options.device) { try network(inputs, step) }
                return try places.selecting(.indices(packed.lastPlaces, on: options.device)).to(.float32).array(
                    of: Float.self)
            }
            for (index, place) in known.enumerated() {
                let last = vectors[(index * options.width)..<((index + 1) * options.width)]
                _ = table.row(place).update(fromContentsOf: network.query(last))
            }
        }
    }
}

extension EncodedUsers {
    /// Those that all ranks make together, each of its own `users`, in any number.
    convenience init(_ users: [UserRow], by encoder: SSEPTEncoder, _ ranks: any Communicator) throws {
        try self.init(users, dimensions: encoder.dimensions) { vectors in
            let part = FactorTable(rows: SSEPTEncoder.chunk, width: encoder.dimensions)
            for first in stride(from: 0, to: try ranks.allGather(users.count).max()!, by: SSEPTEncoder.chunk) {
                let some = users.dropFirst(first).prefix(SSEPTEncoder.chunk)
                try encoder.encode(Array(some), into: part)
                for place in some.indices { _ = vectors.row(place).update(from: part.row(place - first)) }
            }
        }
    }
}
