import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Testing
import Training

/// What comes of data and options at the edges.
@Suite struct ALSDataTests {
    private func log(_ pairs: [(UInt32, UInt32)], values: [Float]?, users: Int, items: Int) -> InteractionLog {
        InteractionLog(
            users: Vocabulary(.integers((0..<users).map { Int64($0) })),
            items: Vocabulary(.integers((0..<items).map { Int64($0) })), userRows: pairs.map(\.0),
            itemRows: pairs.map(\.1), values: values, times: nil)
    }

    private func train(_ log: InteractionLog, _ change: (inout ALSOptions) -> Void = { _ in }) throws -> FactorModel {
        var options = ALSOptions()
        options.factors = 8
        change(&options)
        let trainer = try AlternatingLeastSquares.trainer(on: log, options: options, workers: Workers(threads: 2))
        _ = try TrainingLoop(epochs: 3).train(trainer)
        return try FactorModel(trainer.weights)
    }

    private func isFinite(_ model: FactorModel) -> Bool {
        (0..<model.userFactors.rows).allSatisfy { model.userFactors.row($0).allSatisfy(\.isFinite) }
            && (0..<model.itemFactors.rows).allSatisfy { model.itemFactors.row($0).allSatisfy(\.isFinite) }
    }

    private func expect(_ code: StarlingError.Code, _ word: String, _ body: () throws -> Void) {
        #expect { try body() } throws: { error in
            (error as? StarlingError)?.code == code && "\(error)".contains(word)
        }
    }

    @Test func negativeConfidenceIsRefused() {
        let log = log([(0, 0), (0, 1)], values: [1, -2], users: 1, items: 2)
        expect(.badData, "-2") { _ = try train(log) }
    }

    @Test func allZerosAreRefusedWhereValuesWeigh() throws {
        let log = log([(0, 0), (0, 1)], values: [0, 0], users: 1, items: 2)
        expect(.badData, "every interaction has the value 0") { _ = try train(log) }
        #expect(isFinite(try train(log) { $0.unobservedWeight = 0.1 }))
    }

    @Test func nothingIsRefused() {
        expect(.badData, "no interactions") { _ = try train(log([], values: nil, users: 1, items: 1)) }
    }

    @Test func explicitFeedbackWantsValues() {
        expect(.badData, "no ratings") {
            _ = try train(log([(0, 0)], values: nil, users: 1, items: 1)) { $0.feedback = .explicit }
        }
    }

    /// One interaction; one user; one item; a user with every item; k far above the data; with and without a penalty.
    @Test(arguments: [0, 0.1], [8, 70]) func smallAndFullDataHaveFiniteVectors(penalty: Double, factors: Int) throws {
        let every = (0..<9).flatMap { user in (0..<7).map { (UInt32(user), UInt32($0)) } }
        for (pairs, users, items) in [
            ([(0, 0)], 1, 1), ((0..<7).map { (0, UInt32($0)) }, 1, 7), ((0..<9).map { (UInt32($0), 0) }, 9, 1),
            (every, 9, 7), (every.filter { $0.0 == 3 || $0.1 == 2 }, 9, 7),
        ] as [([(UInt32, UInt32)], Int, Int)] {
            for solver in ALSOptions.Solver.allCases {
                let model = try train(log(pairs, values: nil, users: users, items: items)) {
                    $0.regularization = penalty
                    $0.factors = factors
                    $0.solver = solver
                }
                #expect(isFinite(model), "\(solver) \(users) × \(items)")
            }
        }
    }

    @Test func rowsWithoutInteractionsStayZero() throws {
        let model = try train(log([(0, 0), (2, 2)], values: nil, users: 3, items: 4))
        #expect(model.userFactors.row(1).allSatisfy { $0 == 0 })
        #expect(model.itemFactors.row(1).allSatisfy { $0 == 0 } && model.itemFactors.row(3).allSatisfy { $0 == 0 })
        #expect(model.userFactors.row(0).contains { $0 != 0 })
    }

    /// A pair that stands twice counts twice: its weights add up, as do its targets.
    @Test func repeatedPairsAddUp() throws {
        let twice = try train(log([(0, 0), (0, 0), (1, 1), (1, 0)], values: [1, 2, 1, 1], users: 2, items: 2)) {
            $0.unobservedWeight = 1
            $0.alpha = 2
            $0.regularizationExponent = 0  // λ would count the entries
            $0.precision = .float64
        }
        let once = try train(log([(0, 0), (1, 1), (1, 0)], values: [3, 1, 1], users: 2, items: 2)) {
            $0.unobservedWeight = 1
            $0.alpha = 2
            $0.regularizationExponent = 0  // λ would count the entries
            $0.precision = .float64
        }
        for column in 0..<8 { #expect(abs(twice.userFactors[0, column] - once.userFactors[0, column]) < 1e-5) }
    }

    @Test func optionsOutOfRangeAreUsageErrors() {
        for change: (inout ALSOptions) -> Void in [
            { $0.factors = 0 }, { $0.factors = 2049 }, { $0.iterations = 0 }, { $0.alpha = -1 }, { $0.alpha = .nan },
            { $0.unobservedWeight = -0.1 }, { $0.regularization = -1 }, { $0.regularizationExponent = 9 },
            { $0.cgSteps = 0 }, { $0.blockSize = 0 }, { $0.initialDeviation = -1 }, { $0.biases = true },
            { ($0.precision, $0.solver) = (.float64, .cg) }, { ($0.feedback, $0.alpha) = (.explicit, 2) },
        ] {
            var options = ALSOptions()
            change(&options)
            #expect { try options.validate() } throws: { ($0 as? StarlingError)?.code == .usage }
        }
    }

    @Test func factorsAreReadByID() throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let (users, items) = (Vocabulary<UserRow>(["7", "5"]), Vocabulary<ItemRow>(["x", "y", "z"]))
        let arrays: [TensorSource] = [
            TensorSource(name: "user_factors", [1, 2, 3, 4] as [Float], shape: [2, 2]),
            TensorSource(name: "users", [5, 9] as [Int64]),
            TensorSource(name: "item_factors", [1, 0.1] as [Double], shape: [1, 2]),
        ]
        try NPZ.write(arrays.map(NPYSource.init) + [NPYSource(name: "items", strings: ["z"])], to: folder + "/a.npz")
        let start = try FactorStart(reading: folder + "/a.npz", users: users, items: items, factors: 2)
        #expect(start.users == [users.row(of: "5")!: [1, 2]])
        #expect(start.items == [items.row(of: "z")!: [1, 0.1]])
        expect(.badData, "[2, 2]") {
            _ = try FactorStart(reading: folder + "/a.npz", users: users, items: items, factors: 3)
        }
        expect(.badData, "none of its ids") {
            _ = try FactorStart(
                reading: folder + "/a.npz", users: Vocabulary(["q"]), items: Vocabulary(["q"]), factors: 2)
        }
        try NPZ.write([NPYSource(arrays[1])], to: folder + "/b.npz")
        expect(.badData, "neither user_factors") {
            _ = try FactorStart(reading: folder + "/b.npz", users: users, items: items, factors: 2)
        }
        let bad = TensorSource(name: "user_factors", [1, .nan, 3, 4] as [Float], shape: [2, 2])
        try SafeTensors.write([bad, arrays[1]], to: folder + "/c.safetensors")
        expect(.badData, "not finite") {
            _ = try FactorStart(reading: folder + "/c.safetensors", users: users, items: items, factors: 2)
        }
    }
}
