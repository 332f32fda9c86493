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

    package init(
        users: Int, items: Int, interactions: Int, factors: Int, layers: [Int] = [128, 64], batchSize: Int = 4096
    ) {
        (self.users, self.items, self.interactions) = (users, items, interactions)
        (self.factors, self.layers, self.batchSize) = (factors, layers, batchSize)
    }

    private var width: Int { layers[layers.count - 1] }

    /// P: weights and biases of both towers.
    package var parameters: Int { 2 * zip([factors] + layers, layers).reduce(0) { $0 + ($1.0 + 1) * $1.1 } }

    /// Multiply-adds of a rank's share of a step: each user and item of it once through the layers and twice back; a score for
    /// each of its users and each item of all, and back to both sides.
    package func multiplyAdds(ranks: Int) -> Double {
        func distinct(_ samples: Int, _ rows: Int) -> Double {
            Double(rows) * (1 - exp(-Double(samples) / Double(rows)))
        }
        let batch = min(batchSize, interactions)
        let own = (batch + ranks - 1) / ranks
        let (users, items) = (distinct(own, users), distinct(own, items))
        let products = zip([factors] + layers, layers).reduce(0) { $0 + $1.0 * $1.1 }
        return 3 * ((users + items) * Double(products) + users * distinct(batch, self.items) * Double(width))
    }

    /// Bytes of a table with its row-wise Adagrad.
    private func bytes(_ rows: Int) -> Int { 4 * (rows + 1) * (FactorTable.stride(factors) + 1) }

    /// Up to a mebibyte every rank has a table whole (``EmbeddingShardingPlan``'s planner).
    private func isReplicated(_ rows: Int) -> Bool { bytes(rows) <= 1 << 20 }

    package var mostThreads: Int? { nil }

    package var checkpointBytes: Int {
        4 * (users + items + 2) * (factors + 1) + 4 * (users + items) * width + 12 * parameters
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
        estimate.add("vectors", bytes: workers * 2 * FactorTable.bytes(rows: users + items, width: width))
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
        towers.sent = steps * (ranks - 1) * batch * Double(2 * 4 * width)
        towers.messages = 2 * steps
        guard cluster.ranks > 1 else { return [towers] }
        var dense = PhaseCost("gradients of layers")
        dense.sent = steps * 2 * (ranks - 1) * Double(4 * parameters)
        dense.messages = steps * 2 * (ranks - 1)
        var embeddings = PhaseCost("embeddings")
        for rows in [users, items] {
            // Of a whole table each sample's gradient to all; of a cut one the id there, the row back, its gradient there.
            embeddings.sent +=
                isReplicated(rows)
                ? steps * (ranks - 1) * batch * Double(4 + 4 * factors)
                : steps * (1 - 1 / ranks) * batch * Double(4 + 8 * factors)
        }
        embeddings.messages = 3 * steps
        return [towers, dense, embeddings]
    }
}
