import Basics
import Interactions
import Kernels
import Ranking
import Testing
import Training

@Suite struct RecommenderTests {
    /// Ids with colons; "solo" is an item that nobody has.
    private let log = namedLog(
        [
            ("ann", "a", 5), ("ann", "a:2", 4), ("bob", "a:2", 3), ("bob", "b:c", 1), ("cid", "x", 2),
            ("cid", "a:2", 2),
            ("cid", "b:c", 5), ("dora", "y", 1), ("dora", "x", 1), ("eve", "z", 3),
        ], items: ["a", "a:2", "b:c", "x", "y", "z", "solo"])
    private var model: FakeModel {
        FakeModel(items: wholeVectors(log.items.count, width: 3, seed: 5), history: log.userMatrix())
    }

    private func rows(_ ids: [String]) -> [UInt32] { ids.map { UInt32(log.items.row(of: $0)!.index) }.sorted() }

    @Test func historiesAreParsed() throws {
        let recommender = model.recommender(
            log, catalog: ItemCatalog(entries: ["z": .init(title: "Zardoz", genres: [])]))
        let parsed = try recommender.histories(parsing: ["x:4.5, b:c ,a", "b:c:2", "y", " zardoz:3"])
        #expect(parsed.offsets == [0, 3, 4, 5, 6] && parsed.columnCount == 7)
        let (a, bc, x) = (rows(["a"])[0], rows(["b:c"])[0], rows(["x"])[0])
        let first = Dictionary(uniqueKeysWithValues: zip(parsed[UserRow(0)], try #require(parsed.values(UserRow(0)))))
        #expect(first == [a: 1, bc: 1, x: 4.5])
        #expect(Array(parsed[UserRow(0)]) == [a, bc, x].sorted())
        #expect(Array(parsed[UserRow(1)]) == [bc] && parsed.values(UserRow(1)).map(Array.init) == [2])
        #expect(Array(parsed[UserRow(3)]) == rows(["z"]) && parsed.values(UserRow(3)).map(Array.init) == [3])
        // Both "a" with the value 2 and the item "a:2": the value wins; then the item by its own value.
        #expect(Array(try recommender.histories(parsing: ["a:2"])[UserRow(0)]) == [a])
        #expect(Array(try recommender.histories(parsing: ["a:2:1"])[UserRow(0)]) == rows(["a:2"]))
        #expect(try recommender.histories(parsing: ["a,x", "y"]).values == nil)
        #expect(recommender.describe(UserRow(1), of: parsed).map(\.score) == [2])
    }

    @Test func wrongHistoriesAreRefused() {
        let recommender = model.recommender(log)
        for (text, code, part) in [
            ("x,xx:3", StarlingError.Code.badData, "near ids: x"), ("x:1,x:2", .badData, "stands twice"),
            ("x:nan", .badData, "finite"), ("x:inf", .badData, "finite"), ("", .usage, "names no item"),
            (" , ", .usage, "names no item"), ("nothing", .badData, "no item “nothing”"),
        ] {
            let error = failure { _ = try recommender.histories(parsing: ["x", text]) }
            #expect(error?.code == code && error?.description.contains(part) == true, "\(text): \(error?.what ?? "")")
        }
    }

    @Test func historiesAreEncodedAndRanked() throws {
        let (model, recommender) = (model, model.recommender(log))
        let histories = try recommender.histories(parsing: ["x:4,a", "y:-1", "solo,a:2:7"])
        let trained = Set(log.itemRows)
        for includeSeen in [false, true] {
            let lists = try recommender.recommend(for: histories, count: 4, includeSeen: includeSeen)
            #expect(lists.count == 3)
            for person in 0..<3 {
                let own = Array(histories[UserRow(person)])
                let query = model.vector(own, histories.values(UserRow(person)).map(Array.init))
                let best = model.best(4, query, without: includeSeen ? [] : Set(own), among: trained)
                #expect(lists[person].map(\.item) == best.map { log.items[ItemRow(Int($0.0))] })
                #expect(lists[person].map(\.score) == best.map(\.1))
            }
        }
        // A user's own history gives what the user gets.
        let own = try recommender.histories(parsing: ["x:2,a:2:2,b:c:5"])
        #expect(try recommender.recommend(for: own, count: 9)[0] == recommender.recommend(for: "cid", count: 9))

        let error = failure { _ = try model.recommender(log, foldsIn: false).recommend(for: own) }
        #expect(error?.code == .usage)
    }

    @Test func popularItemsByCount() throws {
        // "dora" is held out whole.
        let train = log.selecting((0..<log.count).filter { log.users[UserRow(Int(log.userRows[$0]))] != "dora" })
        let model = FakeModel(items: model.items, history: train.userMatrix())
        let recommender = model.recommender(train)
        let popular = recommender.popular(count: 4)
        #expect(popular.map(\.item) == ["a:2", "b:c", "a", "x"] && popular.map(\.score) == [3, 2, 1, 1])
        #expect(recommender.popular(count: 100).map(\.item) == ["a:2", "b:c", "a", "x", "z"])
        #expect(recommender.coldReason("ann") == nil)
        #expect(recommender.coldReason("fay")?.contains("no user “fay”") == true)
        #expect(recommender.coldReason("dora")?.contains("no interactions in the training part") == true)
        for user in ["fay", "dora"] {
            let error = failure { _ = try recommender.recommend(for: user) }
            #expect(error?.code == .badData && error?.remedy?.contains("--cold-start popular") == true)
        }
    }
}
