import Basics
import Interactions
import Kernels
import Ranking
import Reports
import Testing
import Training

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A report's figures against `evaluate`'s, and against sums over users' lists made the plain way.
@Suite struct ReportBuilderTests {
    private let toy: ToyRun

    init() throws { toy = try ToyRun() }

    private func report(ratings: Bool, k: Int = 5, threads: Int = 2, runs: Int = 1) throws -> ReportBuilder {
        let builder = ReportBuilder(runs: runs, k: k)
        for number in 0..<runs {
            try builder.add(
                Report.Run(toy.directory, name: "run-\(number)"), toy.model,
                toy.recommender(predictsRatings: ratings, threads: threads))
        }
        return builder
    }

    /// Users with held-out items, what they had, what they should get, and their best items by sorting all.
    private struct Plain {
        var users: [(had: Set<Int>, wanted: Set<Int>, best: [Int], activity: Int)] = []
        var popularity: [Int]

        init(_ toy: ToyRun, k: Int, score: (_ user: Int, _ item: Int, _ popularity: [Int]) -> Double) {
            popularity = [Int](repeating: 0, count: toy.items.count)
            for item in toy.parts.train.itemRows { popularity[Int(item)] += 1 }
            for user in toy.users.indices {
                func items(_ log: InteractionLog?) -> [Int] {
                    guard let log else { return [] }
                    return log.userRows.indices.filter { log.userRows[$0] == user }.map { Int(log.itemRows[$0]) }
                }
                let trained = items(toy.parts.train)
                let had = Set(trained + items(toy.parts.validation))
                let wanted = Set(items(toy.parts.test)).subtracting(had)
                guard !wanted.isEmpty else { continue }
                let scores = toy.items.indices.map { score(user, $0, popularity) }
                let left = toy.items.indices.filter { popularity[$0] > 0 && !had.contains($0) }
                let best = left.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(k)
                users.append((had, wanted, Array(best), trained.count))
            }
        }
    }

    private func plain(k: Int = 5) -> Plain {
        Plain(toy, k: k) { user, item, _ in
            zip(toy.users[user], toy.items[item]).reduce(0) { $0 + Double($1.0 * $1.1) }
        }
    }

    @Test(arguments: [false, true]) func figuresAreThoseOfEvaluate(ratings: Bool) throws {
        let run = try #require(try report(ratings: ratings).report.runs.first)
        let recommender = toy.recommender(predictsRatings: ratings)
        let part = try EvaluationPart(heldOutOf: toy.model, recommender)
        let ranking = try RankingEvaluation.evaluate(
            ranker: recommender.ranker, encoder: part.encoder, train: part.seen, heldOut: part.log, cutoffs: [5])
        var expected = ranking.metrics
        if ratings {
            let error = try PredictionError.measure(part.log, ranker: recommender.ranker, encoder: part.encoder)
            (expected["rmse"], expected["mae"]) = (error.rmse, error.mae)
        }
        #expect(run.metrics == expected && run.usersEvaluated == ranking.usersEvaluated)
        #expect(run.coverage?.spread.coverage == expected["coverage@5"])
        #expect(run.protocol == EvaluationProtocol(split: "random:0.2,0.1 (test part)"))
        #expect(run.primary == (ratings ? "rmse" : "ndcg@5"))
        #expect(run.baseline?.name == (ratings ? "mean" : "popularity"))
        #expect(run.listsBaseline?.name == (ratings ? "popularity" : nil))
    }

    @Test func groupsAddUp() throws {
        let (run, plain) = (try report(ratings: false).report.runs[0], plain())
        let quality = try #require(run.qualityByActivity)
        #expect(quality.metric == "ndcg@5" && quality.bins.count > 3)
        for bin in quality.bins {
            let users = plain.users.filter { bin.from <= $0.activity && $0.activity <= bin.to! }
            #expect(bin.users == users.count)
            let gains = users.map { user -> Double in
                func gain(_ hits: [Bool]) -> Double {
                    zip(hits, [1, 0.6309297535714575, 0.5, 0.43067655807339306, 0.38685280723454163]).reduce(0) {
                        $0 + ($1.0 ? $1.1 : 0)
                    }
                }
                return gain(user.best.map(user.wanted.contains))
                    / gain([Bool](repeating: true, count: min(5, user.wanted.count)))
            }
            #expect(abs(bin.value! - gains.reduce(0, +) / Double(users.count)) < 1e-12)
        }
        let popular = try #require(run.qualityByPopularity)
        #expect(popular.metric == "recall@5")
        #expect(popular.bins.reduce(0) { $0 + $1.items } == toy.items.count)
        #expect(abs(popular.bins.reduce(0) { $0 + $1.recommended! } - 1) < 1e-12)
        #expect(abs(popular.bins.reduce(0) { $0 + $1.chosen! } - 1) < 1e-12)
        let places = plain.users.reduce(0) { $0 + $1.best.count }
        for bin in popular.bins {
            func isIn(_ item: Int) -> Bool { bin.from <= plain.popularity[item] && plain.popularity[item] <= bin.to! }
            let wanted = plain.users.reduce(0) { $0 + $1.wanted.count(where: isIn) }
            let found = plain.users.reduce(0) { sum, user in
                sum + user.wanted.count { isIn($0) && user.best.contains($0) }
            }
            #expect(bin.items == toy.items.indices.count(where: isIn) && bin.heldOut == wanted)
            #expect(bin.value == (wanted == 0 ? nil : Double(found) / Double(wanted)))
            #expect(
                bin.recommended == Double(plain.users.reduce(0) { $0 + $1.best.count(where: isIn) }) / Double(places))
        }
    }

    @Test func errorsInGroups() throws {
        let run = try report(ratings: true).report.runs[0]
        let quality = try #require(run.qualityByPopularity)
        #expect(quality.metric == "rmse" && run.qualityByActivity?.metric == "rmse")
        let rmse = try #require(run.metrics?["rmse"])
        let squares = quality.bins.reduce(0) { $0 + Double($1.heldOut) * ($1.value ?? 0) * ($1.value ?? 0) }
        let count = quality.bins.reduce(0) { $0 + $1.heldOut }
        #expect(count == toy.parts.test!.count && abs((squares / Double(count)).squareRoot() - rmse) < 1e-9)
        // Of users in groups, all predictions by hand.
        let activity = toy.users.indices.map { user in toy.parts.train.userRows.count { $0 == user } }
        for bin in try #require(run.qualityByActivity).bins {
            let test = toy.parts.test!
            let errors = test.userRows.indices.compactMap { index -> Double? in
                let (user, item) = (Int(test.userRows[index]), Int(test.itemRows[index]))
                guard bin.from <= activity[user], activity[user] <= bin.to! else { return nil }
                return zip(toy.users[user], toy.items[item]).reduce(-Double(test.value(index))) {
                    $0 + Double($1.0 * $1.1)
                }
            }
            let mean = errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)
            #expect(abs(bin.value! - mean.squareRoot()) < 1e-9)
        }
        // The mean of training values, by itself.
        let (train, test) = (toy.parts.train.values!, toy.parts.test!.values!)
        let mean = train.reduce(0) { $0 + Double($1) } / Double(train.count)
        let error = test.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(test.count)
        #expect(abs(run.baseline!.metrics["rmse"]! - error.squareRoot()) < 1e-6)
    }

    @Test func popularityIsTheBaseline() throws {
        let run = try report(ratings: false).report.runs[0]
        let plain = Plain(toy, k: 5) { _, item, popularity in Double(popularity[item]) }
        let recalls = plain.users.map { user in
            Double(user.best.count(where: user.wanted.contains)) / Double(user.wanted.count)
        }
        #expect(abs(run.baseline!.metrics["recall@5"]! - recalls.reduce(0, +) / Double(recalls.count)) < 1e-12)
        #expect(run.coverage?.baseline?.name == "popularity")
        #expect(run.coverage?.baseline?.spread.coverage == run.baseline!.metrics["coverage@5"])
    }

    @Test func hitsAndNovelty() throws {
        let (coverage, plain) = (try #require(try report(ratings: false).report.runs[0].coverage), plain())
        let trained = toy.items.indices.filter { plain.popularity[$0] > 0 }
        #expect(coverage.items == trained.count)
        let top = Set(
            trained.sorted { (plain.popularity[$1], $0) < (plain.popularity[$0], $1) }.prefix((trained.count + 9) / 10))
        let places = plain.users.flatMap(\.best)
        // Of users who have an item, however often.
        let pairs = Set(zip(toy.parts.train.userRows, toy.parts.train.itemRows).map { [$0, $1] })
        let share = places.map { place in
            Double(pairs.count { $0[1] == place }) / Double(Set(toy.parts.train.userRows).count)
        }
        #expect(abs(coverage.spread.novelty + share.reduce(0) { $0 + log2($1) } / Double(places.count)) < 1e-12)
        let wanted = plain.users.flatMap { Array($0.wanted) }
        #expect(coverage.itemsRecommended == Set(places).count && coverage.hits.top == 0.1)
        #expect(coverage.hits.recommended == Double(places.count(where: top.contains)) / Double(places.count))
        #expect(coverage.hits.chosen == Double(wanted.count(where: top.contains)) / Double(wanted.count))
    }

    @Test func samplesAreThoseOfRecommend() throws {
        let report = try report(ratings: false, k: 5, runs: 2).report
        #expect(report.samples.map(\.group) == ["light", "light", "typical", "typical", "heavy", "heavy"])
        #expect(zip(report.samples, report.samples.dropFirst()).allSatisfy { $0.interactions <= $1.interactions })
        let plain = plain()
        let activities = plain.users.map(\.activity).filter { $0 > 0 }.sorted()
        #expect(report.samples.map(\.interactions) == (0..<6).map { activities[(2 * $0 + 1) * activities.count / 12] })
        for sample in report.samples {
            #expect(sample.lists.map(\.run) == [0, 1] && Set(sample.history.map(\.item)).count == sample.history.count)
            #expect(sample.history.count <= min(10, sample.interactions))
            let user = try #require(
                plain.users.first { user in
                    sample.history.allSatisfy { user.had.contains(Int($0.item)! - 100) }
                        && sample.lists[0].items.map { Int($0.item)! - 100 } == user.best
                })
            #expect(sample.lists[0].items.map(\.hit) == user.best.map(user.wanted.contains))
            #expect(sample.history.map { $0.value! } == sample.history.map { $0.value! }.sorted(by: >))
            for entry in sample.lists[0].items {
                let count = plain.popularity[Int(entry.item)! - 100]
                let trained = plain.popularity.filter { $0 > 0 }
                #expect(entry.popularity == Double(trained.count { $0 < count }) / Double(trained.count))
                #expect(entry.title == "Item <\(Int(entry.item)! - 100)>")
            }
        }
    }

    @Test func severalRunsShareGroups() throws {
        let runs = try report(ratings: false, runs: 2).report.runs
        let bins = try runs.map { try #require($0.qualityByActivity).bins }
        #expect(bins[0].map(\.from) == bins[1].map(\.from) && bins[0].first?.from == 0 && bins[0].last?.to == nil)
        #expect(bins[0].map(\.value) == bins[1].map(\.value) && bins[1].allSatisfy { $0.baseline == nil })
        #expect(runs[1].baseline == nil && runs[0].metrics == runs[1].metrics)
    }

    @Test func mapAndData() throws {
        let report = try report(ratings: false).report
        let map = try #require(report.runs[0].map)
        let trained = plain().popularity.filter { $0 > 0 }
        #expect(map.count == trained.sorted(by: >) && map.x.count == map.count.count && map.title.count == map.x.count)
        #expect(map.groups.sorted() == ["g0", "g1", "g2"])
        let frequency = map.groups.indices.map { group in map.group.count { $0 == group } }
        #expect(frequency == frequency.sorted(by: >) && map.group.contains(nil))
        let data = try #require(report.data)
        let all = [toy.parts.train, toy.parts.validation!, toy.parts.test!].map(\.count)
        #expect(data.statistics.interactions == all.reduce(0, +) && data.statistics.repeatedPairs > 0)
        #expect(data.split.train == all[0] && data.split.validation == all[1] && data.split.test == all[2])
        #expect(data.activityHistogram.reduce(0) { $0 + $1.count } == data.statistics.users)
    }

    @Test func sameBytesAtAnyThreadCount() throws {
        let texts = try [1, 2, 5].map { try JSON.text(report(ratings: true, threads: $0).report.runs) }
        #expect(texts.allSatisfy { $0 == texts[0] })
    }

    @Test func partsThatAreAbsent() throws {
        let builder = ReportBuilder(runs: 2, k: 5)
        builder.add(try Report.Run(toy.directory, name: "early"), without: "it has no model yet")
        let whole = try ToyRun(rule: "random:0.0,0.1")
        try Files.remove(whole.path + "/model/test.safetensors")
        try builder.add(
            Report.Run(whole.directory, name: "whole"), whole.model, whole.recommender(predictsRatings: true))
        let runs = builder.report.runs
        #expect(runs[0].metrics == nil && runs[0].map == nil && runs[1].metrics == nil && runs[1].coverage == nil)
        #expect(runs[1].map != nil && builder.report.data != nil)
        #expect(
            builder.report.samples.count == 6 && builder.report.samples[0].lists.allSatisfy { $0.items[0].hit == nil })
        #expect(builder.notices.count == 2 && builder.notices[1].contains("no held-out part"))
        #expect(try !ReportPage.bytes(builder.report).isEmpty)
    }
}
