import Basics
import Interactions
import Kernels
import Ranking

/// What is measured after an epoch on interactions that training did not see.
struct TwoTowerValidation {
    private let heldOut: InteractionLog
    private let ranking: SharedRanking
    private let options: TwoTowerOptions
    private let counts: (users: Int, items: Int)
    private let ranks: any Communicator

    init(
        _ heldOut: InteractionLog, _ history: InteractionMatrix<UserRow, ItemRow>, _ options: TwoTowerOptions,
        ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) {
        (self.heldOut, self.options, self.ranks) = (heldOut, options, ranks)
        counts = (history.rowCount, history.columnCount)
        ranking = SharedRanking(heldOut, history, ranks: ranks, workers: workers, isa: isa)
    }

    /// Calls `body` with vectors behind one another, those of some rows at a time, in their order.
    typealias Vectors = (_ body: ([Float]) throws -> Void) throws -> Void

    /// `val_recall@20` and `val_ndcg@20` by full ranking of items that were trained, without those the user has had; and
    /// `val_auc`: how often a held-out interaction scores above another, of those below the label threshold or of as many
    /// drawn pairs. All ranks return the same. A rank keeps the vectors of the users that it evaluates and, of several, of a part
    /// of the items at a time.
    func metrics(
        users: @escaping Vectors, items: @escaping Vectors, _ cancellation: Cancellation
    ) throws -> [String: Double] {
        let encoder = try EncodedUsers(ranking.users, dimensions: options.width) { table in
            var next = 0
            try forEachPart(users, of: 4096, count: counts.users) { first, part in
                while next < ranking.users.count, ranking.users[next].index < first + part.rows {
                    _ = table.row(next).update(from: part.row(ranking.users[next].index - first))
                    next += 1
                }
            }
        }
        let pairs = pairs
        var (scores, next) = ([Scored](), 0)
        var metrics = try ranking.metrics(
            { body in
                try forEachPart(items, of: ranking.partRows, count: counts.items) { first, part in
                    while next < pairs.count, pairs[next].item < first + part.rows {
                        let (user, item) = (encoder.vector(of: pairs[next].user)!, part.row(pairs[next].item - first))
                        scores.append(
                            Scored(
                                score: zip(user, item).reduce(Float(0)) { $0 + $1.0 * $1.1 },
                                isPositive: pairs[next].isPositive))
                        next += 1
                    }
                    try body(first, part)
                }
            }, encoder, cutoff: 20, cancellation)
        let all = try scores.withUnsafeBufferPointer { try ranks.gathered($0) }.joined()
        metrics["val_auc"] = AreaUnderCurve.value(all.map { ($0.score, $0.isPositive) })
        return metrics
    }

    private struct Scored: BitwiseCopyable {
        var score: Float
        var isPositive: Bool
    }

    /// What is scored for ``AreaUnderCurve`` of the users that this rank evaluates, by rising items.
    private var pairs: [(user: UserRow, item: Int, isPositive: Bool)] {
        var random = RandomStream(seed: options.seed, .negatives, index: .max >> 8)
        var pairs: [(user: UserRow, item: Int, isPositive: Bool)] = []
        for place in 0..<heldOut.count {
            // All ranks draw the same.
            let drawn = options.labelThreshold == nil ? random.below(counts.items) : nil
            guard SharedRanking.isOwn(heldOut.userRows[place], ranks) else { continue }
            let (user, item) = (UserRow(Int(heldOut.userRows[place])), Int(heldOut.itemRows[place]))
            pairs.append((user, item, options.labelThreshold.map { Double(heldOut.value(place)) >= $0 } ?? true))
            if let drawn { pairs.append((user, drawn, false)) }
        }
        return pairs.sorted { $0.item < $1.item }
    }

    /// Calls `body` with tables of so many of all `count` vectors, the last of fewer.
    private func forEachPart(
        _ vectors: @escaping Vectors, of rows: Int, count: Int,
        _ body: (_ first: Int, borrowing FactorTable) throws -> Void
    ) throws {
        var part = FactorTable(rows: min(rows, count), width: options.width)
        var (first, filled) = (0, 0)
        try vectors { some in
            for start in stride(from: 0, to: some.count, by: options.width) {
                _ = part.row(filled).update(from: some[start..<start + options.width])
                filled += 1
                guard filled == part.rows else { continue }
                try body(first, part)
                (first, filled) = (first + filled, 0)
                part = FactorTable(rows: min(rows, count - first), width: options.width)
            }
        }
    }
}

/// The area under the receiver operating characteristic.
package enum AreaUnderCurve {
    /// The chance that a positive scores above a negative, equal scores counting half (Mann & Whitney 1947); nil if there
    /// are none of one kind.
    /// - Complexity: O(n log n)
    package static func value(_ scores: [(score: Float, isPositive: Bool)]) -> Double? {
        let sorted = scores.sorted { $0.score < $1.score }
        let positives = sorted.count { $0.isPositive }
        guard positives > 0, positives < sorted.count else { return nil }
        var (ranks, first) = (0.0, 0)
        while first < sorted.count {
            var end = first + 1
            while end < sorted.count, sorted[end].score == sorted[first].score { end += 1 }
            // Equal scores have the mean of their ranks, which count from 1.
            let rank = Double(first + 1 + end) / 2
            ranks += rank * Double(sorted[first..<end].count { $0.isPositive })
            first = end
        }
        let (one, other) = (Double(positives), Double(sorted.count - positives))
        return (ranks - one * (one + 1) / 2) / (one * other)
    }
}
