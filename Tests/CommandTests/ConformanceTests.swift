import Basics
import Formats
import Foundation
import Testing

/// What every kind of model promises, whatever is inside: one run is trained, stopped, moved, asked and exported from the
/// outside. A new kind is one more line of ``models``.
@Suite struct ConformanceTests {
    /// How a model is trained, and what says for how long.
    struct Model: Sendable, CustomStringConvertible {
        let flags: [String]
        var epochs = "--epochs"
        var description: String { flags.joined(separator: " ") }

        init(_ flags: String, epochs: String = "--epochs") {
            self.flags = flags.split(separator: " ").map { String($0) }
            self.epochs = epochs
        }
    }

    static let models = [
        Model("mf"), Model("mf --optimizer adagrad"), Model("mf --optimizer adam"),
        Model("als", epochs: "--iterations"), Model("als --solver cg", epochs: "--iterations"),
        Model("als --solver subspace --block-size 16", epochs: "--iterations"),
        Model("als --unobserved-weight 0.1 --regularization-exponent 1 --regularization 0.01", epochs: "--iterations"),
        Model("als --feedback explicit --biases", epochs: "--iterations"),
        Model("bpmf --burn-in 2", epochs: "--samples"),
    ]

    /// With models whose bits depend on the number of threads, and which need LibTorch's plugin (`make torch`).
    static let all =
        models
        + (hasTorch ? [Model("two-tower --layers 16,20 --batch-size 512")] : [])

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Ratings of `users` people in a file; 1 in 20 of the items has none.
    func ratings(users: Int, items: Int, interactions: Int) throws -> String {
        let file = folder.path("ratings-\(users).csv")
        guard !Files.exists(file) else { return file }
        let made = try starling([
            "data", "generate", "--users", "\(users)", "--items", "\(items)", "--interactions", "\(interactions)",
            "--seed", "1", "--output", file,
        ])
        #expect(made.status == 0, "\(made.error)")
        return file
    }

    func arguments(_ model: Model, _ data: String, _ run: String, epochs: Int, threads: Int = 2) -> [String] {
        ["train"] + model.flags + [
            "--data", data, "--output", folder.path(run), model.epochs, "\(epochs)", "--factors", "20", "--val-size",
            "0.1", "--threads", "\(threads)", "--json",
        ]
    }

    /// A run of a small model, and every user's list.
    func train(_ model: Model, threads: Int = 2) throws -> (run: String, digest: String, lists: [String]) {
        let data = try ratings(users: 70, items: 50, interactions: 1000)
        let run = folder.path("run-\(threads)")
        let trained = try starling(arguments(model, data, "run-\(threads)", epochs: 4, threads: threads))
        #expect(trained.status == 0, "\(trained.error)")
        return (run, try weightsDigest(trained.output), try lists(run))
    }

    func lists(_ run: String, _ flags: [String] = []) throws -> [String] {
        let file = folder.path("lists.jsonl")
        let ranked = try starling(["recommend", run, "--all-users", "--count", "60", "--output", file] + flags)
        #expect(ranked.status == 0, "\(ranked.error)")
        return try Files.readText(file).split(separator: "\n").map { String($0) }
    }

    func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    func items(_ list: String, _ key: String = "items") throws -> [(item: String, score: Double)] {
        try #require(try json(list)[key] as? [[String: Any]]).map {
            (try #require($0["item"] as? String), try #require($0["score"] as? Double))
        }
    }

    @Test(arguments: models) func sameBitsAtAnyThreadCount(model: Model) throws {
        let one = try train(model, threads: 1)
        for threads in [2, 5] {
            let other = try train(model, threads: threads)
            #expect(other.digest == one.digest && other.lists == one.lists)
        }
    }

    @Test(arguments: all) func aKilledRunComesToTheSameBits(model: Model) throws {
        let data = try ratings(users: 1500, items: 700, interactions: 60_000)
        let whole = try starling(arguments(model, data, "whole", epochs: 30))
        let status = try starling(
            arguments(model, data, "killed", epochs: 30) + ["--checkpoint-every", "1"], thenSend: SIGKILL,
            when: .epochs(3, folder.path("killed")))
        #expect(status == -SIGKILL)
        let finished = try starling(arguments(model, data, "killed", epochs: 30) + ["--resume"])
        #expect(finished.status == 0, "\(finished.error)")
        #expect(try weightsDigest(finished.output) == weightsDigest(whole.output))
    }

    @Test(arguments: all) func aMovedRunAnswersTheSame(model: Model) throws {
        let trained = try train(model)
        let moved = folder.path("moved")
        try FileManager.default.moveItem(atPath: trained.run, toPath: moved)
        #expect(try lists(moved) == trained.lists)
        #expect(try weightsDigest(starling(["describe", moved, "--json"]).output) == trained.digest)
    }

    @Test(arguments: all) func oneUserIsTheRowOfAll(model: Model) throws {
        let trained = try train(model)
        for list in trained.lists {
            let user = try #require(try json(list)["user"] as? String)
            let one = try starling(["recommend", trained.run, "--user", user, "--count", "60", "--json"])
            #expect(one.output == list + "\n")
        }
    }

    /// Lists have every item that training knows, once, best first, but those the user has.
    @Test(arguments: all) func seenItemsComeBackOnlyWhenAsked(model: Model) throws {
        let trained = try train(model)
        let all = try lists(trained.run, ["--include-seen"])
        #expect(all.count == trained.lists.count)
        for (without, with) in zip(trained.lists, all).prefix(12) {
            let (unseen, every) = (try items(without), try items(with))
            let user = try #require(try json(with)["user"] as? String)
            let told = try starling([
                "recommend", trained.run, "--user", user, "--with-history", "--count", "60", "--json",
            ])
            let history = Set(try items(told.output, "history").map(\.item))
            #expect(!history.isEmpty)
            #expect(Set(every.map(\.item)).count == every.count && history.isSubset(of: every.map(\.item)))
            #expect(zip(every, every.dropFirst()).allSatisfy { $0.score >= $1.score })
            #expect(unseen.map(\.item) == every.map(\.item).filter { !history.contains($0) })
        }
    }

    @Test(arguments: all) func strangersAreToldApart(model: Model) throws {
        let run = try train(model).run
        let unknown = try starling(["recommend", run, "--user", "stranger"])
        #expect(unknown.status == 65 && unknown.error.contains("--cold-start popular"), "\(unknown.error)")
        let popular = try starling(["recommend", run, "--user", "stranger", "--cold-start", "popular", "--json"])
        #expect(popular.status == 0, "\(popular.error)")
        #expect(try json(popular.output)["fallback"] as? String == "popular", "\(popular.output)")
    }

    /// The exported vectors' dot products are the scores.
    @Test(arguments: all) func exportedVectorsGiveTheScores(model: Model) throws {
        let trained = try train(model)
        let file = folder.path("vectors.npz")
        #expect(try starling(["export", trained.run, "--to", file, "--folded", "--vectors", "both"]).status == 0)
        let vectors = try NPZFile(file)
        let (left, right) = (try vectors.array("user_factors"), try vectors.array("item_factors"))
        let width = left.shape[1]
        let (users, all) = (try left.floats(), try right.floats())
        let ids = (try vectors.array("users").int64s(), try vectors.array("items").int64s())
        for (user, list) in trained.lists.enumerated() {
            #expect(try json(list)["user"] as? String == "\(ids.0[user])")
            let rows = Dictionary(uniqueKeysWithValues: ids.1.enumerated().map { ("\($1)", $0) })
            for found in try items(list) {
                let item = try #require(rows[found.item])
                let score = (0..<width).reduce(0.0) {
                    $0 + Double(users[user * width + $1]) * Double(all[item * width + $1])
                }
                #expect(abs(score - found.score) < 1e-4 * max(1, abs(score)))
            }
        }
    }
}
