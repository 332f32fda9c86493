import Kernels

/// Columns under construction: room for every row that may come, written by many threads at places of their own.
struct LogColumns {
    var users: [UInt32]
    var items: [UInt32]
    var values: [Float]?
    var times: [Int64]?

    init(users: [UInt32], items: [UInt32], values: [Float]?, times: [Int64]?) {
        self.users = users
        self.items = items
        self.values = values
        self.times = times
    }

    /// Columns of `capacity` rows whose content is not set, so that their memory is not touched yet.
    init(capacity: Int, hasValues: Bool, hasTimes: Bool) {
        users = Self.unset(capacity)
        items = Self.unset(capacity)
        values = hasValues ? Self.unset(capacity) : nil
        times = hasTimes ? Self.unset(capacity) : nil
    }

    var count: Int { users.count }

    /// The columns as pointers, for the time of `body`.
    mutating func withPointers<Result>(_ body: (ColumnPointers) throws -> Result) rethrows -> Result {
        try users.withUnsafeMutableBufferPointer { users in
            try items.withUnsafeMutableBufferPointer { items in
                try Self.withPointer(&values) { values in
                    try Self.withPointer(&times) { times in
                        guard let userBase = users.baseAddress, let itemBase = items.baseAddress else {
                            preconditionFailure("columns without rows")
                        }
                        return try body(ColumnPointers(users: userBase, items: itemBase, values: values, times: times))
                    }
                }
            }
        }
    }

    /// Moves blocks of rows together: block `b` has `rows[b]` rows from `starts[b]` on.
    mutating func compact(starts: [Int], rows: [Int]) {
        let total = rows.reduce(0, +)
        guard total < count else { return }
        Self.compact(&users, starts, rows)
        Self.compact(&items, starts, rows)
        if values != nil { Self.compact(&values!, starts, rows) }
        if times != nil { Self.compact(&times!, starts, rows) }
    }

    /// Keeps the rows for which `keeps` is true, in order.
    mutating func keep(_ keeps: [Bool]) {
        func filter<Element>(_ column: inout [Element]) {
            var next = 0
            for row in column.indices where keeps[row] {
                column[next] = column[row]
                next += 1
            }
            column.removeLast(column.count - next)
        }
        filter(&users)
        filter(&items)
        if values != nil { filter(&values!) }
        if times != nil { filter(&times!) }
    }

    static func unset<Element: BitwiseCopyable>(_ capacity: Int) -> [Element] {
        [Element](unsafeUninitializedCapacity: capacity) { memory, count in
            LargeMemory.advise(UnsafeMutableRawBufferPointer(memory))
            count = capacity
        }
    }

    private static func withPointer<Element, Result>(
        _ column: inout [Element]?, _ body: (UnsafeMutablePointer<Element>?) throws -> Result
    ) rethrows -> Result {
        guard column != nil else { return try body(nil) }
        return try column!.withUnsafeMutableBufferPointer { try body($0.baseAddress) }
    }

    private static func compact<Element: BitwiseCopyable>(_ column: inout [Element], _ starts: [Int], _ rows: [Int]) {
        var next = 0
        column.withUnsafeMutableBufferPointer { column in
            for block in starts.indices where rows[block] > 0 {
                if next != starts[block] {
                    let target = column.baseAddress! + next
                    target.update(from: column.baseAddress! + starts[block], count: rows[block])
                }
                next += rows[block]
            }
        }
        column.removeLast(column.count - next)
    }
}

/// Where a reader of a chunk writes its rows.
struct ColumnPointers {
    let users: UnsafeMutablePointer<UInt32>
    let items: UnsafeMutablePointer<UInt32>
    let values: UnsafeMutablePointer<Float>?
    let times: UnsafeMutablePointer<Int64>?

    func advanced(by rows: Int) -> ColumnPointers {
        ColumnPointers(
            users: users + rows, items: items + rows, values: values.map { $0 + rows }, times: times.map { $0 + rows })
    }
}
