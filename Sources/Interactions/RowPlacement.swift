import Kernels

/// A stable counting sort by row whose input is cut into slices: first each slice counts its rows, then ``place()`` says
/// where each slice's first entry of each row goes, then each slice puts its entries there, one after another. Any number
/// of slices gives the same order.
///
/// `@unchecked Sendable`: slices are used by one thread at a time.
final class RowPlacement: @unchecked Sendable {
    private let slices: Int
    private let rows: Int
    /// `[slices × rows]`: counts, then places.
    private let numbers: UnsafeMutablePointer<UInt32>

    init(slices: Int, rows: Int) {
        (self.slices, self.rows) = (slices, rows)
        numbers = .allocate(capacity: max(1, slices * rows))
        numbers.initialize(repeating: 0, count: max(1, slices * rows))
    }

    /// Slices that were counted already, `[slices × rows]`.
    convenience init(counts: [UInt32], rows: Int) {
        self.init(slices: counts.count / max(1, rows), rows: rows)
        numbers.update(from: counts, count: counts.count)
    }

    deinit { numbers.deallocate() }

    /// A slice a thread, but not so many that counts take more than 2 bytes an entry.
    static func sliceCount(_ entries: Int, rows: Int, _ workers: Workers) -> Int {
        precondition(entries < Int(UInt32.max), "more entries than 32 bits count")
        return max(1, min(workers.count, entries / max(1, 2 * rows)))
    }

    /// The counts, later the places, of a slice's rows.
    subscript(_ slice: Int) -> UnsafeMutablePointer<UInt32> { numbers + slice * rows }

    /// Turns counts into places.
    ///
    /// - Returns: where each row begins, and the end: `[rows + 1]`.
    func place() -> [Int] {
        [Int](unsafeUninitializedCapacity: rows + 1) { offsets, count in
            var next = 0
            for row in 0..<rows {
                offsets[row] = next
                for slice in 0..<slices {
                    let entries = Int(numbers[slice * rows + row])
                    numbers[slice * rows + row] = UInt32(next)
                    next += entries
                }
            }
            offsets[rows] = next
            count = rows + 1
        }
    }
}

/// Columns and values of a matrix that is being filled.
struct MatrixPointers {
    let columns: UnsafeMutablePointer<UInt32>
    let values: UnsafeMutablePointer<Float>?

    /// Calls `body`, unless there are no entries.
    static func with(
        _ columns: inout [UInt32], _ values: inout [Float]?, _ body: (MatrixPointers) throws -> Void
    ) rethrows {
        try columns.withUnsafeMutableBufferPointer { columns in
            guard let base = columns.baseAddress else { return }
            if values == nil { return try body(MatrixPointers(columns: base, values: nil)) }
            try values!.withUnsafeMutableBufferPointer {
                try body(MatrixPointers(columns: base, values: $0.baseAddress))
            }
        }
    }
}

extension Optional where Wrapped == [Float] {
    /// Calls `body` with the elements, or with nil where there is no array.
    func withPointerToElements<Result>(_ body: (UnsafePointer<Float>?) throws -> Result) rethrows -> Result {
        guard let self else { return try body(nil) }
        return try self.withUnsafeBufferPointer { try body($0.baseAddress) }
    }
}
