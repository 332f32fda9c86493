import Starling

/// Statistics as people read them: aligned tables and small bars.
struct StatisticsTable {
    private let statistics: LogStatistics

    init(_ statistics: LogStatistics) { self.statistics = statistics }

    var text: String {
        [sizes, values, quantiles, shares, times].compactMap(\.self).joined(separator: "\n")
    }

    private var sizes: String {
        Table(rows: [
            ["users", Numerals.grouped(statistics.users)],
            ["items", Numerals.grouped(statistics.items)],
            ["interactions", Numerals.grouped(statistics.interactions)],
            ["density", percent(statistics.density, 3)],
        ]).render()
    }

    private var values: String? {
        guard let values = statistics.values else { return nil }
        let most = Double(values.histogram.map(\.count).max() ?? 1)
        let rows = values.histogram.map { bin in
            [
                bin.from == bin.to ? number(bin.from) : "\(number(bin.from)) – \(number(bin.to))",
                Numerals.grouped(bin.count), percent(Double(bin.count) / Double(statistics.interactions), 1),
                Self.bar(Double(bin.count) / most, width: 30),
            ]
        }
        let mean = Numerals.fixed(values.mean, 3)
        let deviation = Numerals.fixed(values.standardDeviation, 3)
        return Table(
            header: ["value", "interactions", "share", "mean \(mean), standard deviation \(deviation)"], rows: rows
        ).render()
    }

    private var quantiles: String {
        func row(_ name: String, _ q: LogStatistics.Quantiles) -> [String] {
            [name] + [q.minimum, q.p25, q.median, q.p75, q.p90, q.p99, q.maximum].map(Numerals.grouped)
                + [Numerals.fixed(q.mean, 1)]
        }
        return Table(
            header: ["interactions", "least", "25 %", "median", "75 %", "90 %", "99 %", "most", "mean"],
            rows: [row("of a user", statistics.userActivity), row("of an item", statistics.itemPopularity)]
        ).render()
    }

    private var shares: String {
        func row(_ name: String, _ share: Double) -> [String] { [name, percent(share, 1), Self.bar(share, width: 30)] }
        return Table(
            header: ["most popular items", "share", "of all interactions"],
            rows: [row("1 %", statistics.topOnePercentShare), row("10 %", statistics.topTenPercentShare)]
        ).render()
    }

    private var times: String? {
        guard let times = statistics.times else { return nil }
        return Table(rows: [
            ["first interaction", times.firstDate ?? "\(times.first)"],
            ["last interaction", times.lastDate ?? "\(times.last)"],
        ]).render()
    }

    private func percent(_ share: Double, _ decimals: Int) -> String { Numerals.fixed(100 * share, decimals) + "%" }

    /// Short, and whole numbers without a point.
    private func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(Float(value))"
    }

    /// A bar of eighths of a character, `width` characters at 1. What is not nothing shows.
    static func bar(_ fraction: Double, width: Int) -> String {
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        var eighths = Int((fraction * Double(width * 8)).rounded())
        if eighths == 0 && fraction > 0 { eighths = 1 }
        return String(repeating: "█", count: eighths / 8) + partial[eighths % 8]
    }
}
