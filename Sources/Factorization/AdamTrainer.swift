package import Basics
import CKernels
package import Formats
package import Interactions
package import Kernels
package import Training

/// Matrix factorisation by mini-batches and Adam with lazy moments (`sk_adam.h`).
///
/// Each epoch draws its own order of the ratings (``AdamRatings``). All workers walk the batches together; each row is
/// summed and moved by the one worker that owns it, over the batch's samples in their order, so weights are the same bits
/// at any thread count. On several ranks each does all of it, since a batch is too little to share.
package final class AdamTrainer: EpochTrainer {
    private let parameters: FactorParameters
    private let ratings: AdamRatings
    private let buffers: BatchBuffers
    private let lanes: [BatchLane]
    private let validation: ValidationPart?
    private let options: MatrixFactorizationOptions
    private let workers: Workers
    private let isa: InstructionSet
    private let moments: AdamMoments
    private let progress: EpochPlace
    private let ranks: any Communicator

    package init(
        history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog?,
        options: MatrixFactorizationOptions, ranks: any Communicator = OneRank(), workers: Workers,
        isa: InstructionSet
    ) {
        precondition(workers.count <= UInt16.max, "owners of rows are numbered in 16 bits")
        self.options = options
        self.workers = workers
        self.isa = isa
        self.ranks = ranks
        let parameters = FactorParameters(history: history, options: options, places: nil, workers: workers)
        self.parameters = parameters
        ratings = AdamRatings(history, options: options)
        self.validation = validation.map { ValidationPart($0, parameters: parameters, workers: workers, isa: isa) }
        moments = AdamMoments(parameters)
        let (size, rows) = (min(options.batchSize, max(1, ratings.count)), [history.rowCount, history.columnCount])
        buffers = BatchBuffers(size: size, rows: rows, clipped: options.clipNorm != nil)
        lanes = (0..<workers.count).map { _ in
            BatchLane(size: size, rows: rows, stride: parameters.users.stride)
        }
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
        let (size, total) = (options.batchSize, ratings.count)
        // Ranks stop together, between epochs.
        func isStopped() -> Bool { ranks.size == 1 && cancellation.isCancelled }
        func range(_ step: Int) -> Range<Int> { step * size..<min(total, (step + 1) * size) }
        let order = ratings.order(of: epoch, seed: options.seed)
        var told = -Double.infinity
        let steps = progress.next..<(total + size - 1) / size
        if !steps.isEmpty && !isStopped() {
            walk(steps, epoch: epoch, range: range) {
                order.copy($0, to: $1, isa: isa)
            } after: { step, loss in
                progress.finish(step, loss: loss)
                if clock.seconds - told > 0.1 {
                    told = clock.seconds
                    let (done, loss) = progress.sums { range($0).count }
                    report(EpochProgress(done: done, total: total, loss: loss / Double(done)))
                }
                return !isStopped()
            }
        }
        guard progress.isComplete else { return .interrupted }
        let seconds = clock.seconds
        var metrics = ["train_loss": progress.sums { range($0).count }.loss / Double(max(1, total))]
        progress.reset()
        if let validation { try metrics.merge(validation.metrics()) { $1 } }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// One step of the optimiser over the chosen ratings; returns their sum of squared errors before it.
    package func learn(_ chosen: ArraySlice<UInt32>, epoch: Int, step: Int) -> Double {
        var squares = 0.0
        walk(step..<step + 1, epoch: epoch, range: { _ in 0..<chosen.count }) { range, target in
            for place in range { target[place - range.lowerBound] = chosen[chosen.startIndex + place] }
        } after: { _, loss in
            squares = loss
            return true
        }
        return squares
    }

    /// Takes steps of the optimiser.
    ///
    /// A worker moves its users, computes the errors and gradients of its users of the next batch, and fetches its share
    /// of the one after; all wait; it computes the gradients of its items, moves them, and finds its rows in the batch
    /// that has been fetched; all wait.
    ///
    /// - Parameters:
    ///   - range: the places of a batch's ratings.
    ///   - copy: writes the ratings at some places, for any worker.
    ///   - after: is told each step's sum of squared errors, in order, by one worker; false ends the walk.
    private func walk(
        _ steps: Range<Int>, epoch: Int, range: (_ step: Int) -> Range<Int>,
        copy: (Range<Int>, UnsafeMutablePointer<UInt32>) -> Void, after: (_ step: Int, _ loss: Double) -> Bool
    ) {
        buffers.forgetRows()
        let (count, isa, taken) = (workers.count, isa.rawValue, moments.step)
        var last = steps.upperBound
        withUnsafeMutablePointer(to: &last) { last in
            workers.together { worker, barrier in
                let lane = lanes[worker]
                func gather(_ step: Int) {
                    let all = range(step)
                    let (from, to) = (all.count * worker / count, all.count * (worker + 1) / count)
                    copy(all.lowerBound + from..<all.lowerBound + to, lane.order)
                    buffers.gather(lane.order, at: from..<to, of: step, from: ratings, workers: count, isa: self.isa)
                }
                func group(_ step: Int) {
                    buffers.group(
                        range(step).count, of: step, for: worker, number: step - steps.lowerBound + 1, into: lane)
                }
                func describe(_ step: Int) -> sk_adam_batch {
                    var work = parameters.batch
                    buffers.describe(range(step).count, of: step, &work)
                    moments.describe(
                        &work, step: taken + step - steps.lowerBound + 1,
                        decay: options.decay.share(epoch: epoch, of: options.epochs), options)
                    var random = RandomStream(
                        seed: options.seed, .dropout, index: UInt64(epoch), counter: UInt64(step))
                    work.dropout_key = random.next()
                    return work
                }
                func move(_ side: Int32, _ step: Int, _ work: inout sk_adam_batch) {
                    var groups = lane.groups(Int(side), step)
                    sk_adam_move(&work, side, &groups, isa)
                }
                func gradients(_ side: Int32, _ step: Int, _ work: inout sk_adam_batch) {
                    var groups = lane.groups(Int(side), step)
                    sk_adam_gradients(&work, side, &groups, isa)
                }

                gather(steps.lowerBound)
                barrier.wait()
                group(steps.lowerBound)
                barrier.wait()
                var work = describe(steps.lowerBound)
                var step = steps.lowerBound
                while true {
                    gradients(0, step, &work)
                    if step + 1 < steps.upperBound { gather(step + 1) }
                    barrier.wait()
                    gradients(1, step, &work)
                    if let clip = options.clipNorm {
                        barrier.wait()
                        let norm = Self.sum(buffers.norms!, 2 * work.samples) { $0 }.squareRoot()
                        if norm > clip { work.gradient_scale = Float(clip / norm) }
                    }
                    move(1, step, &work)
                    if step + 1 < steps.upperBound { group(step + 1) }
                    if worker == 0 {
                        let loss = Self.sum(buffers.errors, work.samples) { $0 * $0 }
                        if !after(step, loss) { last.pointee = step + 1 }
                    }
                    barrier.wait()
                    move(0, step, &work)
                    step += 1
                    if step == last.pointee { break }
                    work = describe(step)
                }
            }
        }
        moments.step = taken + last - steps.lowerBound
    }

    /// Σ term(x) in eight interleaved sums, always the same.
    private static func sum(_ values: UnsafePointer<Float>, _ count: Int, _ term: (Double) -> Double) -> Double {
        var sums = SIMD8<Double>()
        for start in stride(from: 0, to: count & ~7, by: 8) {
            for lane in 0..<8 { sums[lane] += term(Double(values[start + lane])) }
        }
        for place in count & ~7..<count { sums[place & 7] += term(Double(values[place])) }
        return sums.sum()
    }
}
