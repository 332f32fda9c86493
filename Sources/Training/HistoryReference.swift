public import Basics
public import Formats
import Interactions
public import Kernels

/// Where the histories of a very large training set are: in the data itself, which can be gone through in passes. What
/// `history.json` says.
public struct HistoryReference: Codable, Equatable, Sendable {
    /// Path or address, without secrets.
    public var source: String
    /// Which columns hold what, as `--columns` has it; nil where they were recognised.
    public var columns: String?
    /// The share of its files.
    public var fraction: Double
    /// What training held out, as `--split` has it; nil for nothing.
    public var split: String?
    public var seed: UInt64
    /// Of all interactions of the source, held-out ones included.
    public var fingerprint: String
    /// Interactions of the source.
    public var interactions: Int

    public init(
        source: String, columns: String?, fraction: Double, split: String?, seed: UInt64, fingerprint: String,
        interactions: Int
    ) {
        (self.source, self.columns, self.fraction) = (source, columns, fraction)
        (self.split, self.seed) = (split, seed)
        (self.fingerprint, self.interactions) = (fingerprint, interactions)
    }

    /// Interactions of training above which a model's folder refers to histories that can be found again: 200 million, or
    /// `STARLING_HISTORY_LIMIT`.
    ///
    /// - Throws: `usage` if the variable is no number.
    package static func limit() throws -> Int {
        guard let text = Host.variable("STARLING_HISTORY_LIMIT") else { return 200_000_000 }
        guard let limit = Int(text), limit >= 0 else {
            throw StarlingError(
                .usage, "STARLING_HISTORY_LIMIT=\(text) is not a number of interactions", remedy: "as in 200000000")
        }
        return limit
    }
}

/// Histories that a ``ModelFolder`` refers to, and how many interactions users and items have there in training.
public struct ReferredHistory: Sendable {
    public var reference: HistoryReference
    /// `[users]`
    public var activity: [UInt32]
    /// `[items]`
    public var audience: [UInt32]

    public init(_ reference: HistoryReference, activity: [UInt32], audience: [UInt32]) {
        (self.reference, self.activity, self.audience) = (reference, activity, audience)
    }
}

/// How histories are read that a model's folder refers to.
public struct HistoryAccess {
    /// Nil makes some when they are needed.
    public var workers: Workers?
    /// Opens shards at an address; nil for what is a path of this machine.
    public var openShards: (_ location: String) throws -> MDSFolder? = { _ in nil }
    public var cancellation: Cancellation?
    /// Called now and then with interactions, and with all of them at the end.
    public var progress: ((_ done: Int, _ total: Int) -> Void)?

    public init() {}
}

extension HistoryReference {
    /// The source, with the vocabularies of a model.
    ///
    /// - Throws: what opening it throws; `badData` if it has other sizes.
    func open(
        _ users: Vocabulary<UserRow>, _ items: Vocabulary<ItemRow>, _ access: HistoryAccess, _ workers: Workers
    ) throws -> IndexedSource {
        var options = ReadingOptions()
        options.columns = try columns.map(ColumnMapping.init(parsing:))
        options.fraction = fraction
        let found =
            if let folder = try access.openShards(source) {
                try PassableSource(folder, options: options)
            } else {
                try PassableSource(source, options: options)
            }
        guard found.count == interactions else {
            throw StarlingError(
                .badData,
                "it has \(Numerals.grouped(found.count)) interactions, and had \(Numerals.grouped(interactions))",
                at: .init(file: source))
        }
        return try IndexedSource(found, users: users, items: items, workers: workers)
    }

    func rule() throws -> SplitRule? { try split.map(SplitRule.init(parsing:)) }
}
