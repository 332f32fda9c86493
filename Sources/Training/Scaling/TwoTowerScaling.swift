import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Two towers over W ranks: each has B/W samples of a step and the layers whole; tables of ids are cut by their rows, unless
/// they are small.
package struct TwoTowerScaling: ScalingModel {
    package var users, items, interactions: Int
    /// Floats of an embedding.
    package var factors: Int
    /// Widths of a tower's layers.
    package var layers: [Int]
    /// B, interactions of a step, on all ranks together.
    package var batchSize: Int
    /// What users and items have.
    private let histories: [HistoryLengths]

    /// - Parameter histories: of users and of items; by default log-normal ones, those of items by a standard deviation of the
    ///   logarithm of 1.7 (MovieLens: 1.6 to 1.8).
    package init(
        users: Int, items: Int, interactions: Int, factors: Int, layers: [Int] = [128, 64], batchSize: Int = 4096,
        histories: [HistoryLengths]? = nil
    ) {
        (self.users, self.items, self.interactions) = (users, items, interactions)
        (self.factors, self.layers, self.batchSize) = (factors, layers, batchSize)
        self.histories =
            histories ?? [
                HistoryLengths(rows: users, interactions: interactions, others: items),
                HistoryLengths(rows: items, interactions: interactions, others: users, spread: 1.7),
            ]
    }

    private var width: Int { layers[layers.count - 1] }

    /// P: weights and biases of both towers.
    package var parameters: Int { 2 * zip([factors] + layers, layers).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }

    /// Users, or items, that a step's interactions have, each once.
    private func distinct(_ histories: HistoryLengths) -> Double {
        let share = Double(min(batchSize, interactions)) / Double(interactions)
        return histories.lengths.reduce(0) { $0 + $1.rows * (1 - exp(-share * $1.length)) }
    }

    /// Rows of a step that other ranks have. Of two ranks each has a table; more cut tables by rows, and deal a step's rows in their
    /// order too, so that all are a rank's own but those by which chance moves the borders.
    private func strangers(_ distinct: Double, _ ranks: Int) -> Double {
        guard ranks > 2 else { return distinct / 2 }
        return (1..<ranks).reduce(0) { sum, border in
            let share = Double(border) / Double(ranks)
            return sum + (2 / .pi * distinct * share * (1 - share)).squareRoot()
        }
    }

    /// Multiply-adds of a rank's share of a step: its users and items once through the layers and twice back; a score for each of
    /// its users and each item of all, and back to both sides.
    package func multiplyAdds(ranks: Int) -> Double {
        let products = zip([factors] + layers, layers).reduce(0) { $0 + $1.0 * $1.1 }
        let (users, items) = (distinct(histories[0]), distinct(histories[1]))
        return 3 * ((users + items) * Double(products) + users * items * Double(width)) / Double(ranks)
    }

    /// Bytes of a table with its row-wise Adagrad.
    private func bytes(_ rows: Int) -> Int { 4 * (rows + 1) * (FactorTable.stride(factors) + 1) }

    /// Up to a mebibyte every rank has a table whole (``EmbeddingShardingPlan``'s planner).
    private func isReplicated(_ rows: Int) -> Bool { bytes(rows) <= 1 << 20 }

    package var mostThreads: Int? { nil }

    package var checkpointBytes: Int {
        4 * (users + items + 2) * (factors + 1) + 4 * (users + items) * width + 12 * parameters
    }

    /// Rank 0 gets the others' parts of tables that are cut.
    package func gatheredBytes(ranks: Int) -> Double {
        let cut = [users, items].filter { !isReplicated($0) }.reduce(0) { $0 + $1 + 1 }
        return Double(4 * cut * (factors + 1)) * Double(ranks - 1) / Double(ranks)
    }

    package func memory(on cluster: Cluster) -> MemoryEstimate {
        let (workers, ranks) = (cluster.workers, cluster.ranks)
        var estimate = MemoryEstimate()
        estimate.add("LibTorch", bytes: workers * (160 << 20))
        estimate.add(
            "histories", bytes: 12 * ((interactions + cluster.nodes - 1) / cluster.nodes) + workers * 8 * users)
        let tables = [users, items].reduce(0) { $0 + (isReplicated($1) ? bytes($1) : (bytes($1) + ranks - 1) / ranks) }
        estimate.add("embeddings and optimiser", bytes: workers * tables)
        estimate.add("layers and optimiser", bytes: workers * 16 * parameters)
        // For validation: of several ranks each has its part of the users, and 65,536 items at a time.
        let rows = ranks == 1 ? users + items : (users + ranks - 1) / ranks + min(items, 1 << 16)
        estimate.add("vectors", bytes: workers * 2 * FactorTable.bytes(rows: rows, width: width))
        let batch = min(batchSize, interactions)
        estimate.add(
            "batches",
            bytes: workers * 4
                * ((batch + ranks - 1) / ranks * (4 * factors + 4 * layers.reduce(0, +)) + batch * 8 * width))
        return estimate
    }

    package func costs(on cluster: Cluster, _ machine: MachineConstants) -> [PhaseCost] {
        let (ranks, batch, constants) = (Double(cluster.ranks), Double(min(batchSize, interactions)), machine.twoTower)
        let steps = (Double(interactions) / batch).rounded(.up)
        var towers = PhaseCost("towers and loss")
        towers.work =
            steps
            * ((batch / ranks).rounded(.up) * constants.sampleSeconds + constants.multiplyAddSeconds
                * multiplyAdds(ranks: cluster.ranks))
        towers.efficiency = constants.efficiency
        // Rows and their gradients, read and written, where tables do not stay in the cache.
        let row = Double(4 * FactorTable.stride(factors))
        let missed = [users, items].map { machine.missed(Double(bytes($0)) / ranks, cores: cluster.cores) }
        towers.traffic = steps * batch / Double(cluster.nodes) * 3 * row * missed.reduce(0, +)
        // Items' vectors to all, and their gradients back.
        let (distinctUsers, distinctItems) = (distinct(histories[0]), distinct(histories[1]))
        towers.sent = steps * (ranks - 1) * distinctItems * Double(2 * 4 * width)
        towers.messages = 2 * steps
        guard cluster.ranks > 1 else { return [towers] }
        var dense = PhaseCost("gradients of layers")
        // The loss and whether to stop are summed with them.
        dense.sent = steps * 2 * (ranks - 1) * Double(4 * (parameters + 2))
        dense.messages = steps * 2 * (ranks - 1)
        var embeddings = PhaseCost("embeddings")
        for (rows, distinct) in [(users, distinctUsers), (items, distinctItems)] {
            // Of a whole table each row's gradient to all. Of one that another rank has, or a part of it, the id there, the row
            // back, id and gradient there. Each time how many there are.
            let counts = 8 * ranks * (ranks - 1)
            embeddings.sent +=
                isReplicated(rows)
                ? steps * ((ranks - 1) * distinct * Double(4 + 4 * factors) + counts)
                : steps * (strangers(distinct, cluster.ranks) * Double(8 + 8 * factors) + 2 * counts)
        }
        embeddings.messages = 6 * steps
        return [towers, dense, embeddings]
    }
}
