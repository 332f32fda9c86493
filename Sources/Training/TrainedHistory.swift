import Basics
public import Interactions
import Kernels

/// What training saw: users' histories in memory, or in the data that a very large model was trained on, from where they are
/// read when they are asked for.
public final class TrainedHistory {
    /// Interactions of each user, `[users]`.
    public let activity: [UInt32]
    /// Interactions of each item, `[items]`.
    public let audience: [UInt32]

    private struct Referred {
        let reference: HistoryReference
        let users: Vocabulary<UserRow>
        let items: Vocabulary<ItemRow>
        let access: HistoryAccess
    }

    private let referred: Referred?
    /// What was read last: of these users, or of all.
    private var known: (users: Set<UserRow>?, matrix: InteractionMatrix<UserRow, ItemRow>)?

    /// Histories that are there.
    public init(_ matrix: InteractionMatrix<UserRow, ItemRow>) {
        activity = (0..<matrix.rowCount).map { UInt32(matrix.offsets[$0 + 1] - matrix.offsets[$0]) }
        var audience = [UInt32](repeating: 0, count: matrix.columnCount)
        for item in matrix.columns { audience[Int(item)] += 1 }
        self.audience = audience
        (referred, known) = (nil, (nil, matrix))
    }

    init(
        _ history: ReferredHistory, _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>, _ access: HistoryAccess
    ) {
        (activity, audience) = (history.activity, history.audience)
        referred = Referred(reference: history.reference, users: users, items: items, access: access)
    }

    /// Interactions of all.
    public var count: Int { activity.reduce(0) { $0 + Int($1) } }

    /// All histories, `[users × items]`.
    ///
    /// - Throws: `failed` if the data is not there any more, or has changed, or they do not fit in memory; `interrupted`.
    /// - Complexity: of histories that are referred to two passes over the data, the first time.
    public func all() throws -> InteractionMatrix<UserRow, ItemRow> {
        if let known, known.users == nil { return known.matrix }
        let matrix = try read { source, referred, workers in
            var memory = MemoryEstimate()
            memory.add("histories", bytes: count * (source.hasValues ? 8 : 4))
            memory.add("reading", bytes: source.memory(workers: workers))
            try memory.check()
            let (access, reference) = (referred.access, referred.reference)
            let passes = try SourcePasses(
                source, split: reference.rule(), seed: reference.seed, workers: workers,
                cancellation: access.cancellation, progress: access.progress)
            guard passes.fingerprint == reference.fingerprint else {
                throw StarlingError(.badData, "it has changed", at: .init(file: reference.source))
            }
            return try passes.userMatrix(
                workers: workers, cancellation: access.cancellation, progress: access.progress)
        }
        known = (nil, matrix)
        return matrix
    }

    /// Histories of some users, `[users × items]`; rows of others may be empty.
    ///
    /// - Throws: as ``all()``.
    /// - Complexity: of histories that are referred to one pass over the data, which is not made again for some of these users.
    public func of(_ users: [UserRow]) throws -> InteractionMatrix<UserRow, ItemRow> {
        if let known, known.users.map({ $0.isSuperset(of: users) }) ?? true { return known.matrix }
        let asked = users.reduce(0) { $0 + Int(activity[$1.index]) }
        guard asked <= count / 8 else { return try all() }
        let matrix = try read { source, referred, workers in
            let (access, reference) = (referred.access, referred.reference)
            return try source.histories(
                of: users, split: reference.rule(), seed: reference.seed, fingerprint: reference.fingerprint,
                workers: workers, cancellation: access.cancellation, progress: access.progress)
        }
        known = (Set(users), matrix)
        return matrix
    }

    private func read<Result>(_ body: (IndexedSource, Referred, Workers) throws -> Result) throws -> Result {
        guard let referred else { preconditionFailure("histories that are there are not read") }
        let reference = referred.reference
        do {
            let workers = referred.access.workers ?? Workers()
            let source = try reference.open(referred.users, referred.items, referred.access, workers)
            return try body(source, referred, workers)
        } catch let error as StarlingError where error.code != .interrupted {
            throw StarlingError(
                .failed, "what users have had stands in the data that the model was trained on, which cannot be used",
                at: error.place.file == nil ? .init(file: reference.source) : error.place,
                remedy: "put that data back, or do without it: recommend --include-seen", cause: error)
        }
    }
}
