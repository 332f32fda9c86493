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
    private let validation: ValidationPart?
    private let options: ALSOptions
    private let workers: Workers
    private let isa: InstructionSet
    private let scratch: [ALSScratch]
    private let progress: EpochPlace
    private let history: InteractionMatrix<UserRow, ItemRow>

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?, options: ALSOptions,
        start: FactorStart?, workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.workers = workers
        self.isa = isa
        self.history = history
        let parameters = FactorParameters(
            users: history.rowCount, items: history.columnCount, factors: options.factors, hasBiases: options.biases,
            mean: options.biases ? FactorParameters.mean(history) : 0)
        self.parameters = parameters
        sides = [ALSSide(history), ALSSide(history.transposed(workers: workers))]
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
            solve(side, cancellation)
            if cancellation.isCancelled && !progress.isComplete { return .interrupted }
            report(EpochProgress(done: (side + 1) * history.entryCount / 2, total: history.entryCount))
        }
        let seconds = clock.seconds
        progress.reset()
        var metrics = ALSObjective(parameters, sides, options, workers, isa).metrics()
        if let validation { metrics.merge(validation.metrics()) { $1 } }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// Solves the chunks of a side that are left.
    private func solve(_ side: Int, _ cancellation: Cancellation) {
        let rows = sides[side]
        let first = side == 0 ? 0 : sides[0].chunks
        guard (0..<rows.chunks).contains(where: { !progress.isDone(first + $0) }) else { return }
        let rotates = rows.gainsFromRotation(
            order: FactorTable.stride(options.factors),
            others: side == 0 ? parameters.items.rows : parameters.users.rows)
        parameters.solve(
            rows, side: side, options: options, rotates: rotates, scratch: scratch, workers: workers, isa: isa
        ) { chunk, body in
            guard !progress.isDone(first + chunk), !cancellation.isCancelled else { return }
            body()
            progress.finish(first + chunk, loss: 0)
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

    /// Solves rows of a side (0: users, 1: items) against the other side as it stands.
    ///
    /// - Parameters:
    ///   - scratch: a worker's each.
    ///   - each: is given every chunk of rows and what solves it.
    func solve(
        _ rows: ALSSide, side: Int, options: ALSOptions, rotates: Bool, scratch: [ALSScratch], workers: Workers,
        isa: InstructionSet, each: (_ chunk: Int, _ body: () -> Void) -> Void = { $1() }
    ) {
        let others = biases(1 - side).map { UnsafePointer($0) }
        let solver =
            side == 0
            ? ALSSolver(
                against: items, biases: others, mean: mean, options: options, rotates: rotates, workers: workers,
                isa: isa)
            : ALSSolver(
                against: users, biases: others, mean: mean, options: options, rotates: rotates, workers: workers,
                isa: isa)
        let (table, biases) = (self.rows(side), biases(side))
        workers.forEach(rows.chunks) { chunk, worker in
            each(chunk) {
                solver.solve(rows, chunk: chunk, into: table, biases: biases.map { ($0, 1) }, scratch[worker])
            }
        }
    }
}
