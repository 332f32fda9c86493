import Basics
import Formats
import Interactions
import Kernels
import Torch
import Training

/// Two towers in training; see ``TwoTower``.
final class TwoTowerTrainer: EpochTrainer {
    private let users, items: Tower
    private let samples: TwoTowerSamples
    private let loss: TwoTowerLoss
    private let optimizer: Adam
    private let scaler: GradientScaler?
    private let validation: TwoTowerValidation?
    private let options: TwoTowerOptions
    /// Interactions of the epoch that are done, and the sum of their losses.
    private var done = 0, lossSum = 0.0

    init(
        history: InteractionMatrix<UserRow, ItemRow>, users: [FeatureBags], items: [FeatureBags],
        validation: InteractionLog?, options: TwoTowerOptions, workers: Workers, isa: InstructionSet
    ) throws {
        self.options = options
        self.users = try Tower("user", side: 0, users, options, isa: isa)
        self.items = try Tower("item", side: 1, items, options, isa: isa)
        samples = TwoTowerSamples(history, options)
        loss = try TwoTowerLoss(options, isa: isa)
        var adam = Adam.Options(learningRate: options.learningRate)
        adam.epsilon = 1e-8
        optimizer = try Adam(self.users.parameters + self.items.parameters, adam)
        scaler = options.precision == .fp16 ? try GradientScaler(on: .cpu) : nil
        self.validation = validation.map {
            TwoTowerValidation($0, history, options, workers: workers, isa: isa)
        }
    }

    var weights: [TensorSource] {
        [vectors("user_factors", users, samples.users), vectors("item_factors", items, samples.items)] + users.weights
            + items.weights
    }

    var optimizerState: [TensorSource] {
        users.optimizerState + items.optimizerState + optimizer.state.map { TensorSource($0) }
            + (scaler?.state.map { TensorSource(($0.name, $0.tensor)) } ?? [])
            + [TensorSource(name: "place", [Double(done), lossSum])]
    }

    func restore(weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        try users.restore(weights: weights, optimizer: file)
        try items.restore(weights: weights, optimizer: file)
        for state in optimizer.state + (scaler?.state ?? []) { try state.tensor.restore(state.name, from: file) }
        let place = try file.tensor("place").expect(.float64, shape: [2]).doubles()
        (done, lossSum) = (Int(place[0]), place[1])
    }

    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let clock = Stopwatch()
        let order = samples.order(epoch: epoch)
        while done < samples.count {
            if cancellation.isCancelled { return .interrupted }
            let end = min(samples.count, done + options.batchSize)
            let found = try step(samples.batch(done..<end, of: order, epoch: epoch))
            guard found.isFinite else {
                throw StarlingError(
                    .failed,
                    "training diverged: the loss of epoch \(epoch) is \(found) at interactions \(done) to \(end)",
                    remedy:
                        "lower --learning-rate and --embedding-learning-rate; the checkpoints of earlier epochs are kept"
                )
            }
            lossSum += found * Double(end - done)
            done = end
            progress(EpochProgress(done: done, total: samples.count, loss: lossSum / Double(done)))
        }
        let seconds = clock.seconds
        var metrics = ["train_loss": lossSum / Double(samples.count)]
        (done, lossSum) = (0, 0)
        if let validation {
            try metrics.merge(validation.metrics(users: users.vectors, items: items.vectors, cancellation)) { $1 }
        }
        return .finished(metrics: metrics, seconds: seconds)
    }

    /// One step; the batch's loss.
    private func step(_ batch: TwoTowerBatch) throws -> Double {
        let unknown = batch.unknown((users.idDropout, items.idDropout))
        let userInputs = users.inputs(batch.users) { unknown.users[$0] }
        let itemInputs = items.inputs(batch.items) { unknown.items[$0] }
        let (left, right) = try options.precision.autocast(on: .cpu) { (try users(userInputs), try items(itemInputs)) }
        let loss = try loss(left.vectors, right.vectors, batch)
        let scale = try scaler?.scale.item()
        func scaled(_ gradient: Tensor) throws -> Tensor {
            try scale.map { try gradient.multiplied(by: $0) } ?? gradient
        }
        try Tensor.backward([(left.vectors, scaled(loss.users)), (right.vectors, scaled(loss.items))])
        let parameters = users.parameters + items.parameters
        if let scaler {
            try scaler.unscale(
                parameters.compactMap { try $0.tensor.gradient }
                    + [left.embedded.gradient, right.embedded.gradient].compactMap { $0 })
        }
        if try scaler?.overflow.item() != 1 {
            try users.update(userInputs, left.embedded)
            try items.update(itemInputs, right.embedded)
        }
        try optimizer.step(scaler)
        try scaler?.update()
        for parameter in parameters { try parameter.tensor.setGradient(nil) }
        return loss.mean
    }

    private func vectors(_ name: String, _ tower: Tower, _ count: Int) -> TensorSource {
        TensorSource(name: name, elementType: .float32, shape: [count, options.width]) { sink in
            try tower.vectors { try $0.withUnsafeBytes(sink) }
        }
    }
}
