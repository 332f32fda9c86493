public import Basics
public import Interactions
public import Kernels
public import Training

/// Biased matrix factorisation of ratings (Funk 2006; Koren, Bell, Volinsky 2009):
/// r̂ = μ + b_u + b_i + p_u·q_i, fitted to the squared error with an L2 penalty.
///
/// ```swift
/// let loaded = try InteractionReader.read("ratings.csv", options: ReadingOptions(), workers: workers)
/// let parts = try loaded.log.split(.random(validation: 0.1, test: 0), seed: 42)
/// let trainer = try MatrixFactorization.trainer(on: parts.train, validation: parts.validation, workers: workers)
/// let result = try TrainingLoop(epochs: 20).train(trainer)
/// ```
///
/// Weights are the same bits at any thread count, for the same data, options and instruction set.
public enum MatrixFactorization {
    /// A trainer over the ratings of `log`, ready for a ``TrainingLoop``.
    ///
    /// - Parameters:
    ///   - validation: ratings to measure `val_rmse`, `val_mae`, `val_loss` on after each epoch.
    /// - Throws: `usage` for options out of range; `badData` for a log without ratings or with none in it.
    public static func trainer(
        on log: InteractionLog, validation: InteractionLog? = nil,
        options: MatrixFactorizationOptions = MatrixFactorizationOptions(), workers: Workers,
        isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try trainer(
            on: log.userMatrix(workers: workers), validation: validation, options: options, workers: workers, isa: isa)
    }

    /// The same over users' histories, which are the same on every rank. Ranks share the work of stochastic gradient descent
    /// and row-wise AdaGrad; with Adam, whose batches follow one upon the other, each does all of it.
    public static func trainer(
        on history: InteractionMatrix<UserRow, ItemRow>, validation: InteractionLog? = nil,
        options: MatrixFactorizationOptions = MatrixFactorizationOptions(), ranks: any Communicator = OneRank(),
        workers: Workers, isa: InstructionSet = .best
    ) throws -> any EpochTrainer {
        try options.validate()
        try requireRatings(history)
        if options.optimizer == .adam {
            return AdamTrainer(
                history: history, validation: validation, options: options, ranks: ranks, workers: workers, isa: isa)
        }
        return try GridTrainer(
            history: history, validation: validation, options: options, ranks: ranks, workers: workers, isa: isa)
    }

    /// - Throws: `badData` for a history without interactions or without ratings.
    package static func requireRatings(_ history: InteractionMatrix<UserRow, ItemRow>) throws {
        try requireRatings(count: history.entryCount, hasValues: history.values != nil)
    }

    static func requireRatings(count: Int, hasValues: Bool) throws {
        guard count > 0 else { throw StarlingError(.badData, "there are no ratings to train on") }
        guard hasValues else {
            throw StarlingError(
                .badData, "the data has no ratings, and matrix factorisation fits ratings",
                remedy: "name the column that holds them with --columns user=…,item=…,value=…")
        }
    }

    /// What training takes at its peak, beyond what the data's reader has already taken.
    public static func memoryEstimate(
        users: Int, items: Int, ratings: Int, validation: Int, options: MatrixFactorizationOptions
    ) -> MemoryEstimate {
        var estimate = MemoryEstimate()
        let tables = FactorTable.bytes(rows: users + items, width: options.factors) + 4 * (users + items)
        // The history in compressed rows: an offset a user, a column and a value a rating.
        estimate.add("histories", bytes: 8 * ratings + 8 * users)
        estimate.add("factors", bytes: tables)
        switch options.optimizer {
        case .sgd: estimate.add("rating grid", bytes: BlockGrid.bytes(ratings: ratings))
        case .adagrad:
            estimate.add("rating grid", bytes: BlockGrid.bytes(ratings: ratings))
            estimate.add("step sizes", bytes: 8 * (users + items))
        case .adam:
            // User, item and value of every rating; two moments a parameter; gradients of a batch.
            estimate.add("ratings", bytes: 12 * ratings)
            estimate.add("moments", bytes: 2 * tables)
            let touched = min(options.batchSize, users) + min(options.batchSize, items)
            estimate.add("gradients", bytes: FactorTable.bytes(rows: touched, width: options.factors))
        }
        if validation > 0 { estimate.add("validation", bytes: 16 * validation) }
        return estimate
    }
}
