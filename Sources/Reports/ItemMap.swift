import Interactions
import Ranking
import Training

extension Report.Map {
    /// The most popular recommendable items, at most `most` of them, by principal component analysis of the vectors by which
    /// `starling similar` compares items, all of length 1.
    ///
    /// - Returns: nil if they cannot be told apart.
    /// - Complexity: O(items · dimensions² + dimensions³).
    init?(of recommender: Recommender, _ counts: RunCounts, most: Int = 4000) {
        let rows = counts.ranked.prefix(most)
        guard let axes = PrincipalAxes(of: rows.map(recommender.similarity.index.vector)) else { return nil }
        // Four decimals are more than a screen has points.
        (x, y) = (axes.x.map(Self.rounded), axes.y.map(Self.rounded))
        let entries = rows.map { recommender.catalog?[recommender.items[$0]] }
        title = zip(rows, entries).map { row, entry in entry?.title ?? recommender.items[row] }
        let first = entries.map { $0?.genres.first }
        var frequency: [String: Int] = [:]
        for case let genre? in first { frequency[genre, default: 0] += 1 }
        groups = frequency.keys.sorted { (frequency[$1]!, $0) < (frequency[$0]!, $1) }
        let places = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1, $0) })
        group = first.map { $0.flatMap { places[$0] } }
        count = rows.map { counts.popularity[$0.index] }
        method = "PCA"
        let share = Int((100 * axes.shares.reduce(0, +)).rounded())
        note =
            "Vectors are taken at length 1, so that near means alike; the two axes keep \(share) % of their variance."
            + (rows.count < counts.ranked.count ? " Shown are the most popular of \(counts.ranked.count) items." : "")
    }

    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
