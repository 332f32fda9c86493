import Basics
import Formats
import Kernels

/// Turns a slice of an ``ArrayTable`` into rows of columns.
///
/// Columns are walked one after another. Where an element cannot be read, its row is noted; if such rows are skipped,
/// the slice is then walked again without them, so that their ids leave no trace.
struct ArrayParser {
    let table: ArrayTable
    let output: ColumnPointers
    var users: IDSink
    var items: IDSink
    /// Why rows cannot be read, by row; of several reasons the first found.
    private var refused: [Int: Refusal] = [:]
    private var rows = 0
    private var tally = RefusalTally()

    init(_ table: ArrayTable, output: ColumnPointers, users: IDSink, items: IDSink) {
        (self.table, self.output, self.users, self.items) = (table, output, users, items)
    }

    /// What the slice came to.
    var chunk: ParsedChunk { ParsedChunk(rows: rows, tally: tally, users: users, items: items) }

    /// Parses rows `range` of the table.
    ///
    /// - Throws: the lowest row that cannot be read as `badData`, unless such rows are skipped.
    mutating func parse(_ range: Range<Int>, skipsBadRows: Bool) throws {
        let (users, items) = (users, items)
        walk(range)
        rows = range.count
        guard let lowest = refused.keys.min() else { return }
        guard skipsBadRows else {
            throw StarlingError(
                .badData, refused[lowest]!.what, at: .init(file: table.file),
                remedy: "correct the array, or leave such rows out with --skip-bad-rows")
        }
        (self.users, self.items) = (users, items)
        let good = range.filter { refused[$0] == nil }
        walk(good)
        rows = good.count
        for (_, refusal) in refused.sorted(by: { $0.key < $1.key }) { tally.add(refusal, file: table.file) }
    }

    private mutating func walk<Rows: Collection<Int>>(_ rows: Rows) {
        if let values = table.values { walkNumbers(values, rows, .valueNotFinite, output.values!) }
        if let times = table.times { walkNumbers(times, rows, .timeNotFinite, output.times!) }
        var sink = users
        switch table.users {
        case .array(let array): walkIDs(array, rows, output.users, &sink)
        case .rows(let offsets):
            var row = offsets.partitioningIndex { $0 > rows.first ?? 0 } - 1
            for (place, entry) in rows.enumerated() {
                while offsets[row + 1] <= entry { row += 1 }
                output.users[place] = UInt32(row)
            }
            sink.greatest = max(sink.greatest, UInt32(max(0, row)))
        }
        users = sink
        sink = items
        walkIDs(table.items, rows, output.items, &sink)
        items = sink
    }

    /// Lets go of the slice's part of the file.
    func release(_ range: Range<Int>) {
        var arrays = [table.items, table.values, table.times].compactMap(\.self)
        if case .array(let users) = table.users { arrays.append(users) }
        for array in arrays {
            array.release(range.lowerBound * array.element.size..<range.upperBound * array.element.size)
        }
    }

    mutating func refuse(
        _ row: Int, _ reason: RefusalReason, _ array: NPYArray, _ shown: String, _ expected: String
    ) {
        guard refused[row] == nil else { return }
        let name = array.name ?? ""
        let place = table.batch.map { "batch \($0.number), column" } ?? "array"
        refused[row] = Refusal(
            reason: reason, line: (table.batch?.firstRow ?? 0) + row + 1, column: 1,
            what: "\(place) “\(name)”: \(name)[\(row)] is \(shown), not \(expected)")
    }
}

extension [Int] {
    /// The first index whose element fulfils a condition that, once fulfilled, stays so.
    func partitioningIndex(_ condition: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
