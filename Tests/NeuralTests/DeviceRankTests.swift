import Basics
import Neural
import Testing
import Torch
import Training

/// Two towers on several ranks by operators, as on GPUs, whose tables every rank has. Tensors go through memory here; a test of
/// the room `Torch` sends them over NCCL where there is a GPU.
@Suite(torch, .serialized) struct DeviceRankTests {
    private static func options(_ groups: Groups, _ loss: String, _ optimizer: String) throws -> TwoTowerOptions {
        var options = groups.options
        options.avoidsKernels = true
        options.embeddings.kind = try #require(.init(rawValue: optimizer))
        options.loss = .init(rawValue: loss) ?? .softmax
        options.cosine = loss == "cosine"
        if loss == "accumulated" { (options.gradientAccumulation, options.batchSize) = (3, 31) }
        options.embeddings.learningRate = 0.01
        return options
    }

    /// Losses and weights are those of one rank, and tables the same bits on all ranks.
    @Test(
        arguments: [
            ("softmax", "rowwise-adagrad"), ("bce", "adagrad"), ("bpr", "sgd"), ("cosine", "adam"),
            ("accumulated", "adagrad"),
        ], [2, 3]
    )
    func learnsAsOneRank(training: (loss: String, optimizer: String), ranks: Int) throws {
        let groups = Groups()
        let options = try Self.options(groups, training.loss, training.optimizer)
        let one = try RankTests.Trained(RankTests.trainer(groups, options), 1...2)
        let several = try GlooRanks.run(ranks) { group in
            try RankTests.Trained(RankTests.trainer(groups, options, group), 1...2)
        }
        RankTests.check(one, several)
        for rank in several.dropFirst() {
            #expect(rank.weights == several[0].weights && rank.moments == several[0].moments)
        }
    }

    /// Of seven users and eight items in batches of two, four ranks have none or one each.
    @Test(arguments: ["softmax", "bpr"]) func ranksWithoutSamplesTakePart(loss: String) throws {
        let groups = Groups(users: 7, items: 8, cold: 8, groups: 2)
        var options = try Self.options(groups, loss, "sgd")
        (options.batchSize, options.embeddings.learningRate) = (2, groups.options.embeddings.learningRate)
        let one = try RankTests.Trained(RankTests.trainer(groups, options), 1...2)
        let several = try GlooRanks.run(4) { [options] group in
            try RankTests.Trained(RankTests.trainer(groups, options, group), 1...2)
        }
        RankTests.check(one, several, share: 0.1)
    }

    /// One step over all interactions: every row's gradient is that of one rank to five digits.
    @Test(arguments: ["softmax", "bce"]) func gradientsAreThoseOfOneRank(loss: String) throws {
        let groups = Groups()
        var options = try Self.options(groups, loss, "sgd")
        (options.batchSize, options.embeddings.learningRate) = (4096, 1000)
        let one = try RankTests.Trained(RankTests.trainer(groups, options), 1...1)
        let several = try GlooRanks.run(3) { [options] group in
            try RankTests.Trained(RankTests.trainer(groups, options, group), 1...1)
        }
        for (name, floats) in one.weights where name.contains(".") && !name.contains("layers") {
            let moved = zip(floats, one.start[name]!).map { abs($0 - $1) }.max()!
            let apart = zip(floats, several[0].weights[name]!).map { abs($0 - $1) }.max()!
            #expect(moved > 0.001 && apart < 1e-5 * moved + 1e-7, "\(name): \(apart) of \(moved)")
        }
    }

    /// On devices a rank is said to have all tables.
    @Test(arguments: [1, 4]) func estimatesCountWholeTables(ranks: Int) {
        func tables(_ device: Device, _ ranks: Int) -> Int? {
            var options = TwoTowerOptions()
            options.device = device
            return TwoTower.memoryEstimate(
                users: 100_000, items: 50_000, interactions: 1_000_000, validation: 0, options: options, ranks: ranks
            ).parts.first { $0.name == "embeddings" }?.bytes
        }
        let whole = tables(.cpu, 1)!
        #expect(tables(.cuda(0), ranks) == whole && tables(.cpu, ranks) == whole / ranks)
    }

    /// What a group gathers of parts of any length is what goes through memory.
    @Test(arguments: [[3, 3, 3], [4, 0, 1], [0, 0, 0], [1, 2, 5]]) func groupsGatherParts(counts: [Int]) throws {
        let parts = counts.indices.map { rank in
            counts[..<rank].reduce(0, +)..<counts[...rank].reduce(0, +)
        }
        let found = try GlooRanks.run(3) { group in
            let floats = parts[group.rank].flatMap { [Float($0), Float(10 * group.rank)] }
            let own = try Tensor(floats, [counts[group.rank], 2])
            return [try own.gathered(parts, over: group), try own.gathered(parts, from: group)].map { tensor in
                (try? tensor.array(of: Float.self)) ?? []
            }
        }
        let expected = parts.enumerated().flatMap { rank, part in part.flatMap { [Float($0), Float(10 * rank)] } }
        for rank in found { #expect(rank == [expected, expected]) }
    }
}
