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
    private var order: any InteractionOrder
    private let loss: TwoTowerLoss
    private let optimizer: Adam
    private let scaler: GradientScaler?
    private let validation: TwoTowerValidation?
    private let options: TwoTowerOptions
    private let steps: EpochSteps
    private let ranks: any Communicator

    init(
        history: InteractionMatrix<UserRow, ItemRow>, order: any InteractionOrder, users: [FeatureBags],
        items: [FeatureBags],
        validation: InteractionLog?, options: TwoTowerOptions, ranks: any Communicator, workers: Workers,
        isa: InstructionSet
    ) throws {
        (self.options, self.order, self.ranks) = (options, order, ranks)
        self.users = try Tower("user", side: 0, users, options, ranks: ranks, isa: isa)
        self.items = try Tower("item", side: 1, items, options, ranks: ranks, isa: isa)
        samples = TwoTowerSamples(history, options)
        steps = EpochSteps(
            of: samples.count, "interactions", batchSize: options.batchSize, accumulation: options.gradientAccumulation,
            on: options.device, ranks: ranks)
        loss = try TwoTowerLoss(options, ranks: ranks, threads: workers.count, isa: isa)
        optimizer = try Adam(
            self.users.parameters + self.items.parameters, Adam.Options(learningRate: options.learningRate))
        scaler = options.precision == .fp16 ? try GradientScaler(on: options.device) : nil
        self.validation = validation.map {
            TwoTowerValidation($0, history, options, ranks: ranks, workers: workers, isa: isa)
        }
    }

    var isSharded: Bool { ranks.size > 1 }

    var weights: [TensorSource] {
        [vectors("user_factors", users, samples.users), vectors("item_factors", items, samples.items)] + users.weights
            + items.weights
    }

    var optimizerState: [TensorSource] {
        users.optimizerState + items.optimizerState + optimizer.state.map { TensorSource($0) }
            + (scaler?.state.map { TensorSource(($0.name, $0.tensor)) } ?? [])
            + steps.state
    }

    func restore(weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        try users.restore(weights: weights, optimizer: file)
        try items.restore(weights: weights, optimizer: file)
        for state in optimizer.state + (scaler?.state ?? []) { try state.tensor.restore(state.name, from: file) }
        try steps.restore(file)
    }

    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        let trained = try steps.train(epoch: epoch, cancellation, progress: progress) {
            for parameter in users.parameters + items.parameters { try parameter.tensor.setGradient(nil) }
        } step: { samples, batchSize in
            try step(samples, batchSize, epoch: epoch)
        }
        guard let trained else { return .interrupted }
        var metrics = trained.metrics
        if let validation {
            try metrics.merge(validation.metrics(users: users.vectors, items: items.vectors, cancellation)) { $1 }
        }
        return .finished(metrics: metrics, seconds: trained.seconds)
    }

    /// One step over the interactions at places, in batches whose gradients add up; the mean loss. Each rank takes its part of
    /// a batch's users and items through the towers.
    private func step(_ places: Range<Int>, _ batchSize: Int, epoch: Int) throws -> Tensor {
        let interactions = try order.interactions(places, epoch: epoch)
        typealias Embedded = [(inputs: [EmbeddingInput], embedded: Tensor)]
        var (left, right, mean): (Embedded, Embedded, Tensor?) = ([], [], nil)
        for first in stride(from: places.lowerBound, to: places.upperBound, by: batchSize) {
            let part = first..<min(places.upperBound, first + batchSize)
            let own = part.lowerBound - places.lowerBound..<part.upperBound - places.lowerBound
            let batch = samples.batch(interactions[own], at: part, epoch: epoch)
            let unknown = batch.unknown((users.idDropout, items.idDropout))
            let here = batch.places(of: ranks)
            let userInputs = users.inputs(here.users.map { batch.users[$0] }) { unknown.users[here.users[$0]] }
            let itemInputs = items.inputs(here.items.map { batch.items[$0] }) { unknown.items[here.items[$0]] }
            let (user, item) = try options.precision.autocast(on: options.device) {
                (try users(userInputs), try items(itemInputs))
            }
            let loss = try loss(user.vectors, item.vectors, batch)
            let share = Double(part.count) / Double(places.count)
            func scaled(_ gradient: Tensor) throws -> Tensor {
                let gradient = share == 1 ? gradient : try gradient.multiplied(by: share)
                return try scaler?.scaled(gradient) ?? gradient
            }
            try Tensor.backward([(user.vectors, scaled(loss.users)), (item.vectors, scaled(loss.items))])
            left.append((userInputs, user.embedded))
            right.append((itemInputs, item.embedded))
            mean = try withoutGradients {
                let weighed = try loss.mean.multiplied(by: share)
                return try mean?.adding(weighed) ?? weighed
            }
        }
        let parameters = users.parameters + items.parameters
        mean = try steps.sum(mean!, parameters)
        if let scaler {
            try scaler.unscale(
                parameters.compactMap { try $0.tensor.gradient }
                    + (left + right).compactMap { try $0.embedded.gradient })
        }
        if try scaler?.overflow.item() != 1 {
            try users.update(left)
            try items.update(right)
        }
        try optimizer.step(scaler)
        try scaler?.update()
        for parameter in parameters { try parameter.tensor.setGradient(nil) }
        return mean!
    }

    private func vectors(_ name: String, _ tower: Tower, _ count: Int) -> TensorSource {
        TensorSource(name: name, elementType: .float32, shape: [count, options.width]) { sink in
            try tower.vectors { try $0.withUnsafeBytes(sink) }
        }
    }
}
