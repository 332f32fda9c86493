import Basics
import Interactions
import Ranking
import Training

/// Measures a run on its held-out part, and the simplest rivals beside it.
struct RunMeasuring {
    let k: Int
    let part: EvaluationPart
    let relevant: RelevantItems
    let recommender: Recommender
    let counts: RunCounts
    let bins: RunBins
    /// Whether groups are shown by their errors; otherwise by what is found in lists.
    let showsErrors: Bool
    let cancellation: Cancellation?

    /// Lists and errors of a model, by one protocol.
    private struct Figures {
        let lists: ListFigures
        /// Of models whose scores are ratings, where there are ratings.
        let ratings: RatingFigures?
    }

    /// - Parameter withBaseline: whether rivals are measured too.
    func measure(_ run: inout Report.Run, withBaseline: Bool, progress: (Int, Int) -> Void) throws {
        let users = relevant.users.count
        var done = 0
        func lists(_ ranker: Ranker, _ encoder: any QueryEncoder) throws -> ListFigures {
            try ListFigures(
                k, ranker: ranker, encoder: encoder, relevant: relevant, seen: part.seen, activity: counts.activity,
                bins: bins.users, cancellation: cancellation
            ) {
                done += 1
                if done % 256 == 0 { progress(done, withBaseline ? 2 * users : users) }
            }
        }
        func ratings(_ ranker: Ranker, _ encoder: any QueryEncoder) throws -> RatingFigures? {
            try part.hasRatings(for: recommender)
                ? RatingFigures(part, ranker: ranker, encoder: encoder, bins, counts, cancellation) : nil
        }
        let ranker = recommender.ranker
        let own = Figures(
            lists: try lists(ranker, part.encoder), ratings: try ratings(ranker, part.encoder))
        var rival: Figures?
        if withBaseline {
            rival = Figures(
                lists: try lists(Constant.popularity(counts, like: ranker), Constant()),
                ratings: try ratings(Constant.mean(of: try recommender.history, like: ranker), Constant()))
        }
        describe(own, rival, &run)
    }

    private func describe(_ own: Figures, _ rival: Figures?, _ run: inout Report.Run) {
        func finite(_ metrics: [String: Double]) -> [String: Double] { metrics.filter { $0.value.isFinite } }
        run.usersEvaluated = own.lists.metrics.users
        run.metrics = finite(own.lists.metrics.values.merging(own.ratings?.metrics ?? [:]) { $1 })
        run.primary = own.ratings == nil ? "ndcg@\(k)" : "rmse"
        run.protocol = EvaluationProtocol(split: part.name)
        if let rival {
            let popular = Report.Baseline(name: "popularity", metrics: rival.lists.metrics.values)
            run.baseline = rival.ratings.map { Report.Baseline(name: "mean", metrics: finite($0.metrics)) } ?? popular
            run.listsBaseline = rival.ratings == nil ? nil : popular
        }
        run.qualityByActivity = byActivity(own, rival)
        run.qualityByPopularity = byPopularity(own, rival)
        if let spread = own.lists.spread(counts) {
            run.coverage = Report.Coverage(
                k: k, itemsRecommended: own.lists.places.count { $0 > 0 }, items: counts.ranked.count, spread: spread,
                hits: own.lists.hits(counts))
            run.coverage?.baseline = rival?.lists.spread(counts).map { .init(name: "popularity", spread: $0) }
        }
    }

    private func byActivity(_ own: Figures, _ rival: Figures?) -> Report.Quality<Report.ActivityBin> {
        let metric = showsErrors ? "rmse" : "ndcg@\(k)"
        func value(_ figures: Figures?, _ bin: Int) -> Double? {
            showsErrors ? figures?.ratings?.byActivity[bin].shown : figures?.lists.byActivity[bin].values[metric]
        }
        let all = (0..<bins.users.count).map { bin in
            let (from, to) = bins.users.range(bin)
            return Report.ActivityBin(
                from: from, to: to, users: own.lists.byActivity[bin].users, value: value(own, bin),
                baseline: value(rival, bin))
        }
        return Report.Quality(metric: metric, bins: all)
    }

    private func byPopularity(_ own: Figures, _ rival: Figures?) -> Report.Quality<Report.PopularityBin> {
        func sums(_ numbers: [Int]?) -> [Int] {
            var sums = [Int](repeating: 0, count: bins.items.count)
            for (item, number) in (numbers ?? []).enumerated() {
                sums[bins.items.bin(of: counts.popularity[item])] += number
            }
            return sums
        }
        func share(_ part: Int, of all: Int) -> Double? { all == 0 ? nil : Double(part) / Double(all) }
        let (items, places) = (sums(counts.popularity.map { _ in 1 }), sums(own.lists.places))
        let (chosen, found, rivals) = (sums(own.lists.chosen), sums(own.lists.found), sums(rival?.lists.found))
        let (allPlaces, allChosen) = (places.reduce(0, +), chosen.reduce(0, +))
        let all = items.indices.map { bin in
            let (from, to) = bins.items.range(bin)
            let error = own.ratings?.byPopularity[bin]
            return Report.PopularityBin(
                from: from, to: to, items: items[bin], heldOut: showsErrors ? error?.count ?? 0 : chosen[bin],
                value: showsErrors ? error?.shown : share(found[bin], of: chosen[bin]),
                baseline: showsErrors
                    ? rival?.ratings?.byPopularity[bin].shown
                    : rival.flatMap { _ in share(rivals[bin], of: chosen[bin]) },
                recommended: share(places[bin], of: allPlaces), chosen: share(chosen[bin], of: allChosen))
        }
        return Report.Quality(metric: showsErrors ? "rmse" : "recall@\(k)", bins: all)
    }
}

extension EvaluationPart {
    /// Whether its values are what the model's scores predict.
    func hasRatings(for recommender: Recommender) -> Bool { recommender.predictsRatings && log.values != nil }
}
