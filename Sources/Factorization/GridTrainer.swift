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
/// that was interrupted goes on with the blocks it still lacks. Ranks have user blocks each, and pass item blocks on
/// (``ItemBlocks``), to the same bits again.
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
    private let ranks: any Communicator
    private let itemBlocks: ItemBlocks

    package convenience init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?,
        options: MatrixFactorizationOptions, ranks: any Communicator = OneRank(), workers: Workers,
        isa: InstructionSet
    ) throws {
        let grid = try BlockGrid(history, factors: options.factors, ranks: ranks, workers: workers)
        let parameters = FactorParameters(
            history: history, options: options, places: (grid.places.users, grid.places.items), workers: workers)
        self.init(grid, parameters, validation, options, ranks, workers, isa)
    }

    /// The same over histories that are gone through once more: to the same bits.
    convenience init(
        passes: any HistoryPasses, validation: InteractionLog?, options: MatrixFactorizationOptions,
        scratch: GridScratch, workers: Workers, isa: InstructionSet, cancellation: Cancellation?,
        progress: ((_ step: GridStep, _ done: Int, _ total: Int) -> Void)?
    ) throws {
        let (grid, mean) = try BlockGrid.dealing(
            passes, factors: options.factors, scratch: scratch, workers: workers, cancellation: cancellation,
            progress: progress)
        let (activity, audience) = (passes.activity, passes.audience)
        let parameters = FactorParameters(
            users: passes.userCount, items: passes.itemCount, mean: options.biases ? mean : 0, options: options,
            places: (grid.places.users, grid.places.items), workers: workers,
            isWarm: ({ activity[$0] > 0 }, { audience[$0] > 0 }))
        self.init(grid, parameters, validation, options, OneRank(), workers, isa)
    }

    private init(
        _ grid: BlockGrid, _ parameters: FactorParameters, _ validation: InteractionLog?,
        _ options: MatrixFactorizationOptions, _ ranks: any Communicator, _ workers: Workers, _ isa: InstructionSet
    ) {
        (self.grid, self.parameters, self.options) = (grid, parameters, options)
        (self.ranks, self.workers, self.isa) = (ranks, workers, isa)
        self.validation = validation.map { ValidationPart($0, parameters: parameters, workers: workers, isa: isa) }
        let sizes = [parameters.users.rows, parameters.items.rows]
        let columns = options.optimizer != .adagrad ? [] : options.biases ? sizes + sizes : sizes
        let squares = columns.map(FloatColumn.init(count:))
        self.squares = squares
        progress = EpochPlace(steps: grid.side * grid.side)
        let items = zip(grid.places.itemStarts, grid.places.itemStarts.dropFirst()).map { $0..<$1 }
        itemBlocks = ItemBlocks(
            side: grid.side, memory: items.map { parameters.memory(side: 1, squares, places: $0) }, ranks: ranks)
    }

    package var weights: [TensorSource] { parameters.tensors.map(together) }

    package var isSharded: Bool { ranks.size > 1 }

    /// The same, which gives every rank the newest rows first.
    private func together(_ tensor: TensorSource) -> TensorSource {
        guard ranks.size > 1 else { return tensor }
        return TensorSource(name: tensor.name, elementType: tensor.elementType, shape: tensor.shape) { [self] sink in
            try share()
            try tensor.emit(sink)
        }
    }

    private static let names = ["user_squares", "item_squares", "user_bias_squares", "item_bias_squares"]

    /// The places of the rows that column `part` of ``squares`` has.
    private func places(_ part: Int) -> [UInt32] { part % 2 == 0 ? grid.places.users : grid.places.items }

    package var optimizerState: [TensorSource] {
        squares.indices.map { together(parameters.rows(Self.names[$0], of: squares[$0], places($0))) }
            + progress.tensors
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
        let own = itemBlocks.own
        // What all ranks say of a stratum is looked at after the next, so that none waits for it.
        typealias Told = (stops: Bool, done: Int, loss: Double)
        var last: Gathering<Told>?
        func stops() throws -> Bool {
            guard let all = try last?.all() else { return false }
            let (done, loss) = all.reduce((0, 0.0)) { ($0.0 + $1.done, $0.1 + $1.loss) }
            report(EpochProgress(done: done, total: total, loss: loss / Double(max(1, done))))
            return all.contains(where: \.stops)
        }
        func waiting(_ userBlocks: Range<Int>, _ stratum: Int) -> [Int] {
            userBlocks.map { $0 * side + ($0 + stratum) % side }.filter { !progress.isDone($0) }
        }
        let order = strata(of: epoch)
        let supply = BlockSupply(grid, order: order.flatMap { waiting(own, $0) }, workers: workers.count)
        defer { supply.close() }
        func walk(_ userBlocks: Range<Int>, _ stratum: Int) throws {
            let blocks = waiting(userBlocks, stratum)
            try workers.forEach(blocks.count) { index, worker in
                // Ranks stop together, between strata.
                guard ranks.size > 1 || !cancellation.isCancelled else { return }
                try supply.take(blocks[index], worker: worker) { block, forEachPiece in
                    progress.finish(block, loss: self.walk(block, epoch: epoch, forEachPiece))
                }
            }
        }
        // What a rank hands on is of its first user block, what comes is for its last: both travel while others are walked.
        let half = own.lowerBound + (ranks.size > 1 ? own.count / 2 : 0)
        try itemBlocks.begin(order[0])
        var coming: (any Transfer)?
        for stratum in order {
            try walk(own.lowerBound..<half, stratum)
            if half == own.lowerBound {
                try coming?.wait()
                try walk(own, stratum)
            }
            let next = stratum == order.last ? nil : try itemBlocks.handOn()
            if half > own.lowerBound {
                try coming?.wait()
                try walk(half..<own.upperBound, stratum)
            }
            coming = next
            let sums = progress.sums(of: own.lowerBound * side..<own.upperBound * side) { grid.ratingCounts[$0] }
            let told = try ranks.beginAllGather(Told(cancellation.isCancelled, sums.done, sums.loss))
            let isStopped = try stops()
            last = told
            if isStopped { break }
        }
        try coming?.wait()
        let isStopped = try stops()
        try progress.share(ranks.parts(of: side).scaled(by: side), ranks)
        if isStopped && !progress.isComplete { return .interrupted }
        let seconds = clock.seconds
        let loss = progress.sums { grid.ratingCounts[$0] }.loss / Double(max(1, total))
        progress.reset()
        var metrics = ["train_loss": loss]
        if let validation {
            try share()
            try metrics.merge(validation.metrics(ranks)) { $1 }
        }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// Gives every rank the newest rows of all.
    private func share() throws {
        guard itemBlocks.areApart else { return }
        try itemBlocks.share()
        let starts = grid.places.userStarts
        let users = ranks.parts(of: grid.side).map { starts[$0.lowerBound]..<starts[$0.upperBound] }
        for column in parameters.memory(side: 0, squares, places: 0..<parameters.users.rows) {
            let width = column.count / parameters.users.rows
            try ranks.allGather(in: column, parts: users.scaled(by: width))
        }
    }

    /// The order of strata in an epoch: from a random one on, so that a rank hands on one item block at a time.
    private func strata(of epoch: Int) -> [Int] {
        var random = RandomStream(seed: options.seed, .order, index: UInt64(epoch))
        let first = random.below(grid.side)
        return (0..<grid.side).map { (first + $0) % grid.side }
    }

    /// Walks one block, segment by segment; returns its sum of squared errors.
    private func walk(_ block: Int, epoch: Int, _ forEachPiece: ((PieceRatings) -> Void) -> Void) -> Double {
        var work = work(epoch: epoch)
        var random = RandomStream(seed: options.seed, .dropout, index: UInt64(epoch), counter: UInt64(block))
        var loss = 0.0
        forEachPiece { piece in
            work.groups = (piece.groups[0], piece.groups[1], piece.groups[2], piece.groups[3])
            work.users = piece.users
            work.items = piece.items
            work.values = piece.values
            work.dropout_key = random.next()
            loss += sk_sgd(&work, isa.rawValue)
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

extension FactorParameters {
    /// The bytes of a stretch of places of a side (0: users, 1: items): factors, biases, and sums of squares where there are.
    fileprivate func memory(
        side: Int, _ squares: [FloatColumn], places: Range<Int>
    ) -> [UnsafeMutableRawBufferPointer] {
        let table = rows(side)
        let columns = [biases(side)] + squares.enumerated().map { $0.offset % 2 == side ? $0.element.base : nil }
        return [
            UnsafeMutableRawBufferPointer(
                start: table.base + places.lowerBound * table.stride, count: places.count * table.stride * 4)
        ]
            + columns.compactMap {
                $0.map { UnsafeMutableRawBufferPointer(start: $0 + places.lowerBound, count: places.count * 4) }
            }
    }
}
