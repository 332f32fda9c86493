import Basics
import CKernels
import Kernels

/// One side of a ``BayesianTrainer``: its ratings, its current sample, and the distribution that its rows are drawn from.
///
/// Rows without ratings stand at that distribution's mean and tell it nothing: they are summed out.
///
/// `@unchecked Sendable`: workers take disjoint chunks of rows.
final class BayesianSide: @unchecked Sendable {
    /// 0 for users, 1 for items: which random numbers are this side's.
    let number: UInt64
    let ratings: RatingRows
    let factors: FactorTable
    let biases: FloatColumn
    /// As it was last drawn.
    var prior: RowPrior
    private let rated: Int

    init(number: UInt64, ratings: RatingRows, options: BayesianMFOptions, isa: InstructionSet) {
        self.number = number
        self.ratings = ratings
        factors = FactorTable(rows: ratings.count, width: options.factors)
        biases = FloatColumn(count: ratings.count)
        let size = options.factors + 1
        prior = RowPrior(mean: [Double](repeating: 0, count: size), precision: .identity(size))
        rated = (0..<ratings.count).count { ratings.offsets[$0] < ratings.offsets[$0 + 1] }
        start(options, isa)
    }

    var chunks: Int { (ratings.count + RowScratch.chunk - 1) / RowScratch.chunk }

    func rows(_ chunk: Int) -> Range<Int> {
        chunk * RowScratch.chunk..<min(ratings.count, (chunk + 1) * RowScratch.chunk)
    }

    /// The chunks of each rank, with about as many ratings.
    func parts(of ranks: any Communicator) -> [Range<Int>] {
        // A row's own work weighs as some ratings.
        let weights = (0..<chunks).map { chunk in
            let rows = rows(chunk)
            return ratings.offsets[rows.upperBound] - ratings.offsets[rows.lowerBound] + factors.width * rows.count
        }
        let total = weights.reduce(0, +)
        var (ends, sum) = ([0], 0)
        for (chunk, weight) in weights.enumerated() {
            while ends.count < ranks.size, sum >= total * ends.count / ranks.size { ends.append(chunk) }
            sum += weight
        }
        ends += [Int](repeating: chunks, count: ranks.size + 1 - ends.count)
        return zip(ends, ends.dropFirst()).map { $0..<$1 }
    }

    /// Gives every rank the rows that the others have drawn.
    func share(_ parts: [Range<Int>], _ ranks: any Communicator) throws {
        let rows = parts.scaled(by: RowScratch.chunk).map { $0.clamped(to: 0..<ratings.count) }
        let table = UnsafeMutableRawBufferPointer(start: factors.base, count: ratings.count * factors.stride * 4)
        try ranks.allGather(in: table, parts: rows.scaled(by: factors.stride * 4))
        let column = UnsafeMutableRawBufferPointer(start: biases.base, count: ratings.count * 4)
        try ranks.allGather(in: column, parts: rows.scaled(by: 4))
    }

    private func isRated(_ row: Int) -> Bool { ratings.offsets[row] < ratings.offsets[row + 1] }

    /// Factors of deviation 0.3 / √k, biases 0.
    private func start(_ options: BayesianMFOptions, _ isa: InstructionSet) {
        let (stride, width) = (factors.stride, factors.width)
        let scale = 0.3 / Float(width).squareRoot()
        withUnsafeTemporaryAllocation(of: Float.self, capacity: stride) { normals in
            for row in 0..<ratings.count where isRated(row) {
                RandomStream(seed: options.seed, .initialisation, index: number, counter: UInt64(row * stride / 4))
                    .writeNormals(to: normals.baseAddress!, count: stride, isa: isa)
                for column in 0..<width { factors.base[row * stride + column] = scale * normals[column] }
            }
        }
    }

    /// Draws ``prior`` given the rows as they are.
    func drawPrior(epoch: Int, seed: UInt64, workers: Workers, isa: InstructionSet) throws {
        let size = factors.width + 1
        // Parts of rows, each summed by itself and then in order.
        let parts = min(64, chunks)
        let sums = PartialSums(count: parts, size: size + size * size)
        workers.forEach(parts) { part, _ in
            var rows = sk_gibbs_rows()
            rows.factors = UnsafePointer(factors.base)
            rows.biases = UnsafePointer(biases.base)
            rows.stride = factors.stride
            rows.width = factors.width
            let total = sums.part(part)
            var row = ratings.count * part / parts
            let end = ratings.count * (part + 1) / parts
            while row < end {
                guard isRated(row) else {
                    row += 1
                    continue
                }
                let from = row
                while row < end && isRated(row) { row += 1 }
                sk_gibbs_scatter(&rows, from, row, total, total + size, isa.rawValue)
            }
        }
        let total = sums.total()
        let posterior = NormalWishart(dimensions: size).after(
            count: rated, sum: Array(total[..<size]), scatter: SquareMatrix(size: size, Array(total[size...])))
        var random = RandomStream(seed: seed, .hyperparameters, index: UInt64(epoch) << 2 | number)
        prior = try posterior.draw(&random)
    }

    /// Draws a chunk's rows given the other side, and with `squares` returns Σ (r − r̂)² over their ratings, otherwise 0.
    func draw(
        _ chunk: Int, from conditional: RowConditional, epoch: Int, seed: UInt64, squares: Bool, _ scratch: RowScratch,
        _ isa: InstructionSet
    ) -> Double {
        let (rows, order) = (rows(chunk), conditional.order)
        let first = UInt64(rows.lowerBound) * UInt64(order / 4)
        RandomStream(seed: seed, .noise, index: UInt64(epoch) << 1 | number, counter: first)
            .writeNormals(to: scratch.noise, count: rows.count * order, isa: isa)
        var sum = 0.0
        for row in rows {
            let noise = isRated(row) ? UnsafePointer(scratch.noise + (row - rows.lowerBound) * order) : nil
            conditional.solve(row, of: ratings, noise: noise, scratch)
            _ = factors.row(row).update(from: UnsafeBufferPointer(start: scratch.solution, count: factors.width))
            biases.base[row] = scratch.solution[factors.width]
            if squares { sum += conditional.squares(row, of: ratings, scratch) }
        }
        return sum
    }
}
