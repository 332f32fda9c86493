import Basics
import Formats
import Interactions
import Kernels
import Ranking
import Testing
import Training

/// What is scored, from a model folder as `train` writes it.
@Suite struct EvaluationPartTests {
    private let folder: Folder
    private let whole: InteractionLog

    init() throws {
        folder = try Folder()
        var random = RandomStream(seed: 12, .test)
        whole = namedLog(
            (0..<50).flatMap { user in
                (0..<40).filter { _ in random.below(3) == 0 }.map {
                    (user: "u\(user)", item: "\($0)", value: Float(1 + random.below(5)))
                }
            })
    }

    /// A folder of a model that was trained on the split's training part, and the model.
    private func trained(_ rule: String, seed: UInt64 = 4) throws -> (ModelFolder, FakeModel, LogParts) {
        let parts = try whole.split(SplitRule(parsing: rule), seed: seed)
        let model = FakeModel(
            items: wholeVectors(whole.items.count, width: 3, seed: 6), history: parts.train.userMatrix())
        var all = ModelParts(
            manifest: ModelManifest(
                kind: "fake", users: whole.users.count, items: whole.items.count, interactions: parts.train.count,
                factors: 3, facts: ["split": .string(rule)]),
            weights: [TensorSource(name: "items", model.items.flatMap { $0 }, shape: [whole.items.count, 3])],
            users: whole.users, items: whole.items)
        all.history = model.history
        all.heldOut[.validation] = parts.validation
        all.heldOut[.test] = parts.test
        all.heldOut[.foldIn] = parts.foldIn
        try ModelFolder.write(all, to: folder.path + "/model")
        return (try ModelFolder(folder.path + "/model"), model, parts)
    }

    /// Recall by a brute force over users: what they had, what they should get, how their vector is made.
    private func recall(
        _ cutoff: Int, _ model: FakeModel, trained: InteractionLog, had: InteractionMatrix<UserRow, ItemRow>,
        given: InteractionMatrix<UserRow, ItemRow>, wanted: InteractionMatrix<UserRow, ItemRow>
    ) -> (Int, Double) {
        var (users, sum) = (0, 0.0)
        for user in (0..<wanted.rowCount).map({ UserRow($0) }) where !wanted[user].isEmpty {
            let query = model.vector(Array(given[user]), given.values(user).map(Array.init))
            let best = model.best(cutoff, query, without: Set(had[user]), among: Set(trained.itemRows))
            sum += Double(best.count { wanted[user].contains($0.0) }) / Double(wanted[user].count)
            users += 1
        }
        return (users, sum / Double(users))
    }

    private func measured(_ part: EvaluationPart, _ recommender: Recommender) throws -> (Int, Double) {
        let found = try RankingEvaluation.evaluate(
            ranker: recommender.ranker, encoder: part.encoder, train: part.seen, heldOut: part.log, cutoffs: [6])
        return (found.usersEvaluated, try #require(found.metrics["recall@6"]))
    }

    @Test func usersHeldOutWhole() throws {
        let (folder, model, parts) = try trained("held-out-users:20")
        let foldIn = try #require(parts.foldIn).userMatrix()
        let part = try EvaluationPart(heldOutOf: folder, model.recommender(whole))
        #expect(part.name == "held-out-users:20" && part.log.userRows == parts.test?.userRows)
        #expect(part.seen.columns == foldIn.columns && part.seen.values == foldIn.values)
        let expected = recall(
            6, model, trained: parts.train, had: foldIn, given: foldIn, wanted: try #require(parts.test).userMatrix())
        let found = try measured(part, model.recommender(whole))
        #expect(expected.0 == 20 && found.0 == 20 && abs(found.1 - expected.1) < 1e-12 && found.1 > 0)
        // Nothing of theirs was in training.
        for user in Set(part.log.userRows) { #expect(model.history[UserRow(Int(user))].isEmpty) }

        let error = failure {
            _ = try EvaluationPart(heldOutOf: folder, model.recommender(whole, foldsIn: false))
        }
        #expect(error?.code == .usage)
    }

    @Test func testPartHasValidationBehindIt() throws {
        let (folder, model, parts) = try trained("random:0.2,0.2")
        let recommender = model.recommender(whole)
        let part = try EvaluationPart(heldOutOf: folder, recommender)
        let (validation, test) = (try #require(parts.validation), try #require(parts.test))
        #expect(part.name == "random:0.2,0.2 (test part)")
        let expected = recall(
            6, model, trained: parts.train, had: both(parts.train, validation), given: model.history,
            wanted: test.userMatrix())
        let found = try measured(part, recommender)
        #expect(found.0 == expected.0 && abs(found.1 - expected.1) < 1e-12)
    }

    /// A test file: all that the run's data has is behind the user, less what the file asks for; items that the model lacks
    /// are missed, users that it lacks are left out.
    @Test func otherInteractions() throws {
        let (folder, model, parts) = try trained("random:0.2")
        let recommender = model.recommender(whole)
        let validation = try #require(parts.validation)
        let asked = validation.selecting(Array(0..<30))
        func id(_ index: Int) -> (String, String) {
            (whole.users[UserRow(Int(asked.userRows[index]))], whole.items[ItemRow(Int(asked.itemRows[index]))])
        }
        let given = namedLog(
            (0..<30).map { (user: id($0).0, item: id($0).1, value: 1) }
                + [
                    ("u3", "new", 1), ("u3", "newer", 1), ("u9", "new", 1), ("stranger", "1", 1),
                    ("stranger", "new", 1),
                ])
        let part = try EvaluationPart(given, named: "test.txt", heldOutOf: folder, recommender)
        #expect(part.name == "test.txt" && part.log.count == 33)
        #expect(part.unknownUserInteractions == 2 && part.unknownItemInteractions == 3)
        #expect(part.log.items.count == whole.items.count + 2)
        let others = validation.selecting(Array(30..<validation.count))
        let expected = recall(
            6, model, trained: parts.train, had: both(parts.train, others), given: model.history,
            wanted: part.log.userMatrix())
        let found = try measured(part, recommender)
        #expect(found.0 == expected.0 && abs(found.1 - expected.1) < 1e-12 && found.1 > 0)

        let strangers = namedLog([("stranger", "1", 1), ("u1", "new", 1)])
        let error = failure { _ = try EvaluationPart(strangers, named: "f", heldOutOf: folder, recommender) }
        #expect(error?.code == .badData)
    }

    private func both(_ left: InteractionLog, _ right: InteractionLog) -> InteractionMatrix<UserRow, ItemRow> {
        InteractionLog(
            users: whole.users, items: whole.items, userRows: left.userRows + right.userRows,
            itemRows: left.itemRows + right.itemRows, values: nil, times: nil
        ).userMatrix()
    }
}
