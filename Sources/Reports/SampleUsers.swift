import Basics
import Interactions
import Ranking
import Training

/// Users whose histories and recommendations are shown, chosen by activity alone.
struct SampleUsers {
    private let recommender: Recommender
    private let counts: RunCounts
    private let catalog: ItemCatalog?
    private let relevant: RelevantItems?
    private let encoder: any QueryEncoder
    private let had, seen: InteractionMatrix<UserRow, ItemRow>

    /// - Parameters:
    ///   - catalog: titles and genres; those of another run where this one has none.
    ///   - part: what was held out, whose protocol the lists follow; nil for none.
    ///   - relevant: the items of that part.
    init(
        _ recommender: Recommender, _ counts: RunCounts, catalog: ItemCatalog?, part: EvaluationPart?,
        relevant: RelevantItems?
    ) throws {
        (self.recommender, self.counts, self.catalog) = (recommender, counts, catalog)
        self.relevant = relevant
        encoder = part?.encoder ?? recommender.encoder
        had = try recommender.history
        seen = part?.seen ?? had
    }

    /// Six users with held-out items (of all users where nothing was held out): ordered by activity and by row, those at
    /// 1/12, 3/12, … 11/12 of the way; the first two are light, the last two heavy. Fewer where there are fewer.
    func choose() -> [Report.Sample] {
        let everybody = relevant?.users ?? []
        let users = everybody.isEmpty ? (0..<recommender.users.count).map { UserRow($0) } : everybody
        let known = users.filter { counts.activity[$0.index] > 0 }
        let ordered = known.sorted { (counts.activity[$0.index], $0) < (counts.activity[$1.index], $1) }
        var samples: [Report.Sample] = []
        var last: Int?
        for step in 0..<6 where !ordered.isEmpty {
            let place = (2 * step + 1) * ordered.count / 12
            if place == last { continue }
            last = place
            let user = ordered[place]
            samples.append(
                Report.Sample(
                    user: recommender.users[user], group: ["light", "typical", "heavy"][step / 2],
                    interactions: counts.activity[user.index], history: history(of: user)))
        }
        return samples
    }

    /// Adds this run's lists for those of the samples that it knows, less what they have had.
    ///
    /// - Parameter run: the place of this run among those of the report.
    func addLists(of run: Int, to samples: inout [Report.Sample], length: Int, _ cancellation: Cancellation?) throws {
        let known = samples.indices.compactMap { index -> (sample: Int, user: UserRow)? in
            guard let user = recommender.users.row(of: samples[index].user), counts.activity[user.index] > 0 else {
                return nil
            }
            return (index, user)
        }
        try recommender.ranker.top(
            length, for: known.map(\.user), encoder: encoder, excluding: seen, cancellation: cancellation
        ) { position, list in
            let wanted = relevant?[known[position].user]
            let items = list.items.map { item in
                var entry = entry(item)
                entry.hit = wanted?.contains(item)
                return entry
            }
            samples[known[position].sample].lists.append(Report.Sample.List(run: run, items: items))
        }
    }

    /// The ten latest items, the latest first, of a model that goes by the order of time; otherwise those of the highest values,
    /// equal ones by row. Each item once, with the highest of its values.
    private func history(of user: UserRow) -> [Report.Entry] {
        let own = had[user].isEmpty ? seen : had
        let values = own.values(user)
        let had = own[user].indices.map { (item: own.columns[$0], value: values?[$0]) }
        let ordered: [UInt32]
        if let sequential = recommender.encoder as? any SequenceEncoder {
            ordered = sequential.sequences[user].reversed()
        } else {
            ordered = had.sorted { ($1.value ?? 1, $0.item) < ($0.value ?? 1, $1.item) }.map(\.item)
        }
        var shown: [UInt32] = []
        for item in ordered where shown.count < 10 && !shown.contains(item) { shown.append(item) }
        return shown.map { item in
            var entry = entry(ItemRow(Int(item)))
            entry.value = had.filter { $0.item == item }.compactMap(\.value).max()
            return entry
        }
    }

    private func entry(_ item: ItemRow) -> Report.Entry {
        let id = recommender.items[item]
        let known = catalog?[id]
        return Report.Entry(
            item: id, title: known?.title, genres: known.flatMap { $0.genres.isEmpty ? nil : $0.genres },
            popularity: counts.share(below: item))
    }
}
