import CKernels
import Kernels
import Testing

/// The kernels of Adam against the formulas in double precision, written down once more.
@Suite struct AdamKernelTests {
    struct Shape: Sendable, CustomStringConvertible {
        var width: Int
        var biased = true
        var dropout: Float = 0
        var scale: Float = 1
        var description: String { "\(width) \(biased) \(dropout) \(scale)" }
    }

    static let shapes =
        [1, 7, 16, 17, 33, 64, 100, 128, 200, 256].flatMap {
            [Shape(width: $0), Shape(width: $0, biased: false, scale: 0.3)]
        } + [5, 64, 70].map { Shape(width: $0, dropout: 0.4) }

    @Test(arguments: shapes, [1, 3]) func batchesFollowTheFormulas(shape: Shape, workers: Int) {
        for isa in InstructionSet.allCases where isa <= .best {
            let model = Model(shape)
            for batch in 1...3 { model.step(batch, workers: workers, isa: isa) }
            #expect(model.largestDifference < 1e-5, "\(isa)")
            #expect(model.paddingIsZero)
        }
    }

    @Test func ownersShareRowsEvenlyAndNeighboursStayTogether() {
        let rows = Array(0..<UInt32(16 * 1000))
        for workers in [1, 2, 3, 7, 64] {
            for isa in InstructionSet.allCases where isa <= .best {
                var owners = [UInt16](repeating: 0, count: rows.count)
                sk_adam_owners(rows, rows.count, UInt32(workers), &owners, isa.rawValue)
                let counts = (0..<workers).map { worker in owners.filter { $0 == worker }.count / 16 }
                #expect(counts.reduce(0, +) == 1000)
                #expect(counts.max()! - counts.min()! <= 3)
                #expect((0..<rows.count).allSatisfy { owners[$0] == owners[$0 / 16 * 16] })
            }
        }
    }
}

/// A small model twice: in tables for the kernels, and as `[side][row][factor]` in double precision.
private final class Model {
    private typealias Rows = [[[Double]]]
    private let shape: AdamKernelTests.Shape
    private let counts = [23, 9]
    private let size = 60
    private let tables: [[FactorTable.Box]], columns: [[FloatColumn]]
    private var factors: Rows, first: Rows, second: Rows
    private var biases: Rows
    private var random = RandomStream(seed: 11, .test)

    init(_ shape: AdamKernelTests.Shape) {
        self.shape = shape
        tables = counts.map { rows in [rows, 2 * rows].map { FactorTable.Box(rows: $0, width: shape.width) } }
        columns = counts.map { rows in [rows, 2 * rows].map { FloatColumn(count: $0) } }
        first = counts.map { [[Double]](repeating: [Double](repeating: 0, count: shape.width), count: $0) }
        second = first
        factors = first
        biases = counts.map { [[Double]](repeating: [0, 0, 0], count: $0) }
        for side in 0...1 {
            for row in 0..<counts[side] {
                for f in 0..<shape.width {
                    let value = Float(0.3 * random.normal())
                    tables[side][0].table[row, f] = value
                    factors[side][row][f] = Double(value)
                }
                columns[side][0].base[row] = Float(0.1 * random.normal())
                biases[side][row][0] = shape.biased ? Double(columns[side][0].base[row]) : 0
            }
        }
    }

    private func description(_ number: Int) -> sk_adam_batch {
        func side(_ side: Int) -> sk_adam_side {
            var description = sk_adam_side()
            description.factors = tables[side][0].table.base
            description.moments = tables[side][1].table.base
            if shape.biased {
                description.biases = columns[side][0].base
                description.bias_moments = columns[side][1].base
            }
            return description
        }
        var work = sk_adam_batch()
        work.sides = (side(0), side(1))
        work.stride = tables[0][0].table.stride
        work.width = shape.width
        work.samples = size
        (work.mean, work.rate, work.penalty, work.bias_penalty) = (3, 0.03, 0.02, 0.01)
        (work.beta1, work.rest1) = (0.9, 0.1)
        (work.beta2, work.rest2, work.epsilon) = (0.999, 0.001, 1e-8)
        work.correction1 = Float(1 - (1...number).reduce(1.0) { power, _ in power * 0.9 })
        work.correction2 = Float(1 - (1...number).reduce(1.0) { power, _ in power * 0.999 })
        work.gradient_scale = shape.scale
        work.dropout = shape.dropout
        work.dropout_key = UInt64(number)
        return work
    }

    func step(_ number: Int, workers: Int, isa: InstructionSet) {
        let rows = counts.map { count in (0..<size).map { _ in UInt32(random.below(count)) } }
        let values = (0..<size).map { _ in Float(3 + random.normal()) }
        var work = description(number)
        let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: 20 * (size + 16))
        let floats = UnsafeMutablePointer<Float>.allocate(capacity: 4 * size)
        let gradients = FactorTable(rows: 2 * workers * size, width: shape.width)
        let slots = counts.map { count in
            let slots = UnsafeMutablePointer<sk_adam_slot>.allocate(capacity: count)
            slots.initialize(repeating: sk_adam_slot(), count: count)
            return slots
        }
        defer {
            memory.deallocate()
            floats.deallocate()
            for part in slots { part.deallocate() }
        }
        let column = { (place: Int) in memory + place * (self.size + 16) }
        values.withUnsafeBufferPointer { (floats + size).update(from: $0.baseAddress!, count: size) }
        work.errors = floats
        work.values = UnsafePointer(floats + size)
        work.norms = floats + 2 * size
        for side in 0...1 { column(side).update(from: rows[side], count: size) }
        (work.sides.0.rows, work.sides.1.rows) = (UnsafePointer(column(0)), UnsafePointer(column(1)))
        (work.sides.0.next, work.sides.1.next) = (UnsafePointer(column(2)), UnsafePointer(column(3)))

        /// Runs one kernel for every worker, as if they came in turn.
        func every(_ side: Int, _ body: (Int, inout sk_adam_groups) -> Void) {
            for worker in 0..<workers {
                let biasGradients = UnsafeMutablePointer<Float>.allocate(capacity: size)
                defer { biasGradients.deallocate() }
                var owners = [UInt16](repeating: 0, count: size)
                sk_adam_owners(rows[side], size, UInt32(workers), &owners, isa.rawValue)
                var groups = sk_adam_groups(
                    rows: column(4), heads: column(5), count: 0,
                    gradients: gradients.base + (side * workers + worker) * size * gradients.stride,
                    bias_gradients: biasGradients)
                slots[side].update(repeating: sk_adam_slot(), count: counts[side])
                sk_adam_group(
                    rows[side], owners, size, UInt16(worker), 1, slots[side], column(6), column(7),
                    column(2 + side), &groups)
                body(worker, &groups)
            }
        }
        // Bias gradients live only within one turn, so they are kept here in between.
        var kept: [Int: [Float]] = [:]
        for side in 0...1 {
            every(side) { worker, groups in
                sk_adam_gradients(&work, Int32(side), &groups, isa.rawValue)
                kept[side * workers + worker] = (0..<size).map { groups.bias_gradients[$0] }
            }
        }
        var norm = 0.0
        for place in 0..<2 * size { norm += Double(work.norms[place]) }
        for side in 0...1 {
            every(side) { worker, groups in
                groups.bias_gradients.update(from: kept[side * workers + worker]!, count: size)
                sk_adam_move(&work, Int32(side), &groups, isa.rawValue)
            }
        }
        let expected = formulas(rows, values, work)
        #expect(abs(norm - expected.norm) < 1e-4 * expected.norm)
        for sample in 0..<size { #expect(abs(Double(work.errors[sample]) - expected.errors[sample]) < 1e-4) }
    }

    private func formulas(
        _ rows: [[UInt32]], _ values: [Float], _ work: sk_adam_batch
    ) -> (errors: [Double], norm: Double) {
        func kept(_ sample: Int, _ f: Int) -> Double {
            guard shape.dropout > 0 else { return 1 }
            return (0...1).reduce(1.0) { product, side in
                product
                    * Double(
                        sk_dropout_factor(work.dropout_key, UInt64(sample), Int32(side), f, shape.dropout))
            }
        }
        var gradients: [[Int: [Double]]] = [[:], [:]]
        var errors: [Double] = []
        for sample in 0..<size {
            let (user, item) = (Int(rows[0][sample]), Int(rows[1][sample]))
            let products = (0..<shape.width).map {
                kept(sample, $0) * factors[0][user][$0] * factors[1][item][$0]
            }
            let error =
                Double(values[sample]) - 3 - biases[0][user][0] - biases[1][item][0] - products.reduce(0, +)
            errors.append(error)
            for (side, row, other) in [(0, user, factors[1][item]), (1, item, factors[0][user])] {
                var gradient =
                    gradients[side][row] ?? [Double](repeating: 0, count: shape.width + 1)
                for f in 0..<shape.width {
                    gradient[f] += -2 / Double(size) * error * kept(sample, f) * other[f]
                }
                gradient[shape.width] += shape.biased ? -2 / Double(size) * error : 0
                gradients[side][row] = gradient
            }
        }
        func move(_ x: inout Double, _ m: inout Double, _ v: inout Double, _ gradient: Double, _ penalty: Float) {
            let g = Double(shape.scale) * gradient + Double(penalty) * x
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            x -= 0.03 * m / Double(work.correction1) / ((v / Double(work.correction2)).squareRoot() + 1e-8)
        }
        var norm = 0.0
        for side in 0...1 {
            for (row, gradient) in gradients[side] {
                norm += gradient.reduce(0) { $0 + $1 * $1 }
                for f in 0..<shape.width {
                    move(
                        &factors[side][row][f], &first[side][row][f], &second[side][row][f], gradient[f], work.penalty)
                }
                guard shape.biased else { continue }
                var (bias, m, v) = (biases[side][row][0], biases[side][row][1], biases[side][row][2])
                move(&bias, &m, &v, gradient[shape.width], work.bias_penalty)
                biases[side][row] = [bias, m, v]
            }
        }
        return (errors, norm)
    }

    /// Between any parameter or moment in the tables and in double precision.
    var largestDifference: Double {
        var largest = 0.0
        func compare(_ found: Float, _ expected: Double) { largest = max(largest, abs(Double(found) - expected)) }
        for side in 0...1 {
            for row in 0..<counts[side] {
                for f in 0..<shape.width {
                    compare(tables[side][0].table[row, f], factors[side][row][f])
                    compare(tables[side][1].table[2 * row, f], first[side][row][f])
                    compare(tables[side][1].table[2 * row + 1, f], second[side][row][f])
                }
                guard shape.biased else { continue }
                compare(columns[side][0].base[row], biases[side][row][0])
                compare(columns[side][1].base[2 * row], biases[side][row][1])
                compare(columns[side][1].base[2 * row + 1], biases[side][row][2])
            }
        }
        return largest
    }

    var paddingIsZero: Bool {
        tables.joined().allSatisfy { box in
            (0..<box.table.rows).allSatisfy { row in
                (shape.width..<box.table.stride).allSatisfy { box.table.base[row * box.table.stride + $0] == 0 }
            }
        }
    }
}

extension FactorTable {
    /// A table that can stand in an array.
    fileprivate final class Box {
        let table: FactorTable
        init(rows: Int, width: Int) { table = FactorTable(rows: rows, width: width) }
    }
}
