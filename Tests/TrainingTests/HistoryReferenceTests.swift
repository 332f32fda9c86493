import Basics
import Formats
import Interactions
import Kernels
import Ranking
import Testing
import Training

/// Models whose histories stay in the data that they were trained on.
@Suite struct HistoryReferenceTests {
    private let folder: Folder
    private let workers = Workers(threads: 2)
    private let rule = SplitRule.random(validation: 0.2, test: 0)

    init() throws { folder = try Folder() }

    /// Writes interactions of 30 users, and the model of those that training keeps, with and without its histories.
    private func write(values: Bool = true) throws -> (history: InteractionMatrix<UserRow, ItemRow>, model: FakeModel) {
        var random = RandomStream(seed: 3, .test)
        let users = (0..<900).map { _ in Int64(random.below(30) * 7) }
        let items = (0..<900).map { _ in Int64(random.below(50)) }
        let levels = (0..<900).map { _ in Float(random.below(9)) / 2 }
        let columns = [TensorSource(name: "users", users), TensorSource(name: "items", items)]
        try NPZ.write(
            columns + (values ? [TensorSource(name: "values", levels)] : []), to: folder.path + "/data.npz")
        let indexed = try IndexedSource(
            PassableSource(folder.path + "/data.npz", options: ReadingOptions()), workers: workers)
        let passes = try SourcePasses(indexed, split: rule, seed: 9, workers: workers)
        let history = try passes.userMatrix(workers: workers)
        let model = FakeModel(items: wholeVectors(indexed.items.count, width: 3, seed: 6), history: history)
        var parts = ModelParts(
            manifest: ModelManifest(
                kind: "fake", users: indexed.users.count, items: indexed.items.count, interactions: passes.entryCount,
                factors: 3),
            weights: [TensorSource(name: "items", model.items.flatMap { $0 }, shape: [indexed.items.count, 3])],
            users: indexed.users, items: indexed.items)
        parts.referredHistory = ReferredHistory(
            HistoryReference(
                source: folder.path + "/data.npz", columns: nil, fraction: 1, split: "\(rule)", seed: 9,
                fingerprint: passes.fingerprint, interactions: indexed.count),
            activity: passes.activity, audience: passes.audience)
        try ModelFolder.write(parts, to: folder.path + "/model")
        return (history, model)
    }

    @Test(arguments: [true, false]) func historiesAreFoundAgain(values: Bool) throws {
        let (history, _) = try write(values: values)
        #expect(!Files.exists(folder.path + "/model/history.safetensors"))
        let model = try ModelFolder(folder.path + "/model")
        let trained = try #require(try model.trainedHistory())
        let counts = TrainedHistory(history)
        #expect(trained.activity == counts.activity && trained.audience == counts.audience)
        #expect(trained.count == history.entryCount)
        // Of two users, of one of them, which takes no more reading, and of all.
        let two = [UserRow(4), UserRow(17)]
        let some = try trained.of(two)
        for user in two { #expect(some[user] == history[user] && some.values(user) == history.values(user)) }
        #expect(some.entryCount == two.reduce(0) { $0 + history[$1].count })
        #expect(try trained.of([two[1]]).entryCount == some.entryCount)
        let all = try trained.all()
        #expect(all.offsets == history.offsets && all.columns == history.columns && all.values == history.values)
        #expect(try model.history()?.columns == history.columns)
    }

    /// The same lists, and what does without histories does not look for them.
    @Test func recommendsTheSame() throws {
        let (history, model) = try write()
        let folder = try ModelFolder(self.folder.path + "/model")
        func recommender(_ history: TrainedHistory) throws -> Recommender {
            let table = FactorTable(rows: model.items.count, width: 3)
            for row in model.items.indices { _ = table.row(row).update(from: model.items[row]) }
            return Recommender(
                users: try folder.users, items: try folder.items, catalog: nil, userCatalog: nil, history: history,
                encoder: model, itemVectors: table, similarityVectors: table, workers: workers)
        }
        let (here, referred) = (
            try recommender(TrainedHistory(history)), try recommender(#require(try folder.trainedHistory()))
        )
        for user in ["0", "7", "203"] {
            #expect(try referred.recommend(for: user, count: 5) == here.recommend(for: user, count: 5))
            #expect(try referred.history(of: user, count: 5) == here.history(of: user, count: 5))
        }
        #expect(referred.popular(count: 4) == here.popular(count: 4))
        try Files.rename(self.folder.path + "/data.npz", to: self.folder.path + "/elsewhere.npz")
        let blind = try recommender(#require(try ModelFolder(folder.path).trainedHistory()))
        #expect(try blind.recommend(for: "7", includeSeen: true) == here.recommend(for: "7", includeSeen: true))
        #expect(try blind.similar(to: "3") == here.similar(to: "3"))
        #expect(blind.coldReason("7") == nil && blind.coldReason("8") != nil)
        let gone = failure { _ = try blind.recommend(for: "7") }
        #expect(gone?.code == .failed && gone?.remedy?.contains("--include-seen") == true)
        #expect(gone.map { "\($0)".contains("data.npz") } == true)
    }

    /// Other data in the same place: of another size, of the same size.
    @Test(arguments: [899, 900]) func otherDataIsRefused(count: Int) throws {
        _ = try write()
        let ids = (0..<count).map { Int64($0 % 30 * 7) }
        try NPZ.write(
            [
                TensorSource(name: "users", ids), TensorSource(name: "items", ids.map { _ in 1 as Int64 }),
                TensorSource(name: "values", ids.map { _ in 1 as Float }),
            ], to: folder.path + "/data.npz")
        for all in [true, false] {
            let trained = try #require(try ModelFolder(folder.path + "/model").trainedHistory())
            let error = failure { _ = try all ? trained.all() : trained.of([UserRow(1)]) }
            #expect(error?.code == .failed && error?.remedy?.contains("--include-seen") == true)
            let cause = (error?.cause as? StarlingError)?.what
            #expect(cause?.contains(count == 899 ? "899 interactions" : "has changed") == true, "\(cause ?? "")")
        }
    }

    @Test func damagedReferencesAreNoticed() throws {
        _ = try write()
        for name in ["history.json", "history-counts.safetensors"] {
            let path = folder.path + "/model/" + name
            let before = try Files.read(path)
            var bytes = before
            bytes[bytes.count / 2] ^= 1
            try Files.write(bytes, to: path)
            #expect(
                failure { _ = try ModelFolder(folder.path + "/model").trainedHistory() }?.code == .failed, "\(name)")
            try Files.write(before, to: path)
        }
    }
}
