import Basics
import Formats
import Interactions
import Kernels
import Ranking
import Training

/// A model whose item vectors are given and whose users are the sums of what they had, times its values.
struct FakeModel: HistoryEncoder {
    let items: [[Float]]
    let history: InteractionMatrix<UserRow, ItemRow>
    var dimensions: Int { items[0].count }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        try encode(history.selecting(users), into: table)
    }

    func encode(_ histories: InteractionMatrix<UserRow, ItemRow>, into table: borrowing FactorTable) throws {
        for row in 0..<histories.rowCount {
            let sum = vector(Array(histories[UserRow(row)]), histories.values(UserRow(row)).map(Array.init))
            _ = table.row(row).update(from: sum)
        }
    }

    func vector(_ history: [UInt32], _ values: [Float]?) -> [Float] {
        (0..<dimensions).map { dimension in
            history.indices.reduce(0) { $0 + (values?[$1] ?? 1) * items[Int(history[$1])][dimension] }
        }
    }

    /// The best items by scoring everything: fused sums in the order of the dimensions, ties by the lower row.
    func best(_ count: Int, _ query: [Float], without seen: Set<UInt32>, among: Set<UInt32>) -> [(UInt32, Float)] {
        let scored = among.subtracting(seen).map { item in
            (item, zip(query, items[Int(item)]).reduce(Float(0)) { $0.addingProduct($1.0, $1.1) })
        }
        return Array(scored.sorted { $0.1 != $1.1 ? $0.1 > $1.1 : $0.0 < $1.0 }.prefix(count))
    }

    func recommender(
        _ log: InteractionLog, catalog: ItemCatalog? = nil, foldsIn: Bool = true
    ) -> Recommender {
        let table = FactorTable(rows: items.count, width: dimensions)
        for row in items.indices { _ = table.row(row).update(from: items[row]) }
        return Recommender(
            users: log.users, items: log.items, catalog: catalog, userCatalog: nil, history: TrainedHistory(history),
            encoder: self,
            historyEncoder: foldsIn ? self : nil, itemVectors: table, similarityVectors: table,
            workers: Workers(threads: 2))
    }
}

/// Vectors of whole numbers, so that sums are exact whatever their order.
func wholeVectors(_ count: Int, width: Int, seed: UInt64) -> [[Float]] {
    var random = RandomStream(seed: seed, .test)
    return (0..<count).map { _ in (0..<width).map { _ in Float(random.below(19) - 9) } }
}

/// A log with the ids given, values and no times.
func namedLog(_ rows: [(user: String, item: String, value: Float)], items: [String]? = nil) -> InteractionLog {
    let users = Vocabulary<UserRow>(rows.map(\.user))
    let items = Vocabulary<ItemRow>(items ?? rows.map(\.item))
    return InteractionLog(
        users: users, items: items, userRows: rows.map { UInt32(users.row(of: $0.user)!.index) },
        itemRows: rows.map { UInt32(items.row(of: $0.item)!.index) }, values: rows.map(\.value), times: nil)
}
