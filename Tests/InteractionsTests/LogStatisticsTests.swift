import Basics
import Interactions
import Testing

@Suite struct LogStatisticsTests {
    private struct Expected: Decodable {
        let users, items: Int
        let activity, popularity, distinct_counts, bins: [Int]
        let activity_mean, popularity_mean, top_1, top_10, mean, deviation: Double
        let distinct, edges: [Double]
    }

    /// The interactions of `golden/statistics.py`; the vocabularies name rows that have none.
    private func log(values: [Float]?, times: [Int64]? = nil) -> InteractionLog {
        let range: Range<Int> = 0..<5000
        return InteractionLog(
            users: Vocabulary(.integers(Array(0..<300))), items: Vocabulary(.integers(Array(0..<300))),
            userRows: range.map { UInt32($0 * $0 % 97) }, itemRows: range.map { UInt32(($0 * $0 * $0 + 7 * $0) % 211) },
            values: values, times: times)
    }

    @Test func agreesWithNumPy() throws {
        let expected = try golden("statistics.json", as: Expected.self)
        let statistics = LogStatistics(log(values: (0..<5000).map { 0.5 + 0.5 * Float($0 * 7 % 9) }))
        #expect(statistics.users == expected.users)
        #expect(statistics.items == expected.items)
        #expect(statistics.interactions == 5000)
        let pairs = Set((0..<5000).map { [$0 * $0 % 97, ($0 * $0 * $0 + 7 * $0) % 211] }).count
        #expect(statistics.repeatedPairs == 5000 - pairs)
        #expect(abs(statistics.density - Double(pairs) / Double(expected.users * expected.items)) < 1e-12)
        func list(_ q: LogStatistics.Quantiles) -> [Int] {
            [q.minimum, q.p25, q.median, q.p75, q.p90, q.p99, q.maximum]
        }
        #expect(list(statistics.userActivity) == expected.activity)
        #expect(list(statistics.itemPopularity) == expected.popularity)
        #expect(abs(statistics.userActivity.mean - expected.activity_mean) < 1e-9)
        #expect(abs(statistics.itemPopularity.mean - expected.popularity_mean) < 1e-9)
        #expect(abs(statistics.topOnePercentShare - expected.top_1) < 1e-12)
        #expect(abs(statistics.topTenPercentShare - expected.top_10) < 1e-12)
        let values = try #require(statistics.values)
        #expect(abs(values.mean - expected.mean) < 1e-9)
        #expect(abs(values.standardDeviation - expected.deviation) < 1e-9)
        #expect(values.histogram.map(\.from) == expected.distinct)
        #expect(values.histogram.map(\.to) == expected.distinct)
        #expect(values.histogram.map(\.count) == expected.distinct_counts)
    }

    @Test func manyValuesFallIntoTenBins() throws {
        let expected = try golden("statistics.json", as: Expected.self)
        let values = try #require(LogStatistics(log(values: (0..<5000).map { Float($0 * 37 % 1009) / 16 })).values)
        #expect(values.histogram.map(\.count) == expected.bins)
        for (bin, edge) in zip(values.histogram, expected.edges) { #expect(abs(bin.from - edge) < 1e-9) }
        #expect(abs(values.histogram[9].to - expected.edges[10]) < 1e-9)
    }

    @Test(
        arguments: [
            ([874_724_710, 893_286_638], "seconds", "1997-09-20T03:05:10Z", "1998-04-22T23:10:38Z"),
            ([893_286_638_000, 874_724_710_999], "milliseconds", "1997-09-20T03:05:10Z", "1998-04-22T23:10:38Z"),
            ([0, 99], "unknown", nil, nil), ([1997, 2004], "unknown", nil, nil),
        ] as [([Int64], String, String?, String?)])
    func timesAreDatesIfTheyLookLikeIt(ends: [Int64], unit: String, first: String?, last: String?) throws {
        let column = (0..<5000).map { $0 == 17 ? ends[0] : ends[1] }
        let times = try #require(LogStatistics(log(values: nil, times: column)).times)
        #expect(times.first == ends.min() && times.last == ends.max())
        #expect(times.unit.rawValue == unit)
        #expect(times.firstDate == first && times.lastDate == last)
    }

    @Test func keysAreStable() throws {
        let one = InteractionLog(
            users: Vocabulary(["u"]), items: Vocabulary(["i"]), userRows: [0], itemRows: [0], values: [2], times: [5])
        #expect(
            try JSON.text(LogStatistics(one)) == """
                {"density":1,"interactions":1,\
                "item_popularity":{"maximum":1,"mean":1,"median":1,"minimum":1,"p25":1,"p75":1,"p90":1,"p99":1},\
                "items":1,"repeated_pairs":0,"times":{"first":5,"last":5,"unit":"unknown"},\
                "top_10_percent_items_share":1,"top_1_percent_items_share":1,\
                "user_activity":{"maximum":1,"mean":1,"median":1,"minimum":1,"p25":1,"p75":1,"p90":1,"p99":1},\
                "users":1,"values":{"histogram":[{"count":1,"from":2,"to":2}],"maximum":2,"mean":2,"minimum":2,\
                "standard_deviation":0}}
                """)
    }
}
