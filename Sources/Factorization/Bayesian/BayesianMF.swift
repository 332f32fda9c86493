public import Basics
public import Interactions
public import Kernels
public import Training

/// Bayesian matrix factorisation of ratings by Gibbs sampling (Salakhutdinov & Mnih 2008):
/// r ~ N(μ + b_u + b_i + p_u·q_i, α⁻¹), where the rows (p_u, b_u) are normal, the rows (q_i, b_i) as well, and the means
/// and precisions of both have Normal–Wishart priors.
///
/// Biases are one dimension more than in the paper, so that the precisions hold how they go with the factors. μ is the
/// mean rating. Where α is not given its prior is Gamma(1, 1).
///
/// An epoch of the ``TrainingLoop`` is a sweep: hyperparameters, all users, all items, α. Predictions are averaged over the
/// sweeps after burn-in; `val_rmse` is theirs from then on.
///
/// The model has some of the samples, their vectors one behind the other, so that a score is a dot product here too:
/// the mean over the kept samples. In a kept sample each user stands with the mean of its distribution given the
/// sample's items, in place of a draw from it, which has the same expectation and less noise (Rao–Blackwell).
///
/// ```swift
/// var options = BayesianMFOptions()
/// options.factors = 32
/// let trainer = try BayesianMF.trainer(on: parts.train, validation: parts.validation, options: options, workers: workers)
/// let result = try TrainingLoop(epochs: options.epochs).train(trainer)
/// ```
///
/// Weights are the same bits at any thread count, for the same data, options and instruction set.
public enum BayesianMF {
    /// A trainer over the ratings of `log`, ready for a ``TrainingLoop`` of ``BayesianMFOptions/epochs``.
    ///
    /// - Parameters:
    ///   - validation: ratings to measure `val_rmse` and `val_mae` of the averaged predictions on after each sweep, and
    ///     `val_sample_rmse` of that sweep's alone.
    /// - Throws: `usage` for options out of range; `badData` for a log without ratings or with none in it.
    public static func trainer(
        on log: InteractionLog, validation: InteractionLog? = nil, options: BayesianMFOptions = BayesianMFOptions(),
        workers: Workers, isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try trainer(
            on: log.userMatrix(workers: workers), validation: validation, options: options, workers: workers, isa: isa)
    }

    /// The same over users' histories, which are the same on every rank, as are the weights.
    public static func trainer(
        on history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog? = nil,
        options: BayesianMFOptions = BayesianMFOptions(), ranks: any Communicator = OneRank(), workers: Workers,
        isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try options.validate()
        try MatrixFactorization.requireRatings(history)
        return BayesianTrainer(
            history: history, validation: validation, options: options, ranks: ranks, workers: workers, isa: isa)
    }

    /// What training takes at its peak, beyond what the data's reader has already taken.
    public static func memoryEstimate(
        users: Int, items: Int, ratings: Int, validation: Int, options: BayesianMFOptions
    ) -> MemoryEstimate {
        var estimate = MemoryEstimate()
        // Both ways round: an offset a row, a column and a value a rating.
        estimate.add("histories", bytes: 16 * ratings + 8 * (users + items))
        estimate.add(
            "factors", bytes: FactorTable.bytes(rows: users + items, width: options.factors) + 4 * (users + items))
        estimate.add(
            "kept samples",
            bytes: FactorTable.bytes(rows: users + items, width: options.factors * options.keepSamples) + 8 * users
                + 4 * options.keepSamples * items)
        if validation > 0 { estimate.add("validation", bytes: 24 * validation) }
        return estimate
    }
}
