import Basics
import Interactions
import Kernels
import Ranking

/// What is measured after an epoch on interactions that training did not see.
struct TwoTowerValidation {
    private let heldOut: InteractionLog
    private let history: InteractionMatrix<UserRow, ItemRow>
    private let ranking: SharedRanking
    private let options: TwoTowerOptions

    init(
        _ heldOut: InteractionLog, _ history: InteractionMatrix<UserRow, ItemRow>, _ options: TwoTowerOptions,
        ranks: any Communicator, workers: Workers, isa: InstructionSet
    ) {
        (self.heldOut, self.history, self.options) = (heldOut, history, options)
        ranking = SharedRanking(heldOut, history, ranks: ranks, workers: workers, isa: isa)
    }

    typealias Vectors = (_ body: ([Float]) throws -> Void) throws -> Void

    /// `val_recall@20` and `val_ndcg@20` by full ranking of items that were trained, without those the user has had; and
    /// `val_auc`: how often a held-out interaction scores above another, of those below the label threshold or of as many
    /// drawn pairs. All ranks hold the vectors, and return the same.
    func metrics(users: Vectors, items: Vectors, _ cancellation: Cancellation) throws -> [String: Double] {
        let (left, right) = (Table(history.rowCount, options.width), Table(history.columnCount, options.width))
        try left.fill(users)
        try right.fill(items)
        var metrics = try ranking.metrics(right.table, left, cutoff: 20, cancellation)
        metrics["val_auc"] = areaUnderCurve(left, right)
        return metrics
    }

    private func areaUnderCurve(_ users: Table, _ items: Table) -> Double? {
        var random = RandomStream(seed: options.seed, .negatives, index: .max >> 8)
        var scores: [(score: Float, isPositive: Bool)] = []
        for place in 0..<heldOut.count {
            let user = Int(heldOut.userRows[place])
            func add(_ item: Int, _ isPositive: Bool) {
                let score = zip(users.table.row(user), items.table.row(item)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
                scores.append((score, isPositive))
            }
            if let threshold = options.labelThreshold {
                add(Int(heldOut.itemRows[place]), Double(heldOut.value(place)) >= threshold)
            } else {
                add(Int(heldOut.itemRows[place]), true)
                add(random.below(history.columnCount), false)
            }
        }
        return AreaUnderCurve.value(scores)
    }

    private final class Table: QueryEncoder {
        let table: FactorTable

        init(_ rows: Int, _ width: Int) { table = FactorTable(rows: rows, width: width) }

        func fill(_ vectors: Vectors) throws {
            var row = 0
            try vectors { part in
                part.withUnsafeBufferPointer { part in
                    for first in stride(from: 0, to: part.count, by: table.width) {
                        _ = table.row(row).update(from: part[first..<first + table.width])
                        row += 1
                    }
                }
            }
        }

        var dimensions: Int { table.width }

        func encode(_ users: [UserRow], into target: borrowing FactorTable) {
            for (place, user) in users.enumerated() { _ = target.row(place).update(from: table.row(user.index)) }
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
