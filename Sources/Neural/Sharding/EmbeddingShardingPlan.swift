import Basics
import Kernels

/// Which rank holds what of which embedding table, in the words of TorchRec's planner.
///
/// | kind | who holds what | what a step sends |
/// |---|---|---|
/// | ``Kind/dataParallel`` | every rank the whole table | each rank's gradients, to all |
/// | ``Kind/tableWise`` | one rank the whole table | rows that a batch needs, and their gradients |
/// | ``Kind/rowWise`` | each rank a range of rows | the same, to and from several ranks |
/// | ``Kind/columnWise`` | each rank a range of columns of all rows | the same, in parts of rows |
///
/// Ranges do not overlap and cover a table; they are as even as their number allows.
public struct EmbeddingShardingPlan: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case dataParallel = "data-parallel"
        case tableWise = "table-wise"
        case rowWise = "row-wise"
        case columnWise = "column-wise"
    }

    /// A part of a table in the memory of one rank.
    public struct Shard: Sendable, Equatable, Codable {
        public let rank: Int
        public let rows, columns: Range<Int>

        public init(rank: Int, rows: Range<Int>, columns: Range<Int>) {
            (self.rank, self.rows, self.columns) = (rank, rows, columns)
        }
    }

    /// A table's shards: by rising rows, or by rising columns.
    public struct Table: Sendable, Equatable, Codable {
        public let name: String
        public let rows, width: Int
        public let kind: Kind
        public let shards: [Shard]

        /// Cut for ranks in their order: one for ``Kind/tableWise``, any number for others.
        ///
        /// - Precondition: at least one rank, not more than rows or columns that are to be cut.
        public init(_ name: String, rows: Int, width: Int, _ kind: Kind, ranks: [Int]) {
            (self.name, self.rows, self.width, self.kind) = (name, rows, width, kind)
            precondition(!ranks.isEmpty && (kind != .tableWise || ranks.count == 1), "\(ranks.count) ranks for \(name)")
            func part(_ place: Int, of count: Int) -> Range<Int> {
                precondition(count >= ranks.count, "\(count) cannot be cut in \(ranks.count)")
                return count * place / ranks.count..<count * (place + 1) / ranks.count
            }
            shards = ranks.enumerated().map { place, rank in
                Shard(
                    rank: rank, rows: kind == .rowWise ? part(place, of: rows) : 0..<rows,
                    columns: kind == .columnWise ? part(place, of: width) : 0..<width)
            }
        }
    }

    public var tables: [Table]
    public var ranks: Int

    public init(_ tables: [Table], ranks: Int) { (self.tables, self.ranks) = (tables, ranks) }

    /// Bytes of embeddings and optimiser state on each rank.
    public func bytes(_ optimizer: EmbeddingOptimizer) -> [Int] {
        tables.reduce(into: [Int](repeating: 0, count: ranks)) { bytes, table in
            for shard in table.shards {
                bytes[shard.rank] += EmbeddingLoad.bytes(
                    rows: shard.rows.count, width: shard.columns.count, optimizer)
            }
        }
    }
}

extension EmbeddingShardingPlan {
    /// The tables of one side's features, by their own names.
    ///
    /// - Throws: `usage` if one is missing or has another size.
    func tables(of side: String, _ features: [FeatureBags], width: Int) throws -> EmbeddingShardingPlan {
        let chosen = try features.map { bags in
            let table = try table("\(side).\(bags.name)", rows: bags.tableRows, width: width, of: "TwoTower")
            return Table(renaming: table, bags.name)
        }
        return EmbeddingShardingPlan(chosen, ranks: ranks)
    }

    /// - Parameter model: whose table it is.
    /// - Throws: `usage` if it is missing or has another size.
    func table(_ name: String, rows: Int, width: Int, of model: String) throws -> Table {
        guard let table = tables.first(where: { $0.name == name }), table.rows == rows, table.width == width else {
            throw StarlingError(
                .usage, "the plan has no table \(name) of \(rows) rows and \(width) columns",
                remedy: "make the plan of \(model).embeddingLoads for the same data and options")
        }
        return table
    }

    /// - Throws: `usage` if it is for another number of ranks.
    func validate(for ranks: any Communicator) throws {
        guard self.ranks == ranks.size else {
            throw StarlingError(
                .usage, "the plan is for \(self.ranks) ranks, and there are \(ranks.size)",
                remedy: "make it for as many ranks, or leave it out")
        }
    }
}

extension EmbeddingShardingPlan.Table {
    fileprivate init(renaming table: Self, _ name: String) {
        (self.name, rows, width) = (name, table.rows, table.width)
        (kind, shards) = (table.kind, table.shards)
    }
}

/// What a table asks of the ranks that hold it.
public struct EmbeddingLoad: Sendable, Equatable {
    public let name: String
    public let rows, width: Int
    /// Rows that a sample of the batch uses, in the mean.
    public let lookups: Double

    public init(_ name: String, rows: Int, width: Int, lookups: Double) {
        (self.name, self.rows, self.width, self.lookups) = (name, rows, width, lookups)
    }

    /// Bytes that rows of so many columns take with their optimiser state.
    static func bytes(rows: Int, width: Int, _ optimizer: EmbeddingOptimizer) -> Int {
        let stride = FactorTable.stride(width)
        return 4 * rows * (stride + optimizer.stateFloats(stride: stride))
    }

    func bytes(_ optimizer: EmbeddingOptimizer) -> Int { Self.bytes(rows: rows, width: width, optimizer) }
}
