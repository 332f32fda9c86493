import CKernels
import Interactions

/// One side's rows with their interactions, in the order in which an iteration solves them: long histories first, so that
/// threads end together.
struct ALSSide {
    let offsets: [Int]
    let columns: [UInt32]
    let values: [Float]?
    /// Rows with interactions, the longest first, then by number.
    let order: [UInt32]
    let longest: Int

    /// Rows that a worker takes at a time, and a step of ``EpochPlace``.
    static let chunk = 32

    init<Row, Column>(_ matrix: InteractionMatrix<Row, Column>) {
        offsets = matrix.offsets
        columns = matrix.columns
        values = matrix.values
        let rows = (0..<matrix.rowCount).filter { matrix.offsets[$0] < matrix.offsets[$0 + 1] }.map(UInt32.init)
        let offsets = matrix.offsets
        func count(_ row: UInt32) -> Int { offsets[Int(row) + 1] - offsets[Int(row)] }
        order = rows.sorted { (count($1), $0) < (count($0), $1) }
        longest = order.first.map(count) ?? 0
    }

    func count(_ row: Int) -> Int { offsets[row + 1] - offsets[row] }

    var chunks: Int { (order.count + Self.chunk - 1) / Self.chunk }

    func rows(_ chunk: Int) -> ArraySlice<UInt32> {
        order[chunk * Self.chunk..<min(order.count, (chunk + 1) * Self.chunk)]
    }

    func withInteractions(of row: Int, _ body: (UnsafePointer<UInt32>, UnsafePointer<Float>?, _ count: Int) -> Void) {
        let (first, count) = (offsets[row], count(row))
        columns.withUnsafeBufferPointer { columns in
            guard let values else { return body(columns.baseAddress! + first, nil, count) }
            values.withUnsafeBufferPointer { body(columns.baseAddress! + first, $0.baseAddress! + first, count) }
        }
    }

    /// Whether what the dual saves on short histories (multiplications, roughly) is more than what the change of basis costs.
    func gainsFromRotation(order k: Int, others: Int) -> Bool {
        var saved = 0.0
        let (width, k) = (k, Double(k))
        for row in order {
            let count = count(Int(row))
            guard sk_als_takes_dual(width, count) != 0 else { continue }
            let (n, w) = (Double(count), Double((count + 15) / 16 * 16))
            saved += n * k * k / 2 + k * k * k / 6 - (w * w * k / 2 + w * w * w / 6 + 6 * w * k)
        }
        return saved > 60 * k * k * k + Double(others + order.count) * k * k
    }
}
