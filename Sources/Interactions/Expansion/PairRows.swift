import Kernels

/// A matrix of ones as a linear map on vectors of 64-bit floats.
struct PairRows: Sendable {
    private let offsets: [Int]
    private let columns: [UInt32]
    /// Rows of about as many entries each.
    private let cuts: [Int]

    var rowCount: Int { offsets.count - 1 }

    init(offsets: [Int], columns: [UInt32]) {
        (self.offsets, self.columns) = (offsets, columns)
        let parts = 64
        var cuts = [0]
        for row in 0..<offsets.count - 1 where offsets[row + 1] * parts >= columns.count * cuts.count {
            cuts.append(row + 1)
        }
        if cuts.last! < offsets.count - 1 { cuts.append(offsets.count - 1) }
        self.cuts = cuts
    }

    /// `y = A x`, row by row on all threads.
    func multiply(_ x: [Double], into y: inout [Double], workers: Workers) {
        precondition(y.count == rowCount)
        y.withUnsafeMutableBufferPointer { y in
            workers.forEach(cuts.count - 1) { part, _ in multiply(x, rows: cuts[part]..<cuts[part + 1], y) }
        }
    }

    /// `A x` by the calling thread alone.
    func times(_ x: [Double]) -> [Double] {
        [Double](unsafeUninitializedCapacity: rowCount) { y, count in
            multiply(x, rows: 0..<rowCount, y)
            count = rowCount
        }
    }

    private func multiply(_ x: [Double], rows: Range<Int>, _ y: UnsafeMutableBufferPointer<Double>) {
        x.withUnsafeBufferPointer { x in
            columns.withUnsafeBufferPointer { columns in
                for row in rows {
                    // Four sums, so that additions need not wait for each other.
                    var sums = SIMD4<Double>.zero
                    var (entry, end) = (offsets[row], offsets[row + 1])
                    while entry + 4 <= end {
                        sums += SIMD4(
                            x[Int(columns[entry])], x[Int(columns[entry + 1])], x[Int(columns[entry + 2])],
                            x[Int(columns[entry + 3])])
                        entry += 4
                    }
                    while entry < end {
                        end -= 1
                        sums[0] += x[Int(columns[end])]
                    }
                    y[row] = sums.sum()
                }
            }
        }
    }
}
