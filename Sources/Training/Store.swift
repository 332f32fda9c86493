public import Basics
public import Interactions

/// A place that ratings come from and vectors go to.
///
/// ```swift
/// let store = try Stores.open("sqlite:ratings.db?table=ratings")
/// let loaded = try InteractionReader.read(store, options: ReadingOptions(), workers: Workers())
/// try store.write([VectorTable(…)], stamp: RunStamp(run: "first"))
/// ```
public protocol Store: InteractionSource {
    /// What opens it again, without secrets: `postgres://USER@HOST/DATABASE?table=ratings`.
    var address: String { get }
    /// What holds its tables, for messages: a file, a database, a project.
    var place: String { get }

    /// Sees to it that these tables can be written, as far as can be told beforehand: before an hour's training.
    func check(_ tables: [VectorTable]) throws

    /// Makes tables hold these vectors and no others. A reader never sees a table half-written where the store has
    /// transactions; where it has none, rows say of which run they are, and the same call again goes on.
    ///
    /// - Returns: what should be told, such as a table that cannot say which run its rows are of.
    /// - Throws: `badData` for tables that cannot take them; `unavailable` for a store that is not there or refuses access;
    ///   `interrupted`.
    @discardableResult func write(
        _ tables: [VectorTable], stamp: RunStamp, cancellation: Cancellation?,
        progress: @Sendable (_ done: Int, _ total: Int) -> Void
    ) throws -> [String]
}

/// Vectors on their way into a table, one a row, `[rows × width]`.
public struct VectorTable: Sendable {
    /// `movie_embeddings`, perhaps with a schema before it: `public.movie_embeddings`.
    public var name: String
    /// The column of ids: `movie_id`.
    public var idColumn: String
    public var rowCount: Int
    public var width: Int
    /// Whether all ids are whole numbers of 64 bits.
    public var hasIntegerIDs: Bool
    /// The raw id of a row.
    public var id: @Sendable (Int) -> String
    /// The vector of a row, biases apart.
    public var vector: @Sendable (Int) -> [Float]
    /// The bias of a row; nil for models without.
    public var bias: (@Sendable (Int) -> Float)?

    public init(
        name: String, idColumn: String, rowCount: Int, width: Int, hasIntegerIDs: Bool,
        id: @escaping @Sendable (Int) -> String, vector: @escaping @Sendable (Int) -> [Float],
        bias: (@Sendable (Int) -> Float)?
    ) {
        (self.name, self.idColumn, self.rowCount, self.width) = (name, idColumn, rowCount, width)
        (self.hasIntegerIDs, self.id, self.vector, self.bias) = (hasIntegerIDs, id, vector, bias)
    }

    /// A row's vector as a list that JSON and pgvector both read: `[0.5,-1]`. Shortest digits that give the same floats.
    package func list(_ row: Int) -> String { "[" + vector(row).map { "\($0)" }.joined(separator: ",") + "]" }
}

/// What rows that were exported together have in common.
public struct RunStamp: Sendable, Equatable {
    /// Letters and digits that name the weights: the beginning of their SHA-256, so that the same export is known again.
    public var run: String
    /// Seconds since 1970 at which the export began.
    public var time: Int64

    /// - Parameter run: all but letters, digits and `-` is left out.
    public init(run: some StringProtocol, time: Int64 = Int64(Host.now())) {
        self.run = String(run).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        self.time = time
    }
}
