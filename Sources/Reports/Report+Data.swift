import Basics
package import Interactions
import Kernels
import Training

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension Report {
    /// What the interactions of a run look like, its held-out parts included.
    package struct Data: Encodable, Sendable {
        package let statistics: LogStatistics
        /// Users and items by their numbers of interactions: 1, 2–3, 4–7, … without empty bins at either end.
        package let activityHistogram, popularityHistogram: [Bin]
        /// Points `[rank, interactions]` of items from the most popular on, ranks evenly spaced by their logarithm.
        package let popularityByRank: [[Int]]
        package let split: Split

        /// Counts within `from...to`.
        package struct Bin: Encodable, Sendable, Equatable {
            package let from, to, count: Int
        }

        /// Interactions in each part.
        package struct Split: Encodable, Sendable {
            package let rule: String
            package let train: Int
            package let validation, test: Int?
        }

        /// - Throws: `failed` where a part is damaged.
        /// - Complexity: O(interactions + users log users + items log items).
        init?(_ folder: ModelFolder, _ history: InteractionMatrix<UserRow, ItemRow>, _ workers: Workers) throws {
            let parts = try ModelFolder.HeldOut.allCases.map { try folder.heldOut($0) }
            let log = Self.joined(history, parts.compactMap(\.self), try folder.users, try folder.items)
            guard log.count > 0 else { return nil }
            statistics = LogStatistics(log, workers: workers)
            let popularity = Self.counts(log.itemRows, log.items.count)
            activityHistogram = Self.doubling(Self.counts(log.userRows, log.users.count))
            popularityHistogram = Self.doubling(popularity)
            popularityByRank = Self.byRank(popularity)
            split = Split(
                rule: folder.manifest.facts["split"]?.string ?? "none", train: history.entryCount,
                validation: parts[0]?.count, test: parts[1]?.count)
        }

        /// All parts as one log; with values if every part has them. Times of training are not kept in a run.
        private static func joined(
            _ history: InteractionMatrix<UserRow, ItemRow>, _ parts: [InteractionLog], _ users: Vocabulary<UserRow>,
            _ items: Vocabulary<ItemRow>
        ) -> InteractionLog {
            var userRows: [UInt32] = []
            userRows.reserveCapacity(history.entryCount + parts.reduce(0) { $0 + $1.count })
            for row in 0..<history.rowCount {
                userRows += repeatElement(UInt32(row), count: history[UserRow(row)].count)
            }
            var (itemRows, values) = (history.columns, history.values)
            for part in parts {
                userRows += part.userRows
                itemRows += part.itemRows
                values = part.values.flatMap { added in values.map { $0 + added } }
            }
            return InteractionLog(
                users: users, items: items, userRows: userRows, itemRows: itemRows, values: values, times: nil)
        }

        /// How often each row stands in the column; rows without any left out.
        private static func counts(_ rows: [UInt32], _ count: Int) -> [Int] {
            var counts = [Int](repeating: 0, count: count)
            for row in rows { counts[Int(row)] += 1 }
            return counts.filter { $0 > 0 }
        }

        /// Bins 1, 2–3, 4–7, … of counts of at least 1.
        package static func doubling(_ counts: [Int]) -> [Bin] {
            var bins: [Int: Int] = [:]
            for count in counts where count > 0 { bins[Int.bitWidth - count.leadingZeroBitCount - 1, default: 0] += 1 }
            guard let first = bins.keys.min(), let last = bins.keys.max() else { return [] }
            return (first...last).map { Bin(from: 1 << $0, to: 2 << $0 - 1, count: bins[$0] ?? 0) }
        }

        /// Of the most frequent first; at most `points`, each rank once.
        package static func byRank(_ counts: [Int], points: Int = 60) -> [[Int]] {
            let falling = counts.sorted(by: >)
            var ranked: [[Int]] = []
            for point in 0..<points {
                let rank = Int(pow(Double(falling.count), Double(point) / Double(points - 1)).rounded())
                if rank != ranked.last?[0] { ranked.append([rank, falling[rank - 1]]) }
            }
            return ranked
        }

        package func encode(to encoder: any Encoder) throws {
            try statistics.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(activityHistogram, forKey: .activityHistogram)
            try container.encode(popularityHistogram, forKey: .popularityHistogram)
            try container.encode(popularityByRank, forKey: .popularityByRank)
            try container.encode(split, forKey: .split)
        }

        private enum CodingKeys: String, CodingKey {
            case split
            case activityHistogram = "activity_histogram"
            case popularityHistogram = "popularity_histogram"
            case popularityByRank = "popularity_by_rank"
        }
    }
}
