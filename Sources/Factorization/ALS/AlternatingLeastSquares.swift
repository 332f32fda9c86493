public import Basics
public import Interactions
public import Kernels
public import Training

/// Factorisation by alternating least squares: every user's vector is the exact minimum for the items' vectors, then every
/// item's for the users'.
///
/// Implicit feedback after Hu, Koren and Volinsky (2008), or in the parametrisation of Rendle et al. (2021); explicit
/// feedback after Zhou et al. (2008). The loss is
///
///     Σ over observed pairs of (a s² − 2 t s + t) + α₀ Σ over all pairs of s² + Σ λ_u ‖x_u‖² + Σ λ_i ‖y_i‖²,   s = x_u·y_i,
///
/// where a = α·value and t = 1 + a (confidence c = 1 + α·value, α₀ = 1), or with an unobserved weight a = t = 1; and for
/// ratings Σ (r − μ − b_u − b_i − x_u·y_i)² + Σ λ_u (‖x_u‖² + b_u²) + Σ λ_i (‖y_i‖² + b_i²).
///
/// Weights are the same bits at any thread count, for the same data, options and instruction set.
public enum AlternatingLeastSquares {
    /// A trainer over users' histories, ready for a ``TrainingLoop`` of `options.iterations` epochs.
    ///
    /// - Parameters:
    ///   - validation: ratings to measure `val_rmse`, `val_mae`, `val_loss` on; used with explicit feedback only.
    ///   - start: factors to start from in place of random ones.
    ///   - ranks: share the rows by work; `history` and `validation` are the same on all, as are the weights.
    /// - Throws: `usage` for options out of range; `badData` for no interactions, negative confidences, or none above 0.
    public static func trainer(
        on history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog? = nil,
        options: ALSOptions = ALSOptions(), start: FactorStart? = nil, ranks: any Communicator = OneRank(),
        workers: Workers, isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try options.validate()
        guard history.entryCount > 0 else { throw StarlingError(.badData, "there are no interactions to train on") }
        try check(history.values, options)
        return ALSTrainer(
            history: history, validation: validation, options: options, start: start, ranks: ranks, workers: workers,
            isa: isa)
    }

    /// - Throws: `badData` for values that the kind of feedback cannot take; nil stands for all 1.
    static func check(_ values: [Float]?, _ options: ALSOptions) throws {
        if options.feedback == .explicit {
            guard values != nil else {
                throw StarlingError(
                    .badData, "the data has no ratings, and explicit feedback fits ratings",
                    remedy:
                        "name the column that holds them with --columns user=…,item=…,value=…, or use --feedback implicit"
                )
            }
        } else if let values {
            if let negative = values.first(where: { $0 < 0 }) {
                throw StarlingError(
                    .badData, "an interaction has the value \(negative), and confidence cannot be negative",
                    remedy: "leave such interactions out, or use --feedback explicit")
            }
            let weighs = options.unobservedWeight == nil || options.alpha != nil
            guard !weighs || values.contains(where: { $0 > 0 }) else {
                throw StarlingError(
                    .badData,
                    "every interaction has the value 0, so none has a confidence above that of no interaction",
                    remedy: "name the column that holds values with --columns user=…,item=…,value=…, or leave value out"
                )
            }
        }
    }

    /// The same on a log.
    public static func trainer(
        on log: InteractionLog, validation: InteractionLog? = nil, options: ALSOptions = ALSOptions(), workers: Workers,
        isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try trainer(
            on: log.userMatrix(workers: workers), validation: validation, options: options, workers: workers, isa: isa)
    }

    /// What training takes at its peak, the histories that it is made with included.
    public static func memoryEstimate(
        users: Int, items: Int, interactions: Int, validation: Int, options: ALSOptions, hasValues: Bool = true,
        ranks: Int = 1
    ) -> MemoryEstimate {
        var estimate = MemoryEstimate()
        // Both ways round, with an offset and a place in the order a row.
        estimate.add("histories", bytes: (hasValues ? 16 : 8) * interactions + 12 * (users + items))
        estimate.add("factors", bytes: FactorTable.bytes(rows: users + items, width: options.factors))
        estimate.add("rotated factors", bytes: FactorTable.bytes(rows: max(users, items), width: options.factors))
        let order = FactorTable.stride(options.factors + (options.biases ? 1 : 0))
        estimate.add("normal equations", bytes: 6 * order * order * (options.precision == .float64 ? 8 : 4))
        if ranks > 1 {
            let row = 4 * (FactorTable.stride(options.factors) + (options.biases ? 1 : 0))
            let bytes = max(users, items) * row
            estimate.add("exchange", bytes: 2 * (bytes / ALSScaling.waves(bytes: bytes) + row))
        }
        if validation > 0 && options.feedback == .explicit { estimate.add("validation", bytes: 16 * validation) }
        return estimate
    }
}
