package import Basics
import CKernels
package import Formats
package import Interactions
package import Kernels
package import Training

/// Matrix factorisation by mini-batches and Adam with lazy moments (`sk_adam.h`).
///
/// Each epoch draws its own order of the ratings. A batch takes three steps (errors, gradients, moves), each over a
/// fixed grid of stretches, so weights are the same bits at any thread count.
package final class AdamTrainer: EpochTrainer {
    private let parameters: FactorParameters
    private let ratings: Samples
    private let batch: BatchBuffers
    private let validation: ValidationPart?
    private let options: MatrixFactorizationOptions
    private let workers: Workers
    private let isa: InstructionSet
    private let moments: AdamMoments
    private let progress: EpochPlace

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?,
        options: MatrixFactorizationOptions, workers: Workers, isa: InstructionSet
    ) {
        self.options = options
        self.workers = workers
        self.isa = isa
        parameters = FactorParameters(history: history, options: options, places: nil, workers: workers)
        ratings = Samples(count: history.entryCount)
        for user in 0..<history.rowCount {
            for entry in history.offsets[user]..<history.offsets[user + 1] {
                ratings.users[entry] = UInt32(user)
                ratings.items[entry] = history.columns[entry]
                ratings.values[entry] = history.values?[entry] ?? 1
            }
        }
        let parameters = parameters
        self.validation = validation.map { ValidationPart($0, parameters: parameters, workers: workers, isa: isa) }
        moments = AdamMoments(parameters)
        batch = BatchBuffers(
            size: min(options.batchSize, max(1, ratings.count)), parameters: parameters)
        progress = EpochPlace(steps: (ratings.count + options.batchSize - 1) / options.batchSize)
    }

    package var weights: [TensorSource] { parameters.tensors }

    package var optimizerState: [TensorSource] { moments.tensors(of: parameters) + progress.tensors }

    package func restore(weights: SafeTensorsFile, optimizer: SafeTensorsFile) throws {
        try parameters.restore(from: weights)
        try moments.restore(from: optimizer, parameters)
        try progress.restore(from: optimizer)
    }

    package func train(
        epoch: Int, cancellation: Cancellation, progress report: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        let size = options.batchSize
        let order = order(of: epoch)
        func range(_ step: Int) -> Range<Int> { step * size..<min(ratings.count, (step + 1) * size) }
        var told = 0.0
        for step in 0..<(ratings.count + size - 1) / size where !progress.isDone(step) {
            if cancellation.isCancelled { return .interrupted }
            progress.finish(step, loss: learn(order[range(step)], epoch: epoch, step: step))
            if clock.seconds - told > 0.1 {
                told = clock.seconds
                let (done, loss) = progress.sums { range($0).count }
                report(EpochProgress(done: done, total: ratings.count, loss: loss / Double(done)))
            }
        }
        let seconds = clock.seconds
        var metrics = ["train_loss": progress.sums { range($0).count }.loss / Double(max(1, ratings.count))]
        progress.reset()
        if let validation { metrics.merge(validation.metrics()) { $1 } }
        return .finished(metrics: metrics, seconds: seconds)
    }

    private func order(of epoch: Int) -> [UInt32] {
        var order = Array(0..<UInt32(ratings.count))
        var random = RandomStream(seed: options.seed, .order, index: UInt64(epoch))
        random.shuffle(&order)
        return order
    }

    /// One step of the optimiser over the chosen ratings; returns their sum of squared errors before it.
    package func learn(_ chosen: ArraySlice<UInt32>, epoch: Int, step: Int) -> Double {
        batch.gather(chosen, from: ratings)
        moments.step += 1
        var work = batch.samples.batch(0..<chosen.count, of: parameters)
        batch.describe(&work)
        moments.describe(&work, decay: options.decay.share(epoch: epoch, of: options.epochs), options)
        var random = RandomStream(seed: options.seed, .dropout, index: UInt64(epoch), counter: UInt64(step))
        work.dropout_key = random.next()

        let isa = isa.rawValue
        return withUnsafeMutablePointer(to: &work) { work in
            let errors = sum(over: chosen.count, stretch: 256) { sk_adam_errors(work, $0, $1, isa) }
            let groups = [work.pointee.sides.0.groups, work.pointee.sides.1.groups]
            let norms = (0...1).map { side in
                sum(over: groups[side], stretch: 64) { sk_adam_gradients(work, Int32(side), $0, $1, isa) }
            }
            let norm = (norms[0] + norms[1]).squareRoot()
            if let clip = options.clipNorm, norm > clip { work.pointee.gradient_scale = Float(clip / norm) }
            for side in 0...1 {
                _ = sum(over: groups[side], stretch: 64) {
                    sk_adam_move(work, Int32(side), $0, $1, isa)
                    return 0
                }
            }
            return errors
        }
    }

    /// Runs `body(from, to)` over fixed stretches on all workers and adds what it returns, in order.
    private func sum(over count: Int, stretch: Int, _ body: (Int, Int) -> Double) -> Double {
        let parts = (count + stretch - 1) / stretch
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, parts)) { sums in
            workers.forEach(parts) { part, _ in
                sums[part] = body(part * stretch, min(count, (part + 1) * stretch))
            }
            return sums.prefix(parts).reduce(0, +)
        }
    }
}
