import Basics
import CKernels
import Interactions
import Kernels

/// How well vectors fit what they were trained on: `train_rmse` and `train_mae` of observed values, where there are values,
/// and the objective as `train_loss` where it is asked for. Sums run over fixed stretches, in order.
struct ALSObjective {
    private let parameters: FactorParameters
    private let sides: [ALSSide]
    /// The chunks of users that each rank has.
    private let dealt: [[Int]]
    private let ranks: any Communicator
    private let options: ALSOptions
    private let workers: Workers
    private let isa: InstructionSet

    init(
        _ parameters: FactorParameters, _ sides: [ALSSide], _ dealt: [[Int]], _ options: ALSOptions,
        _ ranks: any Communicator, _ workers: Workers, _ isa: InstructionSet
    ) {
        (self.dealt, self.ranks) = (dealt, ranks)
        self.parameters = parameters
        self.sides = sides
        self.options = options
        self.workers = workers
        self.isa = isa
    }

    private struct Sums {
        var squared = 0.0, absolute = 0.0, loss = 0.0
    }

    func metrics() throws -> [String: Double] {
        guard sides[0].values != nil || options.loss else { return [:] }
        let sums = try observed()
        var metrics: [String: Double] = [:]
        if sides[0].values != nil {
            let count = Double(sides[0].interactions)
            metrics["train_rmse"] = (sums.squared / count).squareRoot()
            metrics["train_mae"] = sums.absolute / count
        }
        if options.loss {
            metrics["train_loss"] =
                try sums.loss + options.weightOfAll * allPairs() + penalty(0, others: parameters.items.rows)
                + penalty(1, others: parameters.users.rows)
        }
        return metrics
    }

    /// Over observed pairs: errors of values, and a s² − 2 t s + t, or for ratings the squared error.
    private func observed() throws -> Sums {
        let (users, side) = (parameters.rows(0), sides[0])
        var work = sk_als_side()
        work.factors = UnsafePointer(parameters.items.base)
        work.biases = parameters.itemBiases.map { UnsafePointer($0.base) }
        work.stride = parameters.items.stride
        let own = dealt[ranks.rank]
        let parts = UnsafeMutablePointer<Sums>.allocate(capacity: max(1, own.count))
        defer { parts.deallocate() }
        let scores = (0..<workers.count).map { _ in UnsafeMutablePointer<Float>.aligned(side.longest + 4) }
        defer { for part in scores { part.deallocate() } }
        workers.forEach(own.count) { index, worker in
            var sums = Sums()
            for row in side.rows(own[index]) {
                let row = Int(row)
                let (first, count) = (side.first(row), side.count(row))
                side.columns.withUnsafeBufferPointer {
                    var task = sk_als_row()
                    task.columns = $0.baseAddress! + first
                    task.count = count
                    task.x = users.base + row * users.stride
                    var work = work
                    sk_als_scores(&work, &task, scores[worker], isa.rawValue)
                }
                let own = parameters.mean + (parameters.userBiases?.base[row] ?? 0)
                for entry in 0..<count {
                    let value = side.values?[first + entry] ?? 1
                    let score = Double(scores[worker][entry] + own)
                    let error = Double(value) - score
                    sums.squared += error * error
                    sums.absolute += abs(error)
                    sums.loss += options.loss(of: value, score: score)
                }
            }
            (parts + index).initialize(to: sums)
        }
        let all = try ranks.gathered(UnsafeBufferPointer(start: parts, count: own.count))
        var ofChunk = [Sums](repeating: Sums(), count: side.chunks)
        for (rank, sums) in all.enumerated() {
            for (chunk, sums) in zip(dealt[rank], sums) { ofChunk[chunk] = sums }
        }
        return ofChunk.reduce(into: Sums()) { total, part in
            total.squared += part.squared
            total.absolute += part.absolute
            total.loss += part.loss
        }
    }

    /// Σ over all pairs of s²: the products of both Gram matrices, summed.
    private func allPairs() throws -> Double {
        guard options.weightOfAll > 0 else { return 0 }
        let order = parameters.users.stride
        let users = try ALSBasis.gram(of: parameters.users, order: order, ranks: ranks, workers: workers, isa: isa)
        let items = try ALSBasis.gram(of: parameters.items, order: order, ranks: ranks, workers: workers, isa: isa)
        defer {
            users.deallocate()
            items.deallocate()
        }
        return (0..<order * order).reduce(0) { $0 + users[$1] * items[$1] }
    }

    private func penalty(_ side: Int, others: Int) -> Double {
        let (table, biases) = (parameters.rows(side), parameters.biases(side))
        return sides[side].order.reduce(0) { sum, row in
            let row = Int(row)
            let vector = UnsafeBufferPointer(start: table.base + row * table.stride, count: options.factors)
            var squared = vector.reduce(0) { $0 + Double($1) * Double($1) }
            if let biases { squared += Double(biases[row]) * Double(biases[row]) }
            return sum + Double(options.ridge(interactions: sides[side].count(row), others: others)) * squared
        }
    }
}
