import CKernels
import Kernels
import Testing

/// The solvers of one row against the plain one in double precision, on shapes with and without remainders.
@Suite struct ALSKernelTests {
    struct Shape: Sendable, CustomStringConvertible {
        var width: Int
        var biased = false
        var valued = true
        var description: String { "\(width) \(biased) \(valued)" }
    }

    static let shapes =
        [1, 5, 15, 16, 17, 31, 32, 48, 64, 70, 100, 128, 144].map { Shape(width: $0) }
        + [7, 16, 33, 64].map { Shape(width: $0, biased: true) } + [24].map { Shape(width: $0, valued: false) }
    static let counts = [0, 1, 2, 5, 15, 16, 17, 30, 40, 63, 64, 65, 90, 129, 300]

    @Test(arguments: shapes) func exactSolutions(shape: Shape) {
        for isa in InstructionSet.allCases where isa <= .best {
            for diagonal in [false, true] {
                let system = System(shape, diagonal: diagonal)
                for count in Self.counts {
                    let row = Row(count, of: system)
                    let found = row.solve { sk_als_solve($0, $1, $2, isa.rawValue) }
                    let expected = row.solve64()
                    #expect(distance(found, expected) < 1e-4, "\(isa) \(diagonal) \(count)")
                    #expect(found.count == shape.width + (shape.biased ? 1 : 0))
                }
            }
        }
    }

    @Test(arguments: shapes) func drawsFromTheConditional(shape: Shape) {
        for isa in InstructionSet.allCases where isa <= .best {
            let system = System(shape, diagonal: false)
            for count in [0, 3, 40, 100] {
                let row = Row(count, of: system, drawn: true)
                let found = row.solve { sk_als_solve($0, $1, $2, isa.rawValue) }
                #expect(distance(found, row.solve64()) < 1e-4, "\(isa) \(count)")
                let mean = Row(count, of: system).solve64()
                #expect(distance(mean, found) > 1e-3, "the noise is heard")
            }
        }
    }

    /// As many steps as unknowns solve the system; three do what three plain steps do.
    @Test(arguments: shapes) func conjugateGradients(shape: Shape) {
        for isa in InstructionSet.allCases where isa <= .best {
            for diagonal in [false, true] {
                let system = System(shape, diagonal: diagonal)
                for count in [0, 1, 17, 64, 300] + (shape.width == 128 ? [1500] : []) {
                    let row = Row(count, of: system, started: true)
                    let three = row.solve { sk_als_cg($0, $1, 1, 3, $2, isa.rawValue) }
                    // Rounding of the first step along a direction that weighs hundreds of times more than the others is
                    // magnified by as much in the second.
                    #expect(distance(three, row.plainSteps(3), orOf: row.start) < 1e-2, "\(isa) \(count)")
                    let many = row.solve { sk_als_cg($0, $1, 1, 4 * system.order, $2, isa.rawValue) }
                    #expect(distance(many, row.solve64(), orOf: row.start) < 1e-3, "\(isa) \(count)")
                }
            }
        }
    }

    /// Few interactions or more than the cache holds, of few rows or very many, alone or together: the same bits, and what three
    /// plain steps do.
    @Test(
        arguments: [Shape(width: 128), Shape(width: 100, biased: true), Shape(width: 144, biased: true)],
        [3000, 200_000])
    func conjugateGradientsInCompany(shape: Shape, others: Int) {
        let system = System(shape, diagonal: false, rows: others)
        let rows = [2600, 1900, 1500, 1100, 700, 300, 60, 0].map { Row($0, of: system, started: true) }
        for isa in InstructionSet.allCases where isa <= .best {
            let alone = rows.map { $0.solve { sk_als_cg($0, $1, 1, 3, $2, isa.rawValue) } }
            #expect(Row.solve(rows, of: system) { sk_als_cg($0, $1, rows.count, 3, $2, isa.rawValue) } == alone)
            for place in [0, 3, 6] {
                let (row, found) = (rows[place], alone[place])
                #expect(distance(found, row.plainSteps(3), orOf: row.start) < 2e-3, "\(isa) \(place)")
            }
        }
    }

    @Test(arguments: shapes) func subspaces(shape: Shape) {
        for isa in InstructionSet.allCases where isa <= .best {
            let system = System(shape, diagonal: false)
            for count in [0, 1, 17, 64, 130] {
                let row = Row(count, of: system, started: true)
                // One block of all unknowns is the exact solution.
                let whole = row.solve { sk_als_subspace($0, $1, system.order, $2, isa.rawValue) }
                #expect(distance(whole, row.solve64(), orOf: row.start) < 1e-3, "\(isa) \(count)")
                // A pass over blocks comes nearer, and is at the minimum along its last block.
                let pass = row.solve { sk_als_subspace($0, $1, 16, $2, isa.rawValue) }
                let last = (pass.count - 1) / 16 * 16
                #expect(row.residual(pass, from: last) < 1e-3, "\(isa) \(count)")
                #expect(row.objective(pass) < row.objective(row.start), "\(isa) \(count)")
                let again = row.solve { side, row, scratch in
                    for _ in 0..<2 { sk_als_subspace(side, row, 16, scratch, isa.rawValue) }
                }
                #expect(row.objective(again) <= row.objective(pass) + 1e-3 * abs(row.objective(pass)))
            }
        }
    }

    /// Without a penalty and with fewer interactions than unknowns many vectors fit; the one found is finite, and fits.
    @Test(arguments: [3, 16, 40, 64]) func singularSystemsHaveFiniteSolutions(width: Int) {
        for isa in InstructionSet.allCases where isa <= .best {
            for diagonal in [false, true] {
                let system = System(Shape(width: width), diagonal: diagonal, empty: true)
                for count in [0, 1, width / 2, width - 1] {
                    let row = Row(count, of: system, ridge: 0)
                    let found = row.solve { sk_als_solve($0, $1, $2, isa.rawValue) }
                    #expect(found.allSatisfy { $0.isFinite })
                    if !diagonal { #expect(row.residual(found) < 1e-2, "\(isa) \(count)") }
                    #expect(row.solve64().allSatisfy { $0.isFinite })
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 16, 33, 70]) func eigenvectors(size: Int) {
        var random = RandomStream(seed: 5, .test, index: UInt64(size))
        for kind in ["random", "repeated", "diagonal", "zero"] {
            var matrix = [Double](repeating: 0, count: size * size)
            for row in 0..<size {
                for column in 0...row {
                    let value =
                        switch kind {
                        case "random": random.normal()
                        case "repeated": row == column ? 3.0 : 1.0
                        case "diagonal": row == column ? Double(row % 3) : 0
                        default: 0.0
                        }
                    matrix[row * size + column] = value
                    matrix[column * size + row] = value
                }
            }
            for isa in InstructionSet.allCases where isa <= .best {
                var (spoiled, values) = (matrix, [Double](repeating: 0, count: size))
                var (vectors, scratch) = (matrix, [Double](repeating: 0, count: 3 * size))
                #expect(sk_eigen(&spoiled, size, &values, &vectors, &scratch, isa.rawValue) == 0)
                for first in 0..<size {
                    for row in 0..<size {
                        let image = (0..<size).reduce(0.0) { $0 + matrix[row * size + $1] * vectors[first * size + $1] }
                        #expect(abs(image - values[first] * vectors[first * size + row]) < 1e-12 * Double(size))
                    }
                    for second in 0...first {
                        let product = (0..<size).reduce(0.0) {
                            $0 + vectors[first * size + $1] * vectors[second * size + $1]
                        }
                        #expect(abs(product - (first == second ? 1 : 0)) < 1e-12)
                    }
                }
            }
        }
    }

    @Test(arguments: [16, 48, 64, 112]) func productsOfTables(order: Int) {
        var random = RandomStream(seed: 6, .test)
        for isa in InstructionSet.allCases where isa <= .best {
            for rows in [1, 7, 8, 30] {
                let table = Floats(rows * order) { _ in Float(random.normal()) }
                let (gram, matrix) = (Floats(order * order), Floats(order * order) { _ in Float(random.normal()) })
                sk_als_gram(table.base, order, rows, gram.base, isa.rawValue)
                for row in 0..<order {
                    for column in 0...row {
                        let sum = (0..<rows).reduce(0.0) {
                            $0 + Double(table.base[$1 * order + row]) * Double(table.base[$1 * order + column])
                        }
                        #expect(abs(Double(gram.base[row * order + column]) - sum) < 1e-4)
                    }
                }
                let (out, scratch) = (Floats(rows * order), Floats(sk_als_scratch(order, 1)))
                sk_als_rotate(table.base, out.base, rows, order, matrix.base, scratch.base, isa.rawValue)
                for row in 0..<rows {
                    for column in 0..<order {
                        let sum = (0..<order).reduce(0.0) {
                            $0 + Double(table.base[row * order + $1]) * Double(matrix.base[$1 * order + column])
                        }
                        #expect(abs(Double(out.base[row * order + column]) - sum) < 1e-3)
                    }
                }
            }
        }
    }
}

/// ‖a − b‖ / ‖b‖, or in place of ‖b‖ a larger norm; ‖a‖ where all are 0.
private func distance(_ found: [Float], _ expected: [Float], orOf other: [Float] = []) -> Double {
    func squared(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1 * $1) } }
    let difference = squared(zip(found, expected).map { $0 - $1 })
    let norm = max(squared(expected), squared(other))
    return (difference / (norm > 0 ? norm : 1)).squareRoot()
}

/// Floats at an address that whole vectors may be loaded from.
private final class Floats {
    let base: UnsafeMutablePointer<Float>

    init(_ count: Int, _ value: (Int) -> Float = { _ in 0 }) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(64, 4 * count), alignment: 64)
        base = memory.bindMemory(to: Float.self, capacity: count)
        for place in 0..<count { (base + place).initialize(to: value(place)) }
    }

    deinit { base.deallocate() }
}

/// The other side of a small problem.
private final class System {
    let order: Int, rows: Int
    var side = sk_als_side()
    private let factors: Floats, biases: Floats, base: Floats
    private let base64: UnsafeMutablePointer<Double>

    init(_ shape: ALSKernelTests.Shape, diagonal: Bool, empty: Bool = false, rows: Int = 400) {
        var random = RandomStream(seed: 3, .test, index: UInt64(shape.width))
        let width = shape.width
        self.rows = rows
        let stride = FactorTable.stride(width)
        let unknowns = width + (shape.biased ? 1 : 0)
        let order = FactorTable.stride(unknowns)
        self.order = order
        let factors = Floats(rows * stride)
        for row in 0..<rows { for column in 0..<width { factors.base[row * stride + column] = Float(random.normal()) } }
        (self.factors, biases) = (factors, Floats(rows) { _ in Float(random.normal()) })
        base = Floats(order * order)
        if !empty {
            for row in 0..<unknowns {
                base.base[row * order + row] = Float(1 + random.uniform())
                for column in 0..<row where !diagonal {
                    let value = Float(0.5 * random.normal() / Double(order))
                    base.base[row * order + column] = value
                    base.base[column * order + row] = value
                }
            }
        }
        base64 = .allocate(capacity: order * order)
        for place in 0..<order * order { base64[place] = Double(base.base[place]) }
        side.factors = UnsafePointer(factors.base)
        side.biases = shape.biased ? UnsafePointer(biases.base) : nil
        (side.stride, side.width, side.order) = (stride, width, order)
        side.base = UnsafePointer(base.base)
        side.base64 = UnsafePointer(base64)
        side.diagonal = diagonal ? 1 : 0
        side.mean = shape.biased ? 2.5 : 0
        (side.weight0, side.weight1) = shape.valued ? (0, 1.5) : (1, 0)
        (side.target0, side.target1) = (1, 0.7)
    }

    deinit { base64.deallocate() }
}

/// One row of it.
private final class Row {
    private let system: System
    private let columns: UnsafeMutableBufferPointer<UInt32>, values: UnsafeMutableBufferPointer<Float>
    private let ridge: Float
    private let noise: Floats?
    let start: [Float]

    init(_ count: Int, of system: System, ridge: Float = 0.3, drawn: Bool = false, started: Bool = false) {
        var random = RandomStream(seed: 4, .test, index: UInt64(count))
        self.system = system
        self.ridge = ridge
        (columns, values) = (.allocate(capacity: count), .allocate(capacity: count))
        _ = columns.initialize(from: (0..<count).map { _ in UInt32(random.below(system.rows)) }.sorted())
        _ = values.initialize(from: (0..<count).map { _ in Float(random.below(5)) })
        let unknowns = system.side.width + (system.side.biases == nil ? 0 : 1)
        noise = drawn ? Floats(system.order) { $0 < unknowns ? Float(random.normal()) : 0 } : nil
        start = (0..<unknowns).map { _ in started ? Float(random.normal()) : 0 }
    }

    deinit {
        columns.deallocate()
        values.deallocate()
    }

    func solve(
        _ solver: (UnsafePointer<sk_als_side>, UnsafePointer<sk_als_row>, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        Self.solve([self], of: system, solver)[0]
    }

    static func solve(
        _ rows: [Row], of system: System,
        _ solver: (UnsafePointer<sk_als_side>, UnsafePointer<sk_als_row>, UnsafeMutablePointer<Float>) -> Void
    ) -> [[Float]] {
        let scratch = Floats(sk_als_scratch(system.order, rows.map(\.columns.count).max()!))
        let solutions = rows.map { row in Floats(system.order) { $0 < row.start.count ? row.start[$0] : 0 } }
        let tasks = zip(rows, solutions).map { $0.task($1) }
        withExtendedLifetime(rows) { solver(&system.side, tasks, scratch.base) }
        return zip(rows, solutions).map { row, x in
            for place in row.start.count..<system.order { #expect(x.base[place] == 0, "padding stays 0") }
            return Array(UnsafeBufferPointer(start: x.base, count: row.start.count))
        }
    }

    func solve64() -> [Float] {
        let x = Floats(system.order)
        let scratch = UnsafeMutablePointer<Double>.allocate(capacity: sk_als_scratch(system.order, columns.count))
        defer { scratch.deallocate() }
        var row = task(x)
        withExtendedLifetime(self) { sk_als_solve64(&system.side, &row, scratch) }
        return Array(UnsafeBufferPointer(start: x.base, count: start.count))
    }

    private func task(_ x: Floats) -> sk_als_row {
        var row = sk_als_row()
        row.columns = UnsafePointer(columns.baseAddress)
        row.values = UnsafePointer(values.baseAddress)
        row.count = columns.count
        row.ridge = ridge
        row.noise = noise.map { UnsafePointer($0.base) }
        row.x = x.base
        return row
    }

    /// A and b, written down once more.
    private var equations: (matrix: [[Double]], right: [Double]) {
        let side = system.side
        let unknowns = start.count
        var matrix = (0..<unknowns).map { row in
            (0..<unknowns).map { Double(side.base[row * system.order + $0]) + (row == $0 ? Double(ridge) : 0) }
        }
        var right = [Double](repeating: 0, count: unknowns)
        for (column, value) in zip(columns, values) {
            let weight = Double(side.weight0 + side.weight1 * value)
            guard weight > 0 else { continue }
            let bias = side.biases.map { $0[Int(column)] } ?? 0
            let target = Double(side.target0) + Double(side.target1) * Double(value - side.mean - bias)
            let y = (0..<unknowns).map {
                $0 < side.width ? Double(side.factors[Int(column) * side.stride + $0]) : 1
            }
            for row in 0..<unknowns {
                right[row] += target * y[row]
                for other in 0..<unknowns { matrix[row][other] += weight * y[row] * y[other] }
            }
        }
        return (matrix, right)
    }

    private static func times(_ matrix: [[Double]], _ x: [Double]) -> [Double] {
        matrix.map { row in zip(row, x).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    func plainSteps(_ steps: Int) -> [Float] {
        let (matrix, right) = equations
        func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        var x = start.map(Double.init)
        var r = zip(right, Self.times(matrix, x)).map { $0 - $1 }
        var p = r
        for _ in 0..<steps {
            let (squared, image) = (product(r, r), Self.times(matrix, p))
            guard squared > 1e-20 else { break }
            let alpha = squared / product(p, image)
            x = zip(x, p).map { $0 + alpha * $1 }
            r = zip(r, image).map { $0 - alpha * $1 }
            let beta = product(r, r) / squared
            p = zip(r, p).map { $0 + beta * $1 }
        }
        return x.map(Float.init)
    }

    /// ‖A x − b‖ / ‖b‖, of the unknowns from one on.
    func residual(_ x: [Float], from first: Int = 0) -> Double {
        let (matrix, right) = equations
        let image = Self.times(matrix, x.map(Double.init))
        let norm = right.reduce(0) { $0 + $1 * $1 }
        let difference = zip(image, right).dropFirst(first).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (difference / (norm > 0 ? norm : 1)).squareRoot()
    }

    /// What the solution minimises: xᵀA x / 2 − bᵀx.
    func objective(_ x: [Float]) -> Double {
        let (matrix, right) = equations
        let x = x.map(Double.init)
        let image = Self.times(matrix, x)
        return (0..<x.count).reduce(0) { $0 + x[$1] * (image[$1] / 2 - right[$1]) }
    }
}
