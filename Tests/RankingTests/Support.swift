import Interactions
import Kernels
import Ranking

/// Vectors by formula: `value(row, dimension)`.
func table(rows: Int, width: Int, _ value: (Int, Int) -> Float) -> FactorTable {
    let table = FactorTable(rows: rows, width: width)
    for row in 0..<rows {
        for column in 0..<width { table[row, column] = value(row, column) }
    }
    return table
}

/// Users' vectors as they stand in rows.
struct Rows: QueryEncoder {
    let vectors: [[Float]]
    var dimensions: Int { vectors[0].count }

    func encode(_ users: [UserRow], into table: borrowing FactorTable) throws {
        for (row, user) in users.enumerated() { _ = table.row(row).update(from: vectors[user.index]) }
    }
}

/// Histories, each rising.
func histories(_ rows: [[Int]], items: Int) -> InteractionMatrix<UserRow, ItemRow> {
    InteractionMatrix(
        offsets: rows.reduce(into: [0]) { $0.append($0.last! + $1.count) },
        columns: rows.flatMap { $0.map { UInt32($0) } }, values: nil, columnCount: items)
}

/// A log over `users` × `items` rows from (user, item, value).
func log(_ entries: [(Int, Int, Float)], users: Int, items: Int) -> InteractionLog {
    InteractionLog(
        users: Vocabulary(.integers((0..<Int64(users)).map { $0 })),
        items: Vocabulary(.integers((0..<Int64(items)).map { $0 })),
        userRows: entries.map { UInt32($0.0) }, itemRows: entries.map { UInt32($0.1) },
        values: entries.map(\.2), times: nil)
}

/// The instruction sets that this machine runs.
let availableSets = InstructionSet.allCases.filter { $0 <= .best }

/// What the kernels must give, bit for bit: one sum in the order of the dimensions.
func plainScore(_ user: [Float], _ item: [Float], _ isa: InstructionSet) -> Float {
    var sum: Float = 0
    for (a, b) in zip(user, item) {
        if isa == .baseline { sum += a * b } else { sum.addProduct(a, b) }
    }
    return sum
}

/// Scores everything, sorts everything, filters.
func plainTop(
    _ count: Int, _ user: [Float], _ items: [[Float]], seen: [Int], cold: Set<Int>, _ isa: InstructionSet
) -> RankedList {
    let left = Set(seen).union(cold)
    var ranked: [(item: Int, score: Float)] = []
    for item in items.indices where !left.contains(item) {
        let score = plainScore(user, items[item], isa)
        if score > -.infinity { ranked.append((item, score)) }
    }
    ranked.sort { $0.score != $1.score ? $0.score > $1.score : $0.item < $1.item }
    return RankedList(
        items: ranked.prefix(count).map { ItemRow($0.item) }, scores: ranked.prefix(count).map { $0.score })
}

/// Equality that tells −0 from 0.
func sameBits(_ left: RankedList, _ right: RankedList) -> Bool {
    left.items == right.items && left.scores.map(\.bitPattern) == right.scores.map(\.bitPattern)
}
