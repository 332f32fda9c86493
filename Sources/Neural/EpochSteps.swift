import Basics
import Formats
import Torch
import Training

/// The steps of an epoch, of any model that is trained in batches: where the epoch stands, losses that are read late since
/// reading waits for the device, and smaller batches when memory runs out.
final class EpochSteps {
    /// Samples of an epoch.
    private let count: Int
    /// Samples of a step.
    private let stride: Int
    /// What samples are, for people.
    private let noun: String
    private let device: Device
    private let ranks: any Communicator
    /// Samples of the epoch that are done, and the sum of their losses.
    private var done = 0, lossSum = 0.0
    /// Samples in a batch: the option's, or fewer since memory ran out.
    private var batchSize: Int
    private var meter: DeviceMeter
    private var unread: [(samples: Range<Int>, loss: Tensor)] = []
    private var cancellation = Cancellation()
    /// Whether a rank of several was to stop before the last step.
    private var stops = false

    init(
        of count: Int, _ noun: String, batchSize: Int, accumulation: Int, on device: Device, ranks: any Communicator
    ) {
        (self.count, self.noun, self.batchSize, self.device) = (count, noun, batchSize, device)
        self.ranks = ranks
        stride = batchSize * accumulation
        meter = DeviceMeter(device)
    }

    var state: [TensorSource] { [TensorSource(name: "place", [Double(done), lossSum, Double(batchSize)])] }

    func restore(_ file: SafeTensorsFile) throws {
        let place = try file.tensor("place").expect(.float64, shape: [3]).doubles()
        (done, lossSum, batchSize) = (Int(place[0]), place[1], Int(place[2]))
    }

    /// Goes on to the end of the epoch. Ranks stop at the same step, and do not make batches smaller.
    ///
    /// - Parameters:
    ///   - clear: forgets gradients of a step that ran out of memory.
    ///   - step: trains on samples in batches of at most so many, and gives the mean loss `[]`. On several ranks it calls
    ///     ``sum(_:_:)`` once.
    /// - Returns: `train_loss`, the mean, what it took of a GPU, and its seconds; nil if it was cancelled.
    /// - Throws: `failed` for a loss that is no number. The weights are spoilt then; the newest checkpoint is older.
    func train(
        epoch: Int, _ cancellation: Cancellation, progress: (EpochProgress) -> Void, clear: () throws -> Void,
        step: (_ samples: Range<Int>, _ batchSize: Int) throws -> Tensor
    ) throws -> (metrics: [String: Double], seconds: Double)? {
        let clock = Stopwatch()
        self.cancellation = cancellation
        stops = try ranks.any(cancellation.isCancelled)
        while done < count {
            if ranks.size > 1 ? stops : cancellation.isCancelled {
                try readLosses(epoch)
                return nil
            }
            let samples = done..<min(count, done + stride)
            do {
                unread.append((samples, try step(samples, batchSize)))
            } catch let error as StarlingError where error.code == .outOfMemory && batchSize > 1 && ranks.size == 1 {
                try clear()
                batchSize /= 2
                var notice = EpochProgress(done: done, total: count)
                notice.notice = "out of memory: batches are of \(batchSize) \(noun) from here on; \(error.what)"
                progress(notice)
                continue
            }
            done = samples.upperBound
            if device == .cpu || unread.count == 16 || done == count {
                try readLosses(epoch)
                var report = EpochProgress(done: done, total: count, loss: lossSum / Double(done))
                report.device = try meter.look()
                progress(report)
            }
        }
        defer { (done, lossSum) = (0, 0) }
        let loss = ["train_loss": lossSum / Double(max(1, count))]
        return (loss.merging(meter.metrics()) { $1 }, clock.seconds)
    }

    /// Adds up what the ranks found in a step: the gradients of parameters, in place, and their shares of the mean loss `[]`,
    /// which it returns. Whether to stop travels with them.
    ///
    /// - Complexity: sends 2 · (ranks − 1) / ranks of the parameters' bytes.
    func sum(_ loss: Tensor, _ parameters: [(name: String, tensor: Tensor)]) throws -> Tensor {
        guard ranks.size > 1 else { return loss }
        return try withoutGradients {
            let parts = try parameters.map { parameter in
                try (parameter.tensor.gradient ?? Tensor.zeros(parameter.tensor.shape, on: device)).reshaped([-1])
            }
            let stop = try Tensor([Float(cancellation.isCancelled ? 1 : 0)], [1])
            let sums = try Tensor.concatenated(
                parts + [loss.to(.float32, device).reshaped([1]), stop.to(nil, device)]
            ).total(over: ranks)
            let told = try sums.narrowed(axis: 0, from: sums.count - 2, count: 2).array(of: Float.self)
            stops = told[1] > 0
            var place = 0
            for (_, tensor) in parameters {
                try tensor.setGradient(
                    sums.narrowed(axis: 0, from: place, count: tensor.count).reshaped(tensor.shape))
                place += tensor.count
            }
            return try Tensor(told[0])
        }
    }

    private func readLosses(_ epoch: Int) throws {
        defer { unread = [] }
        for (samples, loss) in unread {
            let loss = try loss.item()
            guard loss.isFinite else {
                throw StarlingError(
                    .failed,
                    "training diverged: the loss of batch \(samples.lowerBound / stride + 1) of epoch \(epoch) is "
                        + "\(loss), at \(noun) \(samples.lowerBound) to \(samples.upperBound)",
                    remedy:
                        "lower --learning-rate (and --embedding-learning-rate, where there is one); the checkpoints of earlier epochs are kept"
                )
            }
            lossSum += loss * Double(samples.count)
        }
    }
}
