import Basics
import Formats
import Interactions
import Kernels
import Ranking
import Torch
import Training

/// A personalised transformer in training; see ``SSEPT``.
final class SSEPTTrainer: RankingTrainer {
    private let network: any SequenceModel
    private let histories: InteractionSequences
    private let samples: SequenceSamples
    private let steps: EpochSteps
    private let optimizer: Adam
    private let scaler: GradientScaler?
    private let validation: ((any SequenceModel, Cancellation) throws -> [String: Double])?
    private let options: SSEPTOptions
    private let ranks: any Communicator
    private let isa: InstructionSet
    private var order: (epoch: Int, users: [UInt32]) = (0, [])

    init(
        _ network: any SequenceModel, _ histories: InteractionSequences, items: Int, _ options: SSEPTOptions,
        validation: ((any SequenceModel, Cancellation) throws -> [String: Double])?, ranks: any Communicator,
        isa: InstructionSet
    ) throws {
        (self.network, self.histories, self.options) = (network, histories, options)
        (self.validation, self.ranks, self.isa) = (validation, ranks, isa)
        samples = SequenceSamples(histories, itemCount: items, options)
        steps = EpochSteps(
            of: samples.count, "histories", batchSize: options.batchSize, accumulation: options.gradientAccumulation,
            on: options.device, ranks: ranks)
        var adam = Adam.Options(learningRate: options.learningRate)
        (adam.beta2, adam.weightDecay) = (options.beta2, options.weightDecay)
        optimizer = try Adam(network.parameters, adam)
        scaler = options.precision == .fp16 ? try GradientScaler(on: options.device) : nil
    }

    var isSharded: Bool { network.tables.contains { $0.cut != nil } }

    var weights: [TensorSource] { network.weights }

    var optimizerState: [TensorSource] {
        optimizer.state.map { network.source($0) } + (scaler?.state.map { TensorSource($0) } ?? []) + steps.state
    }

    func itemVectors() throws -> FactorTable { try network.itemVectors() }

    var encoder: any QueryEncoder { SSEPTEncoder(network, histories, options, isa: isa) }

    func restore(weights: SafeTensorsFile, optimizer file: SafeTensorsFile) throws {
        try network.restore(weights)
        for state in optimizer.state + (scaler?.state ?? []) { try network.restore(state, from: file) }
        try steps.restore(file)
    }

    func train(
        epoch: Int, cancellation: Cancellation, progress: (EpochProgress) -> Void
    ) throws -> EpochOutcome {
        if order.epoch != epoch { order = (epoch, samples.order(of: epoch)) }
        let trained = try steps.train(epoch: epoch, cancellation, progress: progress) {
            try network.clearGradients()
        } step: { places, batchSize in
            try step(places, batchSize, epoch: epoch)
        }
        guard let trained else { return .interrupted }
        var metrics = trained.metrics
        if let validation { try metrics.merge(validation(network, cancellation)) { $1 } }
        return .finished(metrics: metrics, seconds: trained.seconds)
    }

    /// One step over histories at places of the epoch, in batches whose gradients add up; the mean loss. Each rank takes its
    /// part of a batch's histories.
    private func step(_ places: Range<Int>, _ batchSize: Int, epoch: Int) throws -> Tensor {
        var mean: Tensor?
        for first in stride(from: places.lowerBound, to: places.upperBound, by: batchSize) {
            let part = first..<min(places.upperBound, first + batchSize)
            let own = ranks.part(of: part.count)
            guard !own.isEmpty || isSharded else { continue }
            var batch = try samples.batch(
                order.users, first + own.lowerBound..<first + own.upperBound, of: part, epoch: epoch)
            let fetched = try FetchedVectors(of: network.tables, &batch.inputs, &batch.candidates)
            if !own.isEmpty {
                var share = Double(part.count) / Double(places.count)
                if ranks.size > 1 { share *= Double(batch.scored.count) / Double(samples.scored(order.users, part)) }
                let loss = try loss(batch, epoch: epoch)
                let weighed = share == 1 ? loss : try loss.multiplied(by: share)
                try (scaler?.scaled(weighed) ?? weighed).backward()
                mean = try withoutGradients { try mean?.adding(weighed) ?? weighed.detached() }
            }
            try fetched.sendGradients()
        }
        let loss = try steps.sum(mean ?? Tensor(0), network.shared)
        // What overflows in a shard overflows in the positions too, which all ranks have.
        try scaler?.unscale(network.parameters.compactMap { try $0.tensor.gradient })
        try optimizer.step(scaler)
        try scaler?.update()
        try network.clearGradients()
        return loss
    }

    private func loss(_ batch: SequenceSamples.Batch, epoch: Int) throws -> Tensor {
        let step = try SequenceStep(
            batch.sequences, isPadding: batch.inputs.isPadding, isTraining: true, epoch: epoch, options, isa: isa)
        return try options.precision.autocast(on: options.device) {
            try network.loss(network(batch.inputs, step), batch)
        }
    }
}
