public import Basics
public import Formats

extension EpochTrainer {
    /// Whether a rank holds only a part of the weights, so that all have to take part when they are written.
    public var isSharded: Bool { false }

    /// Does with the weights on rank 0 what `body` says; every rank of a training calls this together.
    ///
    /// - Throws: on every rank what `body` threw on rank 0.
    public func handWeights(to ranks: any Communicator, _ body: ([TensorSource]) throws -> Void) throws {
        _ = try onFirstRank(of: ranks) { weights, _ in
            try body(weights)
            return ""
        }
    }

    /// Does on rank 0 what writes weights and optimiser state, while the others hand over what they hold of them.
    ///
    /// - Returns: what `body` returned, on every rank.
    /// - Throws: on every rank what `body` threw.
    func onFirstRank(
        of ranks: any Communicator, _ body: (_ weights: [TensorSource], _ optimizer: [TensorSource]) throws -> String
    ) throws -> String {
        guard ranks.size > 1 else { return try body(weights, optimizerState) }
        let tensors = isSharded || ranks.rank == 0 ? (weights, optimizerState) : ([], [])
        var text = ""
        try ranks.together {
            guard isSharded else {
                if ranks.rank == 0 { text = try body(tensors.0, tensors.1) }
                return
            }
            let all = tensors.0 + tensors.1
            if ranks.rank == 0 {
                let asked = all.enumerated().map { $1.asked(of: ranks, number: $0) }
                let outcome = Result { try body(Array(asked[..<tensors.0.count]), Array(asked[tensors.0.count...])) }
                _ = try ranks.broadcast(Array("end".utf8))
                text = try outcome.get()
            } else {
                while let number = Int(String(decoding: try ranks.broadcast([]), as: UTF8.self)) {
                    try all[number].emit { _ in }
                }
            }
        }
        return String(decoding: try ranks.broadcast(Array(text.utf8)), as: UTF8.self)
    }
}

extension TensorSource {
    /// The same, which tells the other ranks to emit theirs when it is asked for. It goes on to its end where its bytes are
    /// refused, so that no rank is left in its middle.
    fileprivate func asked(of ranks: any Communicator, number: Int) -> TensorSource {
        TensorSource(name: name, elementType: elementType, shape: shape) { sink in
            _ = try ranks.broadcast(Array(String(number).utf8))
            var refusal: (any Error)?
            try emit { bytes in
                guard refusal == nil else { return }
                do { try sink(bytes) } catch { refusal = error }
            }
            if let refusal { throw refusal }
        }
    }
}
