import Basics
import Factorization
import Interactions
import Kernels
import Testing
import Training

/// New interactions in a model that is not trained again.
@Suite struct ALSUpdateTests {
    static let log = randomRatings(users: 40, items: 30, density: 0.3, seed: 4)

    /// Interactions with ids from `users` and `items`, of the whole.
    private func part(users: Range<Int>, items: Range<Int>, but: ((Int, Int) -> Bool)? = nil) -> InteractionLog {
        let kept = (0..<Self.log.count).filter {
            let (user, item) = (Int(Self.log.userRows[$0]), Int(Self.log.itemRows[$0]))
            return users.contains(user) && items.contains(item) && !(but?(user, item) ?? false)
        }
        let ids = { (rows: [UInt32]) in rows.map(Int64.init) }
        let (userIDs, itemIDs) = (
            Array(Set(ids(kept.map { Self.log.userRows[$0] }))).sorted(),
            Array(Set(ids(kept.map { Self.log.itemRows[$0] }))).sorted()
        )
        return InteractionLog(
            users: Vocabulary(.integers(userIDs)), items: Vocabulary(.integers(itemIDs)),
            userRows: kept.map { UInt32(userIDs.firstIndex(of: Int64(Self.log.userRows[$0]))!) },
            itemRows: kept.map { UInt32(itemIDs.firstIndex(of: Int64(Self.log.itemRows[$0]))!) },
            values: kept.map { max(0.5, Self.log.values![$0]) }, times: nil)
    }

    private func train(_ log: InteractionLog, _ options: ALSOptions, to folder: String) throws -> ModelFolder {
        let trainer = try AlternatingLeastSquares.trainer(on: log, options: options, workers: Workers(threads: 2))
        _ = try TrainingLoop(epochs: 5).train(trainer)
        let history = log.userMatrix()
        var parts = ModelParts(
            manifest: ModelManifest(
                kind: "als", users: log.users.count, items: log.items.count, interactions: log.count,
                factors: options.factors, facts: ["als": try JSONValue(encoding: options)]),
            weights: trainer.weights, users: log.users, items: log.items)
        parts.history = history
        try ModelFolder.write(parts, to: folder + "/model")
        return try ModelFolder(folder + "/model")
    }

    @Test(arguments: Feedback.allCases, [1, 3]) func whatIsNewFitsAndTheRestStays(feedback: Feedback, threads: Int)
        throws
    {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        var options = ALSOptions(feedback: feedback)
        options.factors = 6
        let before = try train(part(users: 0..<30, items: 0..<25), options, to: folder)
        let old = try FactorModel(before.weights)
        // Users 28 to 39 come with new interactions, of items 20 to 29; ten users and five items are new.
        let new = part(users: 28..<40, items: 20..<30)
        let update = try ALSUpdate(of: before, with: new, workers: Workers(threads: threads))
        #expect(update.usersAdded == 10 && update.itemsAdded == 5 && update.itemsRecomputed == 5)
        try ModelFolder.write(update.parts, to: folder + "/model")
        let after = try ModelFolder(folder + "/model")
        let model = try FactorModel(after.weights)
        let history = try #require(try after.history())
        #expect(after.manifest.users == 40 && after.manifest.items == 30)
        #expect(history.entryCount == after.manifest.interactions)

        for user in 0..<28 { #expect(Array(model.userFactors.row(user)) == Array(old.userFactors.row(user))) }
        for item in 0..<25 { #expect(Array(model.itemFactors.row(item)) == Array(old.itemFactors.row(item))) }
        // New and touched users have the vectors that fold their whole history in.
        let workers = Workers(threads: 1)
        let foldIn = FoldIn(model, options: options, workers: workers)
        let folded = FactorTable(rows: 40, width: foldIn.dimensions)
        try foldIn.encode(history, into: folded)
        let users = model.foldedUsers()
        for user in 28..<40 where !history[UserRow(user)].isEmpty {
            for column in 0..<foldIn.dimensions { #expect(abs(users[user, column] - folded[user, column]) < 1e-5) }
        }
        #expect((25..<30).allSatisfy { model.itemFactors.row($0).contains { $0 != 0 } })
        // Values of pairs that were there before: added up, or replaced.
        let both = part(users: 28..<30, items: 20..<25)
        #expect(both.count > 0)
        for index in 0..<both.count {
            let user = try #require(after.users.row(of: both.users[UserRow(Int(both.userRows[index]))]))
            let item = try #require(after.items.row(of: both.items[ItemRow(Int(both.itemRows[index]))]))
            let place = try #require(history[user].firstIndex(of: UInt32(item.index)))
            let expected = both.values![index] * (feedback == .explicit ? 1 : 2)
            #expect(abs(history.values(user)![place] - expected) < 1e-6)
        }
    }

    @Test func othersAreRefused() throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        var options = ALSOptions()
        options.factors = 4
        let model = try train(part(users: 0..<30, items: 0..<25), options, to: folder)
        let negative = InteractionLog(
            users: Vocabulary(["3"]), items: Vocabulary(["4"]), userRows: [0], itemRows: [0], values: [-1], times: nil)
        #expect { try ALSUpdate(of: model, with: negative, workers: Workers(threads: 1)) } throws: {
            ($0 as? StarlingError)?.code == .badData
        }
    }
}
