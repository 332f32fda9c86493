import ArgumentParser
import Starling

/// Which tables vectors go to.
struct ExportTableFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("Write users' vectors to this table. Default: user_embeddings.", valueName: "table"))
    var userTable: String?

    @Option(
        help: ArgumentHelp("Write items' vectors to this table. Default: movie_embeddings.", valueName: "table"))
    var itemTable: String?

    @Option(help: ArgumentHelp("Write users' ids to this column. Default: user_id.", valueName: "column"))
    var userColumn: String?

    @Option(help: ArgumentHelp("Write items' ids to this column. Default: movie_id.", valueName: "column"))
    var itemColumn: String?

    var tables: ExportTables {
        var tables = ExportTables()
        tables.users = (userTable ?? tables.users.table, userColumn ?? tables.users.column)
        tables.items = (itemTable ?? tables.items.table, itemColumn ?? tables.items.column)
        return tables
    }
}

/// Tables, and their columns of ids, as the Vertex trainer names them.
struct ExportTables {
    var users = (table: "user_embeddings", column: "user_id")
    var items = (table: "movie_embeddings", column: "movie_id")

    func table(of side: VectorExport.Side) -> VectorTable {
        let (name, column) = side.kind == "user" ? users : items
        return VectorTable(
            name: name, idColumn: column, rowCount: side.count,
            width: side.width, hasIntegerIDs: side.hasIntegerIDs, id: side.id, vector: side.vector, bias: side.bias)
    }

    /// The same tables before there are vectors.
    func empty(_ choice: VectorChoice, width: Int) -> [VectorTable] {
        let kinds = (choice.hasUsers ? ["user"] : []) + (choice.hasItems ? ["item"] : [])
        return kinds.map { kind in
            table(
                of: .init(
                    kind: kind, count: 0, width: width, hasIntegerIDs: true, id: { _ in "" }, vector: { _ in [] },
                    bias: nil))
        }
    }
}

extension VectorExport {
    /// Writes to a store, with a bar.
    ///
    /// - Parameter weights: their SHA-256, which names the run in the tables.
    func write(to store: any Store, _ named: ExportTables, weights: String) throws {
        let tables = sides.map(named.table)
        let bar = ProgressBar("exporting", unit: "rows", total: tables.reduce(0) { $0 + $1.rowCount })
        let shared = SharedBar(bar)
        defer { bar.finish() }
        let notices = try store.write(
            tables, stamp: RunStamp(run: weights.prefix(16) + (folded ? "-folded" : "")),
            cancellation: Signals.cancelOnInterrupt()
        ) { done, _ in shared.update(done) }
        bar.finish()
        for notice in notices { FileHandles.standardError("notice: \(notice)\n") }
        let names = tables.map { "\($0.name) (\(Numerals.grouped($0.rowCount)) rows)" }.joined(separator: ", ")
        FileHandles.standardError("wrote \(names) to \(store.place)\n")
    }
}
