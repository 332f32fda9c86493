import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Ranking
import Testing
import Training

/// Alternating least squares against NumPy (`golden/make_als.py`), and what it promises.
@Suite struct ALSTests {
    static let folder = Files.parent(#filePath) + "/golden"

    static func options(_ kind: String) -> ALSOptions {
        var options = ALSOptions(feedback: kind == "explicit" ? .explicit : .implicit)
        options.iterations = 5
        options.biases = false
        switch kind {
        case "implicit": (options.factors, options.alpha, options.regularization) = (10, 40, 0.1)
        case "unobserved":
            (options.factors, options.unobservedWeight, options.regularization) = (7, 0.3, 0.02)
            options.regularizationExponent = 0.7
        default: (options.factors, options.regularization) = (5, 0.08)
        }
        options.loss = true
        return options
    }

    /// The data and the start of a golden file.
    static func golden(_ kind: String) throws -> (file: NPZFile, log: InteractionLog, start: FactorStart) {
        let file = try NPZFile("\(folder)/als_\(kind).npz")
        let (x, y) = (try file.array("x0"), try file.array("y0"))
        let log = InteractionLog(
            users: Vocabulary(.integers((0..<x.shape[0]).map { Int64($0) })),
            items: Vocabulary(.integers((0..<y.shape[0]).map { Int64($0) })),
            userRows: try file.array("user").int64s().map { UInt32($0) },
            itemRows: try file.array("item").int64s().map { UInt32($0) },
            values: try file.array("value").floats(), times: nil)
        func rows(_ array: NPYArray) throws -> [[Float]] {
            let values = try array.doubles().map(Float.init)
            return (0..<array.shape[0]).map { Array(values[$0 * array.shape[1]..<($0 + 1) * array.shape[1]]) }
        }
        let start = FactorStart(
            users: Dictionary(uniqueKeysWithValues: try rows(x).enumerated().map { (UserRow($0), $1) }),
            items: Dictionary(uniqueKeysWithValues: try rows(y).enumerated().map { (ItemRow($0), $1) }))
        return (file, log, start)
    }

    @Test(
        arguments: ["implicit", "unobserved", "explicit"],
        InstructionSet.allCases.filter { $0 <= .best && $0 == $0.ofFloats })
    func iterationsAreThoseOfNumPy(kind: String, isa: InstructionSet) throws {
        let (file, log, start) = try Self.golden(kind)
        for precision in ALSOptions.Precision.allCases {
            var options = Self.options(kind)
            options.precision = precision
            let trainer = try AlternatingLeastSquares.trainer(
                on: log.userMatrix(), options: options, start: start, workers: Workers(threads: 2), isa: isa)
            let result = try TrainingLoop(epochs: 5).train(trainer)
            let model = try FactorModel(trainer.weights)
            let tolerance = precision == .float64 ? 1e-5 : 3e-4
            try compare(model.userFactors, file.array("x"), tolerance)
            try compare(model.itemFactors, file.array("y"), tolerance)
            let figures = try file.array("figures").doubles()
            for (epoch, record) in result.epochs.enumerated() {
                #expect(abs(record.metrics["train_rmse"]! - figures[3 * epoch]) < 1e-4)
                #expect(abs(record.metrics["train_mae"]! - figures[3 * epoch + 1]) < 1e-4)
                #expect(abs(record.metrics["train_loss"]! / figures[3 * epoch + 2] - 1) < 1e-5)
            }
        }
    }

    private func compare(_ table: borrowing FactorTable, _ array: NPYArray, _ tolerance: Double) throws {
        let expected = try array.doubles()
        for row in 0..<array.shape[0] {
            var (difference, norm) = (0.0, 0.0)
            for column in 0..<array.shape[1] {
                let value = expected[row * array.shape[1] + column]
                difference += (Double(table[row, column]) - value) * (Double(table[row, column]) - value)
                norm += value * value
            }
            #expect(difference.squareRoot() <= tolerance * norm.squareRoot(), "row \(row)")
        }
    }

    static let log = randomRatings(users: 230, items: 110, density: 0.15, seed: 1).positive

    static func variants() -> [ALSOptions] {
        var all: [ALSOptions] = []
        for solver in ALSOptions.Solver.allCases {
            for feedback in Feedback.allCases {
                var options = ALSOptions(feedback: feedback)
                options.solver = solver
                options.factors = solver == .cholesky ? 40 : 20
                options.blockSize = 16
                options.iterations = 4
                options.loss = true
                all.append(options)
            }
        }
        all[0].unobservedWeight = 0.2
        return all
    }

    static func train(_ options: ALSOptions, threads: Int) throws -> (String, [[String: Double]]) {
        let trainer = try AlternatingLeastSquares.trainer(on: log, options: options, workers: Workers(threads: threads))
        let result = try TrainingLoop(epochs: options.iterations).train(trainer)
        return (result.weightsSHA256, result.epochs.map(\.metrics))
    }

    @Test(arguments: variants()) func sameBitsAtAnyThreadCount(options: ALSOptions) throws {
        let one = try Self.train(options, threads: 1)
        for threads in [2, 3, 7] {
            let other = try Self.train(options, threads: threads)
            #expect(other.0 == one.0)
            #expect(other.1 == one.1)
        }
    }

    @Test(arguments: variants()) func theLossNeverRises(options: ALSOptions) throws {
        let losses = try Self.train(options, threads: 2).1.map { $0["train_loss"]! }
        for (before, after) in zip(losses, losses.dropFirst()) { #expect(after <= before * (1 + 1e-6)) }
        #expect(losses.last! < 0.99 * losses.first!)
    }

    @Test(arguments: variants(), [1, 2]) func goesOnInTheMiddleOfAnEpoch(options: ALSOptions, reports: Int) throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        func trainer() throws -> any EpochTrainer {
            try AlternatingLeastSquares.trainer(on: Self.log, options: options, workers: Workers(threads: 2))
        }
        let (undisturbed, stopped) = (try trainer(), try trainer())
        _ = try undisturbed.train(epoch: 1, cancellation: Cancellation()) { _ in }
        let cancellation = Cancellation()
        var calls = 0
        _ = try stopped.train(epoch: 1, cancellation: cancellation) { _ in
            calls += 1
            if calls == reports { cancellation.cancel() }
        }
        try SafeTensors.write(stopped.weights, to: folder + "/weights.safetensors")
        try SafeTensors.write(stopped.optimizerState, to: folder + "/optimizer.safetensors")
        let resumed = try trainer()
        try resumed.restore(
            weights: SafeTensorsFile(folder + "/weights.safetensors"),
            optimizer: SafeTensorsFile(folder + "/optimizer.safetensors"))
        if reports == 1 { _ = try resumed.train(epoch: 1, cancellation: Cancellation()) { _ in } }
        #expect(try WeightsDigest.sha256(resumed.weights) == WeightsDigest.sha256(undisturbed.weights))
    }

    /// Folding a user's own history in is the step that the next iteration takes.
    @Test(arguments: Feedback.allCases) func foldingInIsTheNextStep(feedback: Feedback) throws {
        var options = ALSOptions(feedback: feedback)
        options.factors = 12
        let trainer = try AlternatingLeastSquares.trainer(on: Self.log, options: options, workers: Workers(threads: 2))
        for epoch in 1...3 { _ = try trainer.train(epoch: epoch, cancellation: Cancellation()) { _ in } }
        let workers = Workers(threads: 2)
        let model = try FactorModel(trainer.weights)
        let foldIn = FoldIn(model, options: options, workers: workers)
        let history = Self.log.userMatrix()
        let folded = FactorTable(rows: history.rowCount, width: foldIn.dimensions)
        try foldIn.encode(history, into: folded)
        _ = try trainer.train(epoch: 4, cancellation: Cancellation()) { _ in }
        let next = try FactorModel(trainer.weights).foldedUsers()
        for user in 0..<history.rowCount {
            for column in 0..<foldIn.dimensions { #expect(abs(folded[user, column] - next[user, column]) < 1e-4) }
        }
        // One alone is the same bits as among others.
        let alone = FactorTable(rows: 1, width: foldIn.dimensions)
        let one = InteractionMatrix<UserRow, ItemRow>(
            offsets: [0, history[UserRow(7)].count], columns: Array(history[UserRow(7)]),
            values: history.values(UserRow(7)).map(Array.init), columnCount: history.columnCount)
        try foldIn.encode(one, into: alone)
        #expect((0..<foldIn.dimensions).allSatisfy { alone[0, $0] == folded[7, $0] })
    }
}

extension InteractionLog {
    /// With values above 0, as confidence wants them.
    fileprivate var positive: InteractionLog {
        InteractionLog(
            users: users, items: items, userRows: userRows, itemRows: itemRows,
            values: values.map { $0.map { max(0.5, min(5, $0)) } }, times: times)
    }
}
