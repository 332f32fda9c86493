public import Interactions
public import Kernels

/// Turns users into the vectors that ``Ranker`` multiplies with the items'. For a factorisation that is a copy of
/// rows; for a tower or a transformer it is a forward pass over what is known of the user.
public protocol QueryEncoder {
    /// Floats in a vector: those of the ``ItemIndex`` it goes with.
    var dimensions: Int { get }

    /// Writes the vector of `users[i]` to row `i` of `table`, `[at least users × dimensions]`. Called on the caller's
    /// thread with up to some thousand users at a time; how many does not depend on the number of threads.
    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws
}

/// Makes vectors for people who were not in training, from their whole history.
public protocol HistoryEncoder: QueryEncoder {
    /// Row r of `table` becomes the vector of the user whose history is row r of `histories`.
    func encode(_ histories: InteractionMatrix<UserRow, ItemRow>, into table: borrowing FactorTable) throws
}

/// Makes vectors from what people have had in the order of time.
public protocol SequenceEncoder: QueryEncoder {
    /// What users have had: ``encode(_:into:)`` makes vectors of it. Empty sequences throw `badData`.
    var sequences: InteractionSequences { get }

    /// The same model over other sequences.
    ///
    /// - Parameter knownUsers: whether row r is still the user of row r; otherwise all are people who were not in training.
    func over(_ sequences: InteractionSequences, knownUsers: Bool) -> any SequenceEncoder
}

/// Users who are known by their histories alone: user row `r` is whoever has row `r` of ``histories``. It lets everything
/// that ranks and measures users of a model do so for people who were not in training.
public struct HistoryQueries: QueryEncoder {
    public let encoder: any HistoryEncoder
    /// `[users × items]`, under the item rows of the model.
    public let histories: InteractionMatrix<UserRow, ItemRow>

    public init(_ encoder: any HistoryEncoder, _ histories: InteractionMatrix<UserRow, ItemRow>) {
        self.encoder = encoder
        self.histories = histories
    }

    public var dimensions: Int { encoder.dimensions }

    public func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        try encoder.encode(histories.selecting(users), into: table)
    }
}

/// Recommendations for one user, or items similar to one: best first, equal scores by the lower item row.
public struct RankedList: Sendable, Equatable {
    public let items: [ItemRow]
    /// Beside ``items``.
    public let scores: [Float]

    public init(items: [ItemRow], scores: [Float]) {
        precondition(items.count == scores.count)
        self.items = items
        self.scores = scores
    }
}
