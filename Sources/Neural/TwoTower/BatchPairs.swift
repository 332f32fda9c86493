#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The interactions of a batch, or of some of its users, by users and items, each once.
package struct BatchPairs: Sendable {
    /// Rows, rising.
    package let users, items: [UInt32]
    /// User u's interactions are `own[starts[u]..<starts[u + 1]]`, columns of items.
    package let starts, own: [UInt32]
    /// Of each item: the logarithm of how likely it is in a batch, less that of how often it stands here.
    let corrections: [Float]
    /// 1 over how often it stands here.
    let shares: [Float]
    /// Interactions of the whole batch.
    let count: Int
    var logShares: [Float] { shares.map { log($0) } }

    /// - Parameters:
    ///   - users: of each interaction.
    ///   - all: its item, in the same order; then others.
    package init(
        users: [UInt32], items all: [UInt32], userCount: Int, itemCount: Int, logProbability: (UInt32) -> Float
    ) {
        func grouped(_ rows: [UInt32], of count: Int) -> TouchedRows {
            TouchedRows(FeatureBags("", tableRows: count, rows: rows), rows.indices.map { UInt32($0) })
        }
        let (byUser, byItem) = (grouped(users, of: userCount), grouped(all, of: itemCount))
        var column = [UInt32](repeating: 0, count: all.count)
        var (corrections, shares): ([Float], [Float]) = ([], [])
        for (index, item) in byItem.rows.enumerated() {
            let places = Int(byItem.starts[index])..<Int(byItem.starts[index + 1])
            for place in places { column[Int(byItem.samples[place])] = UInt32(index) }
            corrections.append(logProbability(item) - log(Float(places.count)))
            shares.append(1 / Float(places.count))
        }
        (self.users, items, starts) = (byUser.rows, byItem.rows, byUser.starts)
        (self.corrections, self.shares) = (corrections, shares)
        own = byUser.samples.map { column[Int($0)] }
        count = own.count
    }

    /// Those of some users, among all items.
    func of(users part: Range<Int>) -> BatchPairs { BatchPairs(self, part) }

    private init(_ whole: BatchPairs, _ part: Range<Int>) {
        let first = whole.starts[part.lowerBound]
        users = Array(whole.users[part])
        starts = whole.starts[part.lowerBound...part.upperBound].map { $0 - first }
        own = Array(whole.own[Int(first)..<Int(whole.starts[part.upperBound])])
        (items, corrections, shares, count) = (whole.items, whole.corrections, whole.shares, whole.count)
    }

    /// The most interactions of a user.
    var longest: Int { users.indices.map { Int(starts[$0 + 1] - starts[$0]) }.max() ?? 0 }
}
