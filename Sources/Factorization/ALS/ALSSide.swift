import CKernels
import Interactions

/// One side's rows with their interactions, in the order in which an iteration solves them: long histories first, so that
/// threads end together.
struct ALSSide {
    private let offsets: [Int]
    /// Of the rows that are here, one behind the other; see ``first(_:)``.
    private(set) var columns: [UInt32]
    private(set) var values: [Float]?
    /// Where rows begin in ``columns``, if not at ``offsets``.
    private var firsts: [Int]?
    /// Rows with interactions, the longest first, then by number.
    let order: [UInt32]
    let longest: Int

    /// Where the rows begin that a worker takes at a time, a step of ``EpochPlace``; one more for the end.
    private let starts: [Int]

    init<Row, Column>(_ matrix: InteractionMatrix<Row, Column>) {
        offsets = matrix.offsets
        columns = matrix.columns
        values = matrix.values
        let rows = (0..<matrix.rowCount).filter { matrix.offsets[$0] < matrix.offsets[$0 + 1] }.map(UInt32.init)
        let offsets = matrix.offsets
        func count(_ row: UInt32) -> Int { offsets[Int(row) + 1] - offsets[Int(row)] }
        order = rows.sorted { (count($1), $0) < (count($0), $1) }
        longest = order.first.map(count) ?? 0
        // Rows of long histories that are solved together share what they read (`sk_als_cg`).
        let most = max(matrix.entryCount / 24, 1)
        var (starts, interactions) = ([0], 0)
        for (place, row) in order.enumerated() {
            if place > starts.last!, interactions + count(row) > most || place - starts.last! == SK_ALS_TOGETHER {
                starts.append(place)
                interactions = 0
            }
            interactions += count(row)
        }
        self.starts = starts + (order.isEmpty ? [] : [order.count])
    }

    func count(_ row: Int) -> Int { offsets[row + 1] - offsets[row] }

    /// Interactions of all rows, here or on other ranks.
    var interactions: Int { offsets.last! }

    /// Where a row's interactions begin in ``columns`` and ``values``.
    func first(_ row: Int) -> Int { firsts?[row] ?? offsets[row] }

    /// Lets go of the interactions of all other chunks.
    mutating func keep(_ own: [Int]) {
        let kept = own.reduce(0) { $0 + rows($1).reduce(0) { $0 + count(Int($1)) } }
        var (places, columns, values) = ([Int](repeating: -1, count: offsets.count - 1), [UInt32](), [Float]())
        columns.reserveCapacity(kept)
        if self.values != nil { values.reserveCapacity(kept) }
        for chunk in own {
            for row in rows(chunk) {
                let stored = first(Int(row))..<first(Int(row)) + count(Int(row))
                places[Int(row)] = columns.count
                columns += self.columns[stored]
                if let all = self.values { values += all[stored] }
            }
        }
        self.columns = columns
        if self.values != nil { self.values = values }
        firsts = places
    }

    var chunks: Int { starts.count - 1 }

    func rows(_ chunk: Int) -> ArraySlice<UInt32> { order[starts[chunk]..<starts[chunk + 1]] }

    /// The most rows of a chunk.
    var widest: Int { (0..<chunks).reduce(0) { max($0, rows($1).count) } }

    /// The first of ``columns`` and of ``values``.
    func withInteractions(_ body: (UnsafePointer<UInt32>, UnsafePointer<Float>?) -> Void) {
        columns.withUnsafeBufferPointer { columns in
            guard let base = columns.baseAddress else { return }
            guard let values else { return body(base, nil) }
            values.withUnsafeBufferPointer { body(base, $0.baseAddress!) }
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
