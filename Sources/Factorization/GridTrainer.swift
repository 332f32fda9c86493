package import Basics
import CKernels
package import Formats
package import Interactions
package import Kernels
package import Training

/// Matrix factorisation by stochastic gradient descent (or row-wise AdaGrad) over a ``BlockGrid``.
///
/// An epoch walks the grid's strata in an order drawn for that epoch; within a stratum workers take blocks as they
/// come. Results do not depend on who takes which, so weights are the same bits at any thread count, and an epoch
/// that was interrupted goes on with the blocks it still lacks.
package final class GridTrainer: EpochTrainer {
    let grid: BlockGrid
    private let parameters: FactorParameters
    private let validation: ValidationPart?
    private let options: MatrixFactorizationOptions
    private let workers: Workers
    private let isa: InstructionSet
    /// AdaGrad's sums of mean squared gradients: users, items, user biases, item biases; by place.
    private let squares: [FloatColumn]
    private let progress: EpochPlace

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?,
        options: MatrixFactorizationOptions, workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.workers = workers
        self.isa = isa
        grid = BlockGrid(history, factors: options.factors, workers: workers)
        parameters = FactorParameters(
            history: history, options: options, places: (grid.userPlaces, grid.itemPlaces), workers: workers)
        let parameters = parameters
        self.validation = validation.map { ValidationPart($0, parameters: parameters, workers: workers, isa: isa) }
        let sizes = [history.rowCount, history.columnCount]
        let columns = options.optimizer != .adagrad ? [] : options.biases ? sizes + sizes : sizes
        squares = columns.map(FloatColumn.init(count:))
        progress = EpochPlace(steps: grid.side * grid.side)
    }

    package var weights: [TensorSource] { parameters.tensors }

    private static let names = ["user_squares", "item_squares", "user_bias_squares", "item_bias_squares"]

    /// The places of the rows that column `part` of ``squares`` has.
    private func places(_ part: Int) -> [UInt32] { part % 2 == 0 ? grid.userPlaces : grid.itemPlaces }

    package var optimizerState: [TensorSource] {
        squares.indices.map { parameters.rows(Self.names[$0], of: squares[$0], places($0)) } + progress.tensors
    }

    package func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        try parameters.restore(from: weights)
        for part in squares.indices {
            try parameters.restore(Self.names[part], to: squares[part], places(part), from: optimizer)
        }
        try progress.restore(from: optimizer)
    }

    package func train(
        epoch: Int, cancellation: Cancellation, progress report: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        let side = grid.side
        let total = grid.ratingCount
        for stratum in strata(of: epoch) {
            workers.forEach(side) { userBlock, worker in
                let block = userBlock * side + (userBlock + stratum) % side
                guard !progress.isDone(block), !cancellation.isCancelled else { return }
                progress.finish(block, loss: walk(block, epoch: epoch))
            }
            if cancellation.isCancelled && !progress.isComplete { return .interrupted }
            let (done, loss) = progress.sums { grid.ratingCounts[$0] }
            report(EpochProgress(done: done, total: total, loss: loss / Double(max(1, done))))
        }
        let seconds = clock.seconds
        let loss = progress.sums { grid.ratingCounts[$0] }.loss / Double(max(1, total))
        progress.reset()
        var metrics = ["train_loss": loss]
        if let validation { metrics.merge(validation.metrics()) { $1 } }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// The order of strata in an epoch.
    private func strata(of epoch: Int) -> [Int] {
        var random = RandomStream(seed: options.seed, .order, index: UInt64(epoch))
        var strata = Array(0..<grid.side)
        random.shuffle(&strata)
        return strata
    }

    /// Walks one block, segment by segment; returns its sum of squared errors.
    private func walk(_ block: Int, epoch: Int) -> Double {
        let ratings = grid.userBlocks[block / grid.side]
        var work = work(epoch: epoch)
        var random = RandomStream(seed: options.seed, .dropout, index: UInt64(epoch), counter: UInt64(block))
        var loss = 0.0
        ratings.withUnsafeBuffers { users, items, values in
            for piece in ratings.pieces(itemBlock: block % grid.side) {
                work.groups = (piece.groups[0], piece.groups[1], piece.groups[2], piece.groups[3])
                work.users = users + piece.firstGroup
                work.items = items + piece.firstRating
                work.values = values + piece.firstRating
                work.dropout_key = random.next()
                loss += sk_sgd(&work, isa.rawValue)
            }
        }
        return loss
    }

    /// What all blocks of an epoch have in common.
    private func work(epoch: Int) -> sk_sgd_block {
        var work = sk_sgd_block()
        work.user_factors = parameters.users.base
        work.item_factors = parameters.items.base
        work.user_biases = parameters.userBiases?.base
        work.item_biases = parameters.itemBiases?.base
        if !squares.isEmpty {
            work.user_squares = squares[0].base
            work.item_squares = squares[1].base
            work.user_bias_squares = options.biases ? squares[2].base : nil
            work.item_bias_squares = options.biases ? squares[3].base : nil
        }
        work.stride = parameters.users.stride
        work.width = parameters.users.width
        work.mean = parameters.mean
        work.rate = Float(options.learningRate * options.decay.share(epoch: epoch, of: options.epochs))
        work.penalty = Float(options.regularization)
        work.bias_penalty = Float(options.biasRegularization)
        work.clip = Float(options.clipNorm ?? 0)
        work.dropout = Float(options.dropout)
        return work
    }
}
