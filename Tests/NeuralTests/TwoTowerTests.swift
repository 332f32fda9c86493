import Basics
import Formats
import Foundation
import Interactions
import Kernels
import Neural
import Ranking
import Testing
import Torch
import Training

/// Two towers: what they learn, and that a stop changes nothing.
@Suite(torch, .serialized) struct TwoTowerTests {
    static func train(_ trainer: any EpochTrainer, epochs: ClosedRange<Int>) throws -> [String: Double] {
        var metrics: [String: Double] = [:]
        for epoch in epochs {
            let outcome = try trainer.train(epoch: epoch, cancellation: Cancellation()) { _ in }
            guard case .finished(let found, _) = outcome else { throw StarlingError(.failed, "an epoch did not end") }
            metrics = found
        }
        return metrics
    }

    static func floats(_ trainer: any EpochTrainer, _ name: String) throws -> [Float] {
        let source = try #require(trainer.weights.first { $0.name == name })
        var floats: [Float] = []
        try source.emit { floats += Array($0.bindMemory(to: Float.self)) }
        return floats
    }

    /// Held-out items of one's own group come before others, with every loss and optimiser.
    @Test(arguments: [
        ("softmax", "rowwise-adagrad"), ("softmax", "adam"), ("bce", "adagrad"), ("bpr", "rowwise-adagrad"),
        ("bpr", "sgd"),
    ]) func learnsWhoLikesWhat(loss: String, optimizer: String) throws {
        let groups = Groups()
        var options = groups.options
        options.loss = try #require(.init(rawValue: loss))
        options.embeddings.kind = try #require(.init(rawValue: optimizer))
        if optimizer == "adam" { options.embeddings.learningRate = 0.01 }
        if optimizer == "sgd" { options.embeddings.learningRate = 1 }
        options.learningRate = 0.01
        let trainer = try groups.trainer(options)
        let first = try Self.train(trainer, epochs: 1...1), last = try Self.train(trainer, epochs: 2...12)
        #expect(last["train_loss"]! < first["train_loss"]!)
        #expect(last["val_auc"]! > 0.8, "\(last)")
        // Of 60 items 15 are of the group, and most of those are known: chance is below 0.3.
        #expect(last["val_recall@20"]! > 0.8, "\(last)")
    }

    @Test func cosineAndDrawnItemsLearnToo() throws {
        let groups = Groups()
        for sampling in TwoTowerOptions.Sampling.allCases {
            var options = groups.options
            (options.cosine, options.negatives, options.sampling, options.learningRate) = (true, 32, sampling, 0.01)
            let trainer = try groups.trainer(options)
            #expect(try Self.train(trainer, epochs: 1...8)["val_auc"]! > 0.8)
            let vector = try Self.floats(trainer, "item_factors").prefix(16)
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
    }

    /// Ratings as labels: what is below the threshold is disliked.
    @Test func ratingsAreLabels() throws {
        let groups = Groups()
        var options = groups.options
        (options.loss, options.labelThreshold, options.learningRate) = (.bce, 4, 0.01)
        #expect { try groups.trainer(options) } throws: { ($0 as? StarlingError)?.code == .badData }
        // Users rate even items of their group 5 and odd ones 1, or the other way round.
        var values: [Float] = []
        for user in 0..<groups.history.rowCount {
            for item in groups.history[UserRow(user)] { values.append((Int(item) / 4 + user / 4) % 2 == 0 ? 5 : 1) }
        }
        let rated = InteractionMatrix<UserRow, ItemRow>(
            offsets: groups.history.offsets, columns: groups.history.columns, values: values, columnCount: 60)
        let trainer = try TwoTower.trainer(
            on: rated, users: groups.users, items: groups.items, options: options, workers: Workers(threads: 2))
        let first = try Self.train(trainer, epochs: 1...1), last = try Self.train(trainer, epochs: 2...40)
        #expect(last["train_loss"]! < first["train_loss"]! / 2)
    }

    /// The same bits again, and after a stop in the middle of an epoch.
    @Test(arguments: ["rowwise-adagrad", "adagrad", "adam", "sgd"]) func aStopChangesNothing(optimizer: String) throws {
        let groups = Groups()
        var options = groups.options
        options.embeddings.kind = try #require(.init(rawValue: optimizer))
        options.negatives = 5
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        func digest(_ trainer: any EpochTrainer) throws -> String { try WeightsDigest.sha256(trainer.weights) }
        let whole = try groups.trainer(options)
        let metrics = try Self.train(whole, epochs: 1...3)

        let stopped = try groups.trainer(options)
        _ = try Self.train(stopped, epochs: 1...1)
        let cancellation = Cancellation()
        var batches = 0
        let outcome = try stopped.train(epoch: 2, cancellation: cancellation) { _ in
            batches += 1
            if batches == 5 { cancellation.cancel() }
        }
        guard case .interrupted = outcome else {
            Issue.record("it was not stopped")
            return
        }
        try SafeTensors.write(stopped.weights, to: folder + "/weights")
        try SafeTensors.write(stopped.optimizerState, to: folder + "/state")
        let resumed = try groups.trainer(options)
        try resumed.restore(
            weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
        #expect(try digest(resumed) == digest(stopped))
        #expect(try Self.train(resumed, epochs: 2...3) == metrics)
        #expect(try digest(resumed) == digest(whole))
        // Other layers do not take it.
        options.layers = [8, 16]
        let other = try groups.trainer(options)
        #expect {
            try other.restore(
                weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
        } throws: { "\($0)".contains("layers.0") }
    }

    /// Items without interactions lie by their genres; without features they are all the same.
    @Test func coldItemsLieByTheirGenres() throws {
        let groups = Groups(items: 80, cold: 60)
        var options = groups.options
        (options.learningRate, options.idDropout) = (0.01, 0.2)
        let trainer = try groups.trainer(options)
        _ = try Self.train(trainer, epochs: 1...12)
        let (users, items) = (try Self.floats(trainer, "user_factors"), try Self.floats(trainer, "item_factors"))
        func score(_ user: Int, _ item: Int) -> Float {
            (0..<16).reduce(0) { $0 + users[user * 16 + $1] * items[item * 16 + $1] }
        }
        var ranks: [Int] = []
        for user in 0..<120 {
            let sorted = (60..<80).sorted { score(user, $0) > score(user, $1) }
            for (rank, item) in sorted.enumerated() where item % 4 == user % 4 { ranks.append(rank) }
        }
        // Five of twenty are of the user's group: their mean rank is 9.5 by chance and 2 at best.
        #expect(Double(ranks.reduce(0, +)) / Double(ranks.count) < 4)
        let bare = try groups.trainer(options, features: false)
        _ = try Self.train(bare, epochs: 1...1)
        let vectors = try Self.floats(bare, "item_factors")
        #expect(Array(vectors[60 * 16..<61 * 16]) == Array(vectors[79 * 16..<80 * 16]))
    }

    /// The gradients are those of LibTorch's own differentiation of the same formula.
    @Test(arguments: [(300, 300), (17, 40), (5, 5)]) func softmaxAgreesWithAutograd(users: Int, items: Int) throws {
        var random = RandomStream(seed: 5, .test)
        func tensor(_ rows: Int) throws -> Tensor {
            try Tensor((0..<rows * 8).map { _ in Float(random.uniform()) * 4 - 2 }, [rows, 8])
        }
        let kinds = items / 2 + 1
        let (left, table) = (try tensor(users).requiringGrad(), try tensor(kinds).requiringGrad())
        let rows = (0..<items).map { _ in UInt32(random.below(kinds)) }
        let probabilities = (0..<kinds).map { _ in Float(random.uniform()) - 3 }
        let columns = BatchColumns(rows, users: users, itemCount: kinds) { probabilities[Int($0)] }
        #expect(columns.items == Set(rows).sorted())
        #expect(columns.own.map { columns.items[Int($0)] } == Array(rows[..<users]))
        let softmax = try InBatchSoftmax(temperature: 0.7, isa: .best)
        let distinct = try table.detached().selecting(Tensor(columns.items.map { Int64($0) }, [columns.items.count]))
        let found = try softmax(users: left.detached(), items: distinct, columns)
        // The formula as it is written: a column for every item of the batch, further ones of the own item masked.
        let right = try table.selecting(Tensor(rows.map { Int64($0) }, [items]))
        let masks = (0..<users).flatMap { user in
            (0..<items).map { $0 != user && rows[$0] == rows[user] ? -Float.infinity : 0 }
        }
        let logits = try left.matmul(right.transposed()).multiplied(by: 1 / 0.7)
            .subtracting(Tensor(rows.map { probabilities[Int($0)] }, [items]))
            .adding(Tensor(masks, [users, items]))
        let loss = try Loss.crossEntropy(logits, .range(users))
        try loss.backward()
        #expect(abs(try loss.item() - found.loss) < 1e-5 * max(1, found.loss))
        let gradient = try table.gradient!.selecting(
            Tensor(columns.items.map { Int64($0) }, [columns.items.count]))
        for (one, other) in [(found.users, try left.gradient!), (found.items, gradient)] {
            for (a, b) in zip(try one.array(of: Float.self), try other.array(of: Float.self)) {
                #expect(abs(a - b) < 1e-5)
            }
        }
    }

    @Test func wrongOptionsAreRefused() throws {
        let groups = Groups()
        func refuses(_ words: String, _ change: (inout TwoTowerOptions) -> Void) {
            var options = groups.options
            change(&options)
            #expect { try groups.trainer(options) } throws: {
                ($0 as? StarlingError)?.code == .usage && "\($0)".contains(words)
            }
        }
        refuses("--layers") { $0.layers = [] }
        refuses("--layers") { $0.layers = [8, 0] }
        refuses("--batch-size") { $0.batchSize = 1 }
        refuses("--temperature") { $0.temperature = 0 }
        refuses("--negatives") { ($0.loss, $0.negatives) = (.bpr, 0) }
        refuses("--label-threshold") { $0.labelThreshold = 3 }
        refuses("--id-dropout") { $0.idDropout = 1 }
        var features = groups.features
        features.userAttributes = ["age"]
        #expect {
            try TwoTower.trainer(
                on: groups.history, users: groups.users, items: groups.items, features: features,
                options: groups.options, workers: Workers(threads: 1))
        } throws: { "\($0)".contains("“age”") && "\($0)".contains("taste") }
        // A step that diverges says where.
        var options = groups.options
        options.learningRate = 1e30
        let trainer = try groups.trainer(options, validation: false)
        #expect { try Self.train(trainer, epochs: 1...5) } throws: {
            "\($0)".contains("diverged") && "\($0)".contains("at interactions")
        }
    }
}
