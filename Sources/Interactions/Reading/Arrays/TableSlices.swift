import Basics
import Formats

/// The slices of several tables that are read as one, in their order.
struct TableSlices {
    struct Slice {
        let table: Int
        let rows: Range<Int>
    }

    let slices: [Slice]
    /// Where each slice's rows go.
    let starts: [Int]
    /// Rows of all.
    let count: Int

    /// - Parameters:
    ///   - tables: the slices of each.
    ///   - file: the first one, for the message.
    /// - Throws: `badData` if there are no rows.
    init(of tables: some Sequence<[Range<Int>]>, file: String) throws {
        self.init(
            tables.enumerated().flatMap { table, ranges in ranges.map { Slice(table: table, rows: $0) } })
        guard count > 0 else {
            throw StarlingError(
                .badData, "its arrays hold no interactions", at: .init(file: file),
                remedy: "name a file that holds interactions")
        }
    }
    private init(_ slices: [Slice]) {
        self.slices = slices
        let ends = slices.reduce(into: [0]) { $0.append($0.last! + $1.rows.count) }
        (starts, count) = (Array(ends.dropLast()), ends.last!)
    }

    /// Tables of which there are slices, in order.
    var tables: [Int] { Set(slices.map(\.table)).sorted() }

    /// Those that are this rank's to read.
    func share(of ranks: any Communicator) -> TableSlices {
        TableSlices(Array(slices[ranks.share(of: slices.map(\.rows.count))]))
    }

    /// The same in slices of at most `size` rows.
    func cut(to size: Int) -> TableSlices {
        TableSlices(
            slices.flatMap { slice in
                LineGrid.cuts(slice.rows, size: size).map { Slice(table: slice.table, rows: $0) }
            })
    }
}
