import ArgumentParser
import Neural
import Starling

/// A model's own options, as its `train` command declares them, seen as what `tune` needs. A trial is a list of option texts
/// that the same parser takes, so that what cannot be trained cannot be tried.
protocol TunableFlags: ParsableArguments {
    /// The model's name behind `train`.
    static var model: String { get }
    /// What trials are compared by unless told otherwise.
    static var metric: String { get }

    /// How data is split unless told otherwise; nil for a random tenth.
    static var usualSplit: SplitRule? { get }
    /// Whether the model goes by the order of time.
    static var isOrdered: Bool { get }

    /// - Throws: `usage` for values that the model does not take.
    func plan(seed: UInt64) throws -> TrialPlan
}

extension TunableFlags {
    static var usualSplit: SplitRule? { nil }
    static var isOrdered: Bool { false }
}

/// A model with all its options, ready to be trained.
struct TrialPlan {
    let epochs: Int
    /// Every option in its final value.
    let configuration: [String: JSONValue]
    let estimate: TrainingJob.Estimate
    let trainer: (TrainingData, _ validation: InteractionLog?, Workers, InstructionSet) throws -> any EpochTrainer
}

extension MFFlags: TunableFlags {
    static let model = "mf"
    static let metric = "val_rmse"

    func plan(seed: UInt64) throws -> TrialPlan {
        let options = try options(seed: seed)
        return TrialPlan(
            epochs: options.epochs, configuration: configuration(options),
            estimate: { sizes in
                MatrixFactorization.memoryEstimate(
                    users: sizes.users, items: sizes.items, ratings: sizes.interactions, validation: sizes.validation,
                    options: options)
            },
            trainer: { data, validation, workers, isa in
                try MatrixFactorization.trainer(
                    on: data.history, validation: validation, options: options, workers: workers, isa: isa)
            })
    }
}

extension ALSFlags: TunableFlags {
    static let model = "als"
    static let metric = "ndcg@20"

    func plan(seed: UInt64) throws -> TrialPlan {
        guard initFrom == nil else {
            throw StarlingError(.usage, "--init-from has no meaning in a search", remedy: "leave it out")
        }
        let options = try options(seed: seed)
        return TrialPlan(
            epochs: options.iterations, configuration: configuration(options),
            estimate: { sizes in
                AlternatingLeastSquares.memoryEstimate(
                    users: sizes.users, items: sizes.items, interactions: sizes.interactions,
                    validation: sizes.validation, options: options, hasValues: sizes.hasValues)
            },
            trainer: { data, validation, workers, isa in
                try AlternatingLeastSquares.trainer(
                    on: data.history, validation: validation, options: options, workers: workers, isa: isa)
            })
    }
}

extension TwoTowerFlags: TunableFlags {
    static let model = "two-tower"
    static let metric = "ndcg@20"

    func plan(seed: UInt64) throws -> TrialPlan { plan(try options(seed: seed)) }

    /// The same of options in their final values, for `train` too.
    func plan(_ options: TwoTowerOptions, streams: Bool = false) -> TrialPlan {
        TrialPlan(
            epochs: options.epochs, configuration: configuration(options),
            estimate: { sizes in
                TwoTower.memoryEstimate(
                    users: sizes.users, items: sizes.items, interactions: sizes.interactions,
                    validation: sizes.validation, options: options, streams: streams, ranks: sizes.ranks)
            },
            trainer: { data, validation, workers, isa in
                try TwoTower.trainer(
                    on: data.history, users: data.users, items: data.items, features: features(of: data),
                    shards: data.shards, validation: validation, options: options, ranks: data.ranks, workers: workers,
                    isa: isa)
            })
    }
}

extension SSEPTFlags: TunableFlags {
    static let model = SSEPT.kind
    static let metric = "ndcg@10"
    static let usualSplit: SplitRule? = .last(2)
    static let isOrdered = true

    func plan(seed: UInt64) throws -> TrialPlan {
        let start = try retrain.map { try Retraining($0) }
        let options = try options(startingFrom: start?.shape, seed: seed)
        try options.validate()
        return plan(options, startingFrom: start)
    }

    /// The same of options in their final values, for `train` too.
    ///
    /// - Parameter fates: is told what became of the tensors to begin with.
    func plan(
        _ options: SSEPTOptions, startingFrom start: Retraining?,
        fates: @escaping ([Retraining.Fate]) -> Void = { _ in }
    ) -> TrialPlan {
        TrialPlan(
            epochs: options.epochs, configuration: configuration(options),
            estimate: { sizes in
                SSEPT.memoryEstimate(
                    users: sizes.users, items: sizes.items, interactions: sizes.interactions,
                    validation: sizes.validation, options: options, ranks: sizes.ranks)
            },
            trainer: { data, validation, workers, isa in
                try SSEPT.trainer(
                    on: data.sequences!, users: data.users, items: data.items, validation: validation,
                    startingFrom: start, fates: fates, options: options, ranks: data.ranks, workers: workers, isa: isa)
            })
    }
}
