package import Basics
import Formats
package import Interactions
package import Kernels
package import Training

/// Gibbs sampling of ``BayesianMF``. An epoch draws the users' hyperparameters and the users, the items' hyperparameters
/// and the items, and α; each row has its own random numbers, so weights are the same bits at any number of threads and ranks.
package final class BayesianTrainer: EpochTrainer {
    let options: BayesianMFOptions
    let users: BayesianSide, items: BayesianSide
    /// μ.
    let mean: Float
    /// α.
    var precision: Double
    let kept: KeptSamples
    let validation: AveragedPredictions?
    let progress: EpochPlace
    private let scratch: [RowScratch]
    private let ranks: any Communicator
    private let workers: Workers
    private let isa: InstructionSet

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?, options: BayesianMFOptions,
        ranks: any Communicator = OneRank(), workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.ranks = ranks
        self.workers = workers
        self.isa = isa
        let histories = RatingRows(history)
        let audiences = RatingRows(history.transposed(workers: workers))
        users = BayesianSide(number: 0, ratings: histories, options: options, isa: isa)
        items = BayesianSide(number: 1, ratings: audiences, options: options, isa: isa)
        mean = Float(histories.values.reduce(0.0) { $0 + Double($1) } / Double(histories.values.count))
        precision = options.precision ?? 1
        kept = KeptSamples(users: history.rowCount, items: history.columnCount, options: options)
        self.validation = validation.map { AveragedPredictions($0) }
        progress = EpochPlace(steps: users.chunks + items.chunks)
        let longest = max(histories.longest, audiences.longest)
        scratch = (0..<workers.count).map { _ in
            RowScratch(order: RowConditional.order(factors: options.factors), longest: longest)
        }
    }

    package func train(
        epoch: Int, cancellation: Cancellation, progress report: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        let total = 2 * users.ratings.columns.count
        for (side, other) in [(users, items), (items, users)] {
            guard try draw(side, given: other, epoch: epoch, cancellation) else { return .interrupted }
            report(EpochProgress(done: side.number == 0 ? total / 2 : total, total: total))
        }
        let squares = progress.sums { _ in 0 }.loss
        let count = Double(users.ratings.columns.count)
        if options.precision == nil {
            var random = RandomStream(seed: options.seed, .hyperparameters, index: UInt64(epoch) << 2 | 2)
            precision = random.gamma(shape: 1 + count / 2) / (1 + squares / 2)
        }
        if options.keeps(epoch: epoch) {
            let conditional = conditional(of: users, given: items)
            try kept.add(
                items: items, prior: users.prior, precision: precision, parts: users.parts(of: ranks), ranks: ranks,
                workers: workers
            ) { user, worker in
                conditional.solve(user, of: users.ratings, noise: nil, scratch[worker])
                return UnsafePointer(scratch[worker].solution)
            }
        }
        let seconds = clock.seconds
        progress.reset()
        var metrics = ["train_loss": squares / count, "precision": precision]
        if let validation {
            metrics.merge(validation.add(users, items, mean: mean, counts: epoch > options.burnIn, workers)) { $1 }
        }
        return .finished(metrics: metrics, seconds: seconds)
    }

    private func conditional(of side: BayesianSide, given other: BayesianSide) -> RowConditional {
        RowConditional(
            factors: other.factors, biases: other.biases, prior: side.prior, precision: precision, mean: mean, isa: isa)
    }

    /// Draws what is left of a side; false when stopped before its end.
    private func draw(
        _ side: BayesianSide, given other: BayesianSide, epoch: Int, _ cancellation: Cancellation
    ) throws -> Bool {
        let first = side.number == 0 ? 0 : users.chunks
        let left = (0..<side.chunks).filter { !progress.isDone(first + $0) }
        guard !left.isEmpty else { return true }
        if try ranks.any(cancellation.isCancelled) { return false }
        // Where rows have been drawn already, the distribution they came from is in the state.
        if left.count == side.chunks {
            try side.drawPrior(epoch: epoch, seed: options.seed, workers: workers, isa: isa)
        }
        let conditional = conditional(of: side, given: other)
        let parts = side.parts(of: ranks)
        let chunks = left.filter(parts[ranks.rank].contains)
        workers.forEach(chunks.count) { index, worker in
            // Ranks stop together, between sides.
            guard ranks.size > 1 || !cancellation.isCancelled else { return }
            let chunk = chunks[index]
            let loss = side.draw(
                chunk, from: conditional, epoch: epoch, seed: options.seed, squares: side === items, scratch[worker],
                isa)
            progress.finish(first + chunk, loss: loss)
        }
        try side.share(parts, ranks)
        try progress.share(parts.map { first + $0.lowerBound..<first + $0.upperBound }, ranks)
        return left.allSatisfy { progress.isDone(first + $0) }
    }
}
