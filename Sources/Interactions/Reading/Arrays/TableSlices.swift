import Basics

/// The slices of several tables that are read as one, in their order.
struct TableSlices {
    struct Slice {
        let table: Int
        let rows: Range<Int>
    }

    private(set) var slices: [Slice] = []
    /// Where each slice's rows go.
    private(set) var starts: [Int] = []
    /// Rows of all.
    private(set) var count = 0

    /// - Parameters:
    ///   - tables: the slices of each.
    ///   - file: the first one, for the message.
    /// - Throws: `badData` if there are no rows.
    init(of tables: some Sequence<[Range<Int>]>, file: String) throws {
        for (table, ranges) in tables.enumerated() {
            for rows in ranges {
                slices.append(Slice(table: table, rows: rows))
                starts.append(count)
                count += rows.count
            }
        }
        guard count > 0 else {
            throw StarlingError(
                .badData, "its arrays hold no interactions", at: .init(file: file),
                remedy: "name a file that holds interactions")
        }
    }
}
