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

    /// The gradients are those of LibTorch's own differentiation of the same formula, where users and items stand in the
    /// batch several times.
    @Test(arguments: [(300, 300, 3), (17, 40, 2), (5, 5, 1)])
    func softmaxAgreesWithAutograd(count: Int, items: Int, threads: Int) throws {
        var random = RandomStream(seed: 5, .test)
        func tensor(_ rows: Int) throws -> Tensor {
            try Tensor((0..<rows * 8).map { _ in Float(random.uniform()) * 4 - 2 }, [rows, 8]).requiringGrad()
        }
        func chosen(_ rows: [UInt32]) throws -> Tensor { try Tensor(rows.map { Int64($0) }, [rows.count]) }
        let kinds = (users: count / 3 + 1, items: items / 2 + 1)
        let tables = (users: try tensor(kinds.users), items: try tensor(kinds.items))
        let userRows = (0..<count).map { _ in UInt32(random.below(kinds.users)) }
        let itemRows = (0..<items).map { _ in UInt32(random.below(kinds.items)) }
        let probabilities = (0..<kinds.items).map { _ in Float(random.uniform()) - 3 }
        let pairs = BatchPairs(users: userRows, items: itemRows, userCount: kinds.users, itemCount: kinds.items) {
            probabilities[Int($0)]
        }
        #expect(pairs.users == Set(userRows).sorted() && pairs.items == Set(itemRows).sorted())
        let listed = pairs.users.indices.flatMap { user in
            pairs.own[Int(pairs.starts[user])..<Int(pairs.starts[user + 1])].map {
                [pairs.users[user], pairs.items[Int($0)]]
            }
        }
        #expect(Set(listed) == Set(zip(userRows, itemRows).map { [$0, $1] }) && listed.count == count)
        let softmax = try InBatchSoftmax(temperature: 0.7, threads: threads, isa: .best)
        let found = try softmax(
            users: tables.users.detached().selecting(chosen(pairs.users)),
            items: tables.items.detached().selecting(chosen(pairs.items)), pairs)
        // The formula as it is written: a row for every interaction, a column for every item of the batch, further ones of
        // the own item masked.
        let masks = (0..<count).flatMap { row in
            (0..<items).map { $0 != row && itemRows[$0] == itemRows[row] ? -Float.infinity : 0 }
        }
        let left = try tables.users.selecting(chosen(userRows)), right = try tables.items.selecting(chosen(itemRows))
        let logits = try left.matmul(right.transposed()).multiplied(by: 1 / 0.7)
            .subtracting(Tensor(itemRows.map { probabilities[Int($0)] }, [items]))
            .adding(Tensor(masks, [count, items]))
        let loss = try Loss.crossEntropy(logits, .range(count))
        try loss.backward()
        #expect(abs(try loss.item() - found.loss) < 1e-5 * max(1, found.loss))
        let gradients = (
            try tables.users.gradient!.selecting(chosen(pairs.users)),
            try tables.items.gradient!.selecting(chosen(pairs.items))
        )
        for (one, other) in [(found.users, gradients.0), (found.items, gradients.1)] {
            for (a, b) in zip(try one.array(of: Float.self), try other.array(of: Float.self)) {
                #expect(abs(a - b) < 1e-5)
            }
        }
    }

    /// Data with more users than the checkpoint's is refused in words, unless ids share rows.
    @Test func aVocabularyThatGrewIsToldApart() throws {
        let (before, after) = (Groups(users: 100), Groups(users: 120))
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        var options = before.options
        for buckets in [nil, 40] {
            options.userBuckets = buckets
            let trainer = try before.trainer(options)
            try SafeTensors.write(trainer.weights, to: folder + "/weights")
            try SafeTensors.write(trainer.optimizerState, to: folder + "/state")
            let grown = try after.trainer(options)
            func restore() throws {
                try grown.restore(
                    weights: SafeTensorsFile(folder + "/weights"), optimizer: SafeTensorsFile(folder + "/state"))
            }
            if buckets == nil {
                #expect { try restore() } throws: {
                    "\($0)".contains("knows 100 users, and the data has 120")
                }
            } else {
                try restore()
            }
        }
    }

    /// Batches of every size by one softmax, whose memory is kept: what they write stays within it. (Under the address
    /// sanitizer, or a hardened allocator, a wrong size ends the process.)
    @Test func memoryIsKeptForBatchesOfAllSizes() throws {
        let softmax = try InBatchSoftmax(temperature: 1, threads: 2, isa: .best)
        var random = RandomStream(seed: 5, .test)
        for items in [1700, 1300, 1100, 60, 2000, 900, 1340, 3, 1990] {
            let rows = (0..<items).map { UInt32($0) }
            let users = (0..<items).map { _ in UInt32(random.below(400)) }
            let pairs = BatchPairs(users: users, items: rows, userCount: 400, itemCount: items) { _ in -7 }
            func tensor(_ count: Int) throws -> Tensor {
                try Tensor((0..<count * 64).map { _ in Float(random.uniform()) - 0.5 }, [count, 64])
            }
            let (left, right) = (try tensor(pairs.users.count), try tensor(items))
            let kept = try softmax(users: left, items: right, pairs)
            let fresh = try InBatchSoftmax(temperature: 1, threads: 2, isa: .best)(users: left, items: right, pairs)
            #expect(kept.loss == fresh.loss)
            #expect(try kept.users.array(of: Float.self) == fresh.users.array(of: Float.self))
            #expect(try kept.items.array(of: Float.self) == fresh.items.array(of: Float.self))
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
