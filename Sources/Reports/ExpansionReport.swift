import Basics

/// What the page shows of a fractal expansion: the source beside the result.
package struct ExpansionReport: Encodable, Sendable {
    /// Of the form of this JSON.
    package let format = 1
    /// ISO 8601, UTC.
    package let created = Host.timestamp()
    package let starling = Release.version
    package let expansion: Content

    package init(_ expansion: Content) { self.expansion = expansion }

    package struct Content: Encodable, Sendable {
        /// Where the result lies, and what makes it again.
        package let output, command: String
        package let source, result: Side
        package let factor: Factor
        package let spectra: [Spectrum]
        /// `blocks` or `sides`.
        package let shuffle: String
        package let shards, bytes: Int
        package let seconds: Double

        package init(
            output: String, command: String, source: Side, result: Side, factor: Factor, spectra: [Spectrum],
            shuffle: String, shards: Int, bytes: Int, seconds: Double
        ) {
            (self.output, self.command, self.source, self.result) = (output, command, source, result)
            (self.factor, self.spectra, self.shuffle) = (factor, spectra, shuffle)
            (self.shards, self.bytes, self.seconds) = (shards, bytes, seconds)
        }
    }

    /// How often users and items occur on one side.
    package struct Side: Encodable, Sendable {
        package let interactions: Int
        package let activity, popularity: Counts

        /// - Parameters:
        ///   - users: interactions of each user.
        ///   - items: interactions of each item.
        /// - Precondition: there are interactions.
        package init(users: [Int], items: [Int]) {
            interactions = users.reduce(0, +)
            (activity, popularity) = (Counts(users), Counts(items))
        }
    }

    /// How interactions are spread over users or over items.
    package struct Counts: Encodable, Sendable {
        /// Users or items with interactions.
        package let count: Int
        /// The part of all interactions that the most frequent hundredth and tenth of them (rounded up) have.
        package let topOnePercentShare, topTenPercentShare: Double
        /// Inequality: 0 where all have the same and near 1 where one has all.
        package let gini: Double
        /// Points `[rank, interactions]` from the most frequent on.
        package let byRank: [[Int]]

        init(_ counts: [Int]) {
            let falling = counts.filter { $0 > 0 }.sorted(by: >)
            let total = Double(falling.reduce(0, +))
            count = falling.count
            func share(_ fraction: Double) -> Double {
                Double(falling.prefix(Int((fraction * Double(falling.count)).rounded(.up))).reduce(0, +)) / total
            }
            (topOnePercentShare, topTenPercentShare) = (share(0.01), share(0.1))
            gini = Spread(places: falling, audiences: falling, users: 1)!.gini
            byRank = Report.Data.byRank(falling)
        }

        private enum CodingKeys: String, CodingKey {
            case count, gini
            case topOnePercentShare = "top_1_percent_share"
            case topTenPercentShare = "top_10_percent_share"
            case byRank = "by_rank"
        }
    }

    /// The small matrix: its size, and what blocks keep.
    package struct Factor: Encodable, Sendable {
        package let rows, columns: Int
        package let least, mean, most: Double

        package init(rows: Int, columns: Int, rates: [Double]) {
            (self.rows, self.columns) = (rows, columns)
            (least, most) = (rates.min()!, rates.max()!)
            mean = rates.reduce(0, +) / Double(rates.count)
        }
    }

    /// Leading singular values of something, falling.
    package struct Spectrum: Encodable, Sendable {
        package let name: String
        /// `measured` or `formula`.
        package let origin: String
        package let values: [Double]

        package init(name: String, origin: String, values: [Double]) {
            (self.name, self.origin, self.values) = (name, origin, values)
        }
    }
}

extension ReportPage {
    /// - Throws: the encoder's error, for NaN and infinities among others.
    package static func bytes(_ report: ExpansionReport) throws -> [UInt8] {
        try bytes(of: JSON.bytes(report), in: PackageResources.template_html)
    }
}
