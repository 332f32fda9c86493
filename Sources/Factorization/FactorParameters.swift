import Basics
import CKernels
import Formats
package import Interactions
package import Kernels

/// The parameters of a biased factor model while it is trained: r̂ = μ + b_u + b_i + p_u·q_i.
///
/// Rows stand at *places* that the trainer chose (see ``BlockGrid``); what goes out and comes in is in row order.
///
/// `@unchecked Sendable`: trainers hand disjoint rows to workers.
package final class FactorParameters: @unchecked Sendable {
    package let users: FactorTable, items: FactorTable
    /// `[rows]`, or nil without biases.
    let userBiases: FloatColumn?, itemBiases: FloatColumn?
    /// μ, 0 without biases.
    package let mean: Float
    /// The place of each row; nil = the row itself.
    let userPlaces: [UInt32]?, itemPlaces: [UInt32]?

    /// All zeros, every row at its own place.
    init(users: Int, items: Int, factors: Int, hasBiases: Bool, mean: Float) {
        self.users = FactorTable(rows: users, width: factors)
        self.items = FactorTable(rows: items, width: factors)
        userBiases = hasBiases ? FloatColumn(count: users) : nil
        itemBiases = hasBiases ? FloatColumn(count: items) : nil
        userPlaces = nil
        itemPlaces = nil
        self.mean = mean
    }

    /// Random starting factors for rows that have ratings, zero for the others: a cold row predicts the biases.
    package init(
        history: InteractionMatrix<UserRow, ItemRow>, options: MatrixFactorizationOptions,
        places: (users: [UInt32], items: [UInt32])?, workers: Workers
    ) {
        users = FactorTable(rows: history.rowCount, width: options.factors)
        items = FactorTable(rows: history.columnCount, width: options.factors)
        userBiases = options.biases ? FloatColumn(count: history.rowCount) : nil
        itemBiases = options.biases ? FloatColumn(count: history.columnCount) : nil
        userPlaces = places?.users
        itemPlaces = places?.items
        mean = options.biases ? Self.mean(history) : 0
        let warmItems = history.columnsWithEntries
        Self.fill(users, places: userPlaces, side: 0, options, workers) {
            history.offsets[$0] < history.offsets[$0 + 1]
        }
        Self.fill(items, places: itemPlaces, side: 1, options, workers) { warmItems[$0] }
    }

    /// `user_factors`, `item_factors`, and with biases `user_biases`, `item_biases`, `global_mean`.
    var tensors: [TensorSource] {
        let factors = [
            rows("user_factors", of: users, userPlaces), rows("item_factors", of: items, itemPlaces),
        ]
        guard let userBiases, let itemBiases else { return factors }
        return factors + [
            rows("user_biases", of: userBiases, userPlaces),
            rows("item_biases", of: itemBiases, itemPlaces),
            TensorSource(name: "global_mean", [mean], shape: []),
        ]
    }

    /// Takes back ``tensors``.
    func restore(from file: SafeTensorsFile) throws {
        try restore("user_factors", to: users, userPlaces, from: file)
        try restore("item_factors", to: items, itemPlaces, from: file)
        guard let userBiases, let itemBiases else { return }
        try restore("user_biases", to: userBiases, userPlaces, from: file)
        try restore("item_biases", to: itemBiases, itemPlaces, from: file)
    }

    /// The mean value, summed in double precision over fixed stretches.
    static func mean(_ history: InteractionMatrix<UserRow, ItemRow>) -> Float {
        guard let values = history.values, !values.isEmpty else { return history.entryCount > 0 ? 1 : 0 }
        return Float(values.reduce(0.0) { $0 + Double($1) } / Double(values.count))
    }

    /// Uniform with the wanted deviation; row and column alone decide each number.
    private static func fill(
        _ table: borrowing FactorTable, places: [UInt32]?, side: UInt64, _ options: MatrixFactorizationOptions,
        _ workers: Workers, isWarm: (Int) -> Bool
    ) {
        let reach = Float(options.initialDeviation * (3.0 / Double(options.factors)).squareRoot())
        let (base, stride, width) = (table.base, table.stride, table.width)
        let (rows, chunk) = (table.rows, 1024)
        workers.forEach((rows + chunk - 1) / chunk) { part, _ in
            for row in part * chunk..<min(rows, (part + 1) * chunk) where isWarm(row) {
                let place = places.map { Int($0[row]) } ?? row
                var random = RandomStream(
                    seed: options.seed, .initialisation, index: UInt64(row) << 1 | side)
                for column in 0..<width {
                    base[place * stride + column] = reach * Float(random.uniform() * 2 - 1)
                }
            }
        }
    }
}
