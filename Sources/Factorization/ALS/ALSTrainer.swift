package import Basics
import CKernels
package import Formats
package import Interactions
package import Kernels
package import Training

/// Alternating least squares; see ``AlternatingLeastSquares``.
///
/// An epoch solves all users, then all items, in chunks of rows of a fixed order. Every row's solution depends on the other
/// side alone (and, with `cg` and `subspace`, on the row as it stands), so results do not depend on who solves it, and an
/// interrupted epoch goes on with the chunks it still lacks.
package final class ALSTrainer: EpochTrainer {
    private let parameters: FactorParameters
    private let sides: [ALSSide]
    /// Which chunks of a side each rank solves.
    private let dealt: [[[Int]]]
    private let ranks: any Communicator
    private let validation: ValidationPart?
    private let options: ALSOptions
    private let workers: Workers
    private let isa: InstructionSet
    private let scratch: [ALSScratch]
    private let progress: EpochPlace

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?, options: ALSOptions,
        start: FactorStart?, ranks: any Communicator = OneRank(), workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.ranks = ranks
        self.workers = workers
        self.isa = isa
        let parameters = FactorParameters(
            users: history.rowCount, items: history.columnCount, factors: options.factors, hasBiases: options.biases,
            mean: options.biases ? FactorParameters.mean(history) : 0)
        self.parameters = parameters
        var sides = [ALSSide(history), ALSSide(history.transposed(workers: workers))]
        dealt = sides.map { $0.deal(to: ranks.size, work: options.work) }
        if ranks.size > 1 { for side in 0..<2 { sides[side].keep(dealt[side][ranks.rank]) } }
        self.sides = sides
        self.validation =
            options.feedback == .explicit
            ? validation.map { ValidationPart($0, parameters: parameters, workers: workers, isa: isa) } : nil
        scratch = ALSScratch.forEach(of: workers, sides, options)
        progress = EpochPlace(steps: sides[0].chunks + sides[1].chunks)
        fill(start)
    }

    package var weights: [TensorSource] { parameters.tensors }

    package var optimizerState: [TensorSource] { progress.tensors }

    package func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        try parameters.restore(from: weights)
        try progress.restore(from: optimizer)
    }

    package func train(
        epoch: Int, cancellation: Cancellation, progress report: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        for side in 0..<2 {
            try solve(side, cancellation)
            if try ranks.any(cancellation.isCancelled && !progress.isComplete) { return .interrupted }
            let total = sides[0].interactions
            report(EpochProgress(done: (side + 1) * total / 2, total: total))
        }
        let seconds = clock.seconds
        progress.reset()
        var metrics = try ALSObjective(parameters, sides, dealt[0], options, ranks, workers, isa).metrics()
        if let validation { try metrics.merge(validation.metrics(ranks)) { $1 } }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// Solves the chunks of a side that are left.
    private func solve(_ side: Int, _ cancellation: Cancellation) throws {
        let rows = sides[side]
        let first = side == 0 ? 0 : sides[0].chunks
        let left = dealt[side].map { chunks in chunks.filter { !progress.isDone(first + $0) } }
        guard left.contains(where: { !$0.isEmpty }) else { return }
        let rotates = rows.gainsFromRotation(
            order: FactorTable.stride(options.factors),
            others: side == 0 ? parameters.items.rows : parameters.users.rows)
        let solver = try parameters.solver(
            ofSide: side, options: options, rotates: rotates, ranks: ranks, workers: workers, isa: isa)
        let (table, biases) = (parameters.rows(side), parameters.biases(side))
        try SideExchange(rows, dealt: left, table: table, biases: biases, ranks: ranks).run { chunks in
            workers.forEach(chunks.count) { index, worker in
                // Ranks stop together, between waves.
                guard ranks.size > 1 || !cancellation.isCancelled else { return }
                let chunk = chunks[index]
                solver.solve(rows, chunk: chunk, into: table, biases: biases.map { ($0, 1) }, scratch[worker])
                progress.finish(first + chunk, loss: 0)
            }
        } stops: {
            cancellation.isCancelled
        } done: { chunks in
            for chunk in chunks { progress.finish(first + chunk, loss: 0) }
        }
    }

    /// Normal starting factors of rows that have interactions, zero for others; row and column alone decide each number.
    private func fill(_ start: FactorStart?) {
        let deviation = Float(options.initialDeviation / Double(options.factors).squareRoot())
        for side in 0..<2 {
            let (rows, width) = (sides[side], options.factors)
            let (base, stride) = parameters.rows(side)
            workers.forEach(rows.chunks) { chunk, _ in
                for row in rows.rows(chunk) {
                    let target = base + Int(row) * stride
                    RandomStream(
                        seed: options.seed, .initialisation, index: UInt64(side),
                        counter: UInt64(row) * UInt64(stride / 4)
                    ).writeNormals(to: target, count: stride, isa: isa)
                    for column in 0..<width { target[column] *= deviation }
                    (target + width).update(repeating: 0, count: stride - width)
                }
            }
        }
        for (row, factors) in start?.users ?? [:] { _ = parameters.users.row(row.index).update(from: factors) }
        for (row, factors) in start?.items ?? [:] { _ = parameters.items.row(row.index).update(from: factors) }
    }
}

extension FactorParameters {
    /// The first row of a side (0: users, 1: items), and floats from one to the next.
    func rows(_ side: Int) -> (base: UnsafeMutablePointer<Float>, stride: Int) {
        side == 0 ? (users.base, users.stride) : (items.base, items.stride)
    }

    func biases(_ side: Int) -> UnsafeMutablePointer<Float>? { (side == 0 ? userBiases : itemBiases)?.base }

    /// What solves rows of a side (0: users, 1: items) against the other side as it stands.
    func solver(
        ofSide side: Int, options: ALSOptions, rotates: Bool, ranks: any Communicator = OneRank(), workers: Workers,
        isa: InstructionSet
    ) throws -> ALSSolver {
        let others = biases(1 - side).map { UnsafePointer($0) }
        return side == 0
            ? try ALSSolver(
                against: items, biases: others, mean: mean, options: options, rotates: rotates, ranks: ranks,
                workers: workers, isa: isa)
            : try ALSSolver(
                against: users, biases: others, mean: mean, options: options, rotates: rotates, ranks: ranks,
                workers: workers, isa: isa)
    }
}
