import Basics
import Factorization
import Formats
import Interactions
import Kernels
import Neural
import Testing
import Torch
import Training

/// What other devices do, by operators, against the kernels; here both on the CPU.
@Suite(torch, .serialized) struct DeviceTests {
    static func floats(_ sources: [TensorSource]) throws -> [String: [Float]] {
        var all: [String: [Float]] = [:]
        for source in sources where source.elementType == .float32 {
            try source.emit { all[source.name, default: []] += Array($0.bindMemory(to: Float.self)) }
        }
        return all
    }

    /// The same rows, means, updates and states after steps over ids and bags that overlap.
    @Test(arguments: EmbeddingOptimizer.Kind.allCases, [5, 16, 20])
    func operatorsChangeRowsAsKernelsDo(kind: EmbeddingOptimizer.Kind, width: Int) throws {
        var optimizer = EmbeddingOptimizer()
        (optimizer.kind, optimizer.learningRate) = (kind, 0.1)
        let ids = FeatureBags(ids: (0..<40).map { $0 % 7 != 0 }) { "\($0)" }
        let tags = FeatureBags("tags", (0..<40).map { entity in (0..<entity % 4).map { "t\(entity * $0 % 5)" } })
        let features = [ids, tags]
        let kernels = try KernelEmbeddings(features, width: width, optimizer, seed: 3, stream: 1, isa: .best)
        let operators = try DeviceEmbeddings(features, width: width, optimizer, seed: 3, stream: 1, on: .cpu)
        var random = RandomStream(seed: 9, .test)
        for _ in 0..<3 {
            let entities = (0..<70).map { _ in UInt32(random.below(40)) }
            let inputs = features.map { EmbeddingInput($0, entities) }
            let gradient = try Tensor(
                (0..<70 * 2 * width).map { _ in Float(random.uniform()) - 0.5 }, [70, 2 * width])
            let (one, other) = (try kernels.pooled(inputs), try operators.pooled(inputs))
            #expect(one.shape == [70, 2 * width] && other.shape == one.shape)
            for (a, b) in zip(try one.array(of: Float.self), try other.array(of: Float.self)) {
                #expect(abs(a - b) < 1e-5)
            }
            try kernels.update(inputs, gradient)
            try operators.update(inputs, gradient)
        }
        let one = try Self.floats(kernels.weights("x.") + kernels.optimizerState("x."))
        let other = try Self.floats(operators.weights("x.") + operators.optimizerState("x."))
        #expect(one.keys == other.keys)
        for (name, values) in one {
            #expect(values.count == other[name]?.count)
            for (a, b) in zip(values, other[name] ?? []) { #expect(abs(a - b) < 2e-5, "\(name)") }
        }
    }

    @Test func softmaxByOperatorsIsTheKernels() throws {
        var random = RandomStream(seed: 8, .test)
        let users = (0..<500).map { _ in UInt32(random.below(60)) }
        let items = (0..<600).map { _ in UInt32(random.below(80)) }
        let pairs = BatchPairs(users: users, items: items, userCount: 60, itemCount: 80) { -Float($0 % 5) }
        func tensor(_ rows: Int) throws -> Tensor {
            try Tensor((0..<rows * 12).map { _ in Float(random.uniform()) * 2 - 1 }, [rows, 12])
        }
        let (left, right) = (try tensor(pairs.users.count), try tensor(pairs.items.count))
        let kernel = try InBatchSoftmax(temperature: 0.3, threads: 2, isa: .best)(users: left, items: right, pairs)
        let operators = try SoftmaxByOperators(temperature: 0.3, precision: .fp32, on: .cpu)(
            users: left, items: right, pairs)
        #expect(abs(try operators.loss.item() - kernel.loss) < 1e-5)
        for (one, other) in [(kernel.users, operators.users), (kernel.items, operators.items)] {
            for (a, b) in zip(try one.array(of: Float.self), try other.array(of: Float.self)) {
                #expect(abs(a - b) < 1e-6)
            }
        }
    }

    /// Whole trainings give nearly the same vectors, and a checkpoint of one goes on with the other.
    @Test(arguments: TwoTowerOptions.LossKind.allCases) func trainingsAgree(loss: TwoTowerOptions.LossKind) throws {
        let groups = Groups()
        var options = groups.options
        options.loss = loss
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let kernels = try groups.trainer(options)
        _ = try TwoTowerTests.train(kernels, epochs: 1...2)
        options.avoidsKernels = true
        let operators = try groups.trainer(options)
        _ = try TwoTowerTests.train(operators, epochs: 1...1)
        try SafeTensors.write(operators.weights, to: folder + "/weights")
        try SafeTensors.write(operators.optimizerState, to: folder + "/state")
        options.avoidsKernels = false
        let moved = try groups.trainer(options)
        try moved.restore(weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
        _ = try TwoTowerTests.train(moved, epochs: 2...2)
        for name in ["user_factors", "item_factors"] {
            for (a, b) in zip(try TwoTowerTests.floats(kernels, name), try TwoTowerTests.floats(moved, name)) {
                #expect(abs(a - b) < 1e-2)
            }
        }
    }

    /// A step over a batch, and over its quarters whose gradients add up, are one.
    @Test(arguments: ["sgd", "adam"]) func accumulatedGradientsAreThoseOfTheWhole(optimizer: String) throws {
        let groups = Groups()
        let rated = InteractionMatrix<UserRow, ItemRow>(
            offsets: groups.history.offsets, columns: groups.history.columns,
            values: groups.history.columns.map { Float($0 % 5) }, columnCount: 60)
        func trained(_ batch: Int, _ accumulation: Int) throws -> any EpochTrainer {
            var options = groups.options
            (options.loss, options.labelThreshold, options.idDropout) = (.bce, 3, 0)
            (options.batchSize, options.gradientAccumulation) = (batch, accumulation)
            options.embeddings.kind = try #require(.init(rawValue: optimizer))
            let trainer = try TwoTower.trainer(
                on: rated, users: groups.users, items: groups.items, features: groups.features, options: options,
                workers: Workers(threads: 2))
            _ = try TwoTowerTests.train(trainer, epochs: 1...2)
            return trainer
        }
        let (whole, parts) = (try trained(128, 1), try trained(32, 4))
        for (a, b) in zip(
            try TwoTowerTests.floats(whole, "user_factors"), try TwoTowerTests.floats(parts, "user_factors"))
        {
            #expect(abs(a - b) < 1e-4)
        }
    }

    /// Factors by operators are those of the CPU's Adam, with and without biases, clipped, and after a stop.
    @Test(arguments: [(true, nil as Double?), (false, nil), (true, 0.05)])
    func factorsByOperatorsAreThoseOfAdam(biases: Bool, clip: Double?) throws {
        let groups = Groups()
        let rated = InteractionMatrix<UserRow, ItemRow>(
            offsets: groups.history.offsets, columns: groups.history.columns,
            values: groups.history.columns.map { Float($0 % 5) + 1 }, columnCount: 60)
        let heldOut = InteractionLog(
            users: groups.users, items: groups.items, userRows: groups.heldOut.userRows,
            itemRows: groups.heldOut.itemRows, values: groups.heldOut.itemRows.map { Float($0 % 5) + 1 }, times: nil)
        var options = MatrixFactorizationOptions(optimizer: .adam)
        (options.factors, options.batchSize, options.epochs, options.learningRate) = (12, 100, 4, 0.02)
        (options.biases, options.clipNorm) = (biases, clip)
        let workers = Workers(threads: 2)
        let cpu = try MatrixFactorization.trainer(on: rated, validation: heldOut, options: options, workers: workers)
        func made() throws -> any EpochTrainer {
            try DeviceFactorization.trainer(
                on: rated, validation: heldOut, options: options, device: .cpu, workers: workers)
        }
        let expected = try TwoTowerTests.train(cpu, epochs: 1...4)
        let first = try made()
        _ = try TwoTowerTests.train(first, epochs: 1...2)
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        try SafeTensors.write(first.weights, to: folder + "/weights")
        try SafeTensors.write(first.optimizerState, to: folder + "/state")
        let resumed = try made()
        try resumed.restore(
            weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
        let found = try TwoTowerTests.train(resumed, epochs: 3...4)
        #expect(found.keys == expected.keys)
        for (name, value) in expected { #expect(abs(found[name]! - value) < 1e-4 * max(1, value), "\(name)") }
        let (one, other) = (try Self.floats(cpu.weights), try Self.floats(resumed.weights))
        #expect(one.keys == other.keys)
        for (name, values) in one {
            for (a, b) in zip(values, other[name] ?? []) { #expect(abs(a - b) < 1e-3, "\(name)") }
        }
        if biases { #expect(expected["val_rmse"]! < 1.2) }
    }

    @Test func stepsAtEveryRatingAreForTheCPU() {
        let groups = Groups()
        #expect {
            _ = try DeviceFactorization.trainer(
                on: groups.history, options: MatrixFactorizationOptions(optimizer: .sgd), device: .cpu,
                workers: Workers(threads: 1))
        } throws: { "\($0)".contains("--optimizer adam") }
    }

    /// Ids that share rows by their hashes train, and tables are as small as asked.
    @Test func idsShareRowsByTheirHashes() throws {
        let groups = Groups()
        var options = groups.options
        (options.userBuckets, options.itemBuckets, options.learningRate) = (90, 50, 0.01)
        let trainer = try groups.trainer(options)
        #expect(try Self.floats(trainer.weights)["item.id"]?.count == 51 * 16)
        #expect(try TwoTowerTests.train(trainer, epochs: 1...10)["val_auc"]! > 0.75)
        // By the text alone: XXH64, as other tools compute it.
        let bags = FeatureBags(ids: [true, true, false], buckets: 1000) { ["spam", "42", "x"][$0] }
        #expect(Array(bags.bag(2)) == [0] && Array(bags.bag(0)) == [UInt32(0x5CEB_BB9B_99B7_D704 % UInt64(1000)) + 1])
    }

    /// A loss that is no number ends training with its batch.
    @Test func divergenceNamesItsBatch() throws {
        let groups = Groups()
        var options = groups.options
        options.learningRate = 1e30
        let trainer = try groups.trainer(options)
        #expect {
            _ = try TwoTowerTests.train(trainer, epochs: 1...3)
        } throws: {
            let text = "\($0)"
            return text.contains("the loss of batch") && text.contains("--learning-rate")
        }
    }

    /// Lower precision learns the same, and float16's scaler backs off from what overflows.
    @Test(arguments: [Precision.bf16, .fp16]) func lowerPrecisionLearns(precision: Precision) throws {
        let groups = Groups()
        var options = groups.options
        (options.precision, options.learningRate) = (precision, 0.01)
        let trainer = try groups.trainer(options)
        #expect(try TwoTowerTests.train(trainer, epochs: 1...12)["val_auc"]! > 0.8)
        #expect(trainer.optimizerState.contains { $0.name == "scaler.scale" } == (precision == .fp16))
    }
}
