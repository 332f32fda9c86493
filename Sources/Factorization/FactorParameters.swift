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
    package convenience init(
        history: InteractionMatrix<UserRow, ItemRow>, options: MatrixFactorizationOptions,
        places: (users: [UInt32], items: [UInt32])?, workers: Workers
    ) {
        let warmItems = history.columnsWithEntries
        self.init(
            users: history.rowCount, items: history.columnCount, mean: options.biases ? Self.mean(history) : 0,
            options: options, places: places, workers: workers,
            isWarm: ({ history.offsets[$0] < history.offsets[$0 + 1] }, { warmItems[$0] }))
    }

    /// The same for rows that `isWarm` says have ratings.
    init(
        users userCount: Int, items itemCount: Int, mean: Float, options: MatrixFactorizationOptions,
        places: (users: [UInt32], items: [UInt32])?, workers: Workers,
        isWarm: (user: (Int) -> Bool, item: (Int) -> Bool)
    ) {
        users = FactorTable(rows: userCount, width: options.factors)
        items = FactorTable(rows: itemCount, width: options.factors)
        userBiases = options.biases ? FloatColumn(count: userCount) : nil
        itemBiases = options.biases ? FloatColumn(count: itemCount) : nil
        userPlaces = places?.users
        itemPlaces = places?.items
        self.mean = mean
        Self.fill(users, places: userPlaces, side: 0, options, workers, isWarm: isWarm.user)
        Self.fill(items, places: itemPlaces, side: 1, options, workers, isWarm: isWarm.item)
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

    /// The mean value, in double precision: each user's values are added up in their order, then the users' sums.
    static func mean(_ history: InteractionMatrix<UserRow, ItemRow>) -> Float {
        guard history.values != nil, history.entryCount > 0 else { return history.entryCount > 0 ? 1 : 0 }
        return mean(
            sums: (0..<history.rowCount).lazy.map { sum(history.values(UserRow($0))!) }, count: history.entryCount)
    }

    /// The mean of `count` values of which each user's ``sum(_:)`` is given.
    static func mean(sums: some Sequence<Double>, count: Int) -> Float { Float(sums.reduce(0, +) / Double(count)) }

    /// The sum of a user's values.
    static func sum(_ values: ArraySlice<Float>) -> Double { values.reduce(0.0) { $0 + Double($1) } }

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
