import Kernels

/// Matrix factorisation by stochastic gradient descent over W ranks. Each owns a range of the grid's user blocks; between two
/// strata each item block goes to the rank that walks it next.
package struct MFScaling: ScalingModel {
    package var users, items, interactions, factors: Int
    /// G, blocks along a side of the grid.
    package var gridSide: Int
    package var hasBiases: Bool

    package init(users: Int, items: Int, interactions: Int, factors: Int, gridSide: Int, hasBiases: Bool = true) {
        (self.users, self.items, self.interactions, self.factors) = (users, items, interactions, factors)
        (self.gridSide, self.hasBiases) = (gridSide, hasBiases)
    }

    /// Bytes of a row when it is sent.
    package var rowBytes: Int { 4 * FactorTable.stride(factors) + (hasBiases ? 4 : 0) }

    /// A stratum has G blocks.
    package var mostThreads: Int? { gridSide }
    package var checkpointBytes: Int { (users + items) * (4 * factors + (hasBiases ? 4 : 0)) }

    package func memory(on cluster: Cluster) -> MemoryEstimate {
        let (workers, nodes) = (cluster.workers, cluster.nodes)
        let own = (interactions + nodes - 1) / nodes
        var estimate = MemoryEstimate()
        estimate.add("histories", bytes: 8 * own + workers * 8 * users)
        estimate.add(
            "factors", bytes: workers * (FactorTable.bytes(rows: users + items, width: factors) + 4 * (users + items)))
        estimate.add("rating grid", bytes: 12 * own)
        return estimate
    }

    /// Rows of users and items that blocks have, each as often as it is in one.
    package static func visits(users: Int, items: Int, ratings: Int, side: Int) -> Int {
        min(side * users, ratings) + min(side * items, ratings)
    }

    package func costs(on cluster: Cluster, _ machine: MachineConstants) -> [PhaseCost] {
        let (ranks, side) = (Double(cluster.ranks), Double(gridSide))
        let (ratings, row) = (Double(interactions), Double(rowBytes))
        var walk = PhaseCost("strata")
        // Blocks that a thread walks of a stratum, one after the other.
        let threads = Double(cluster.threads)
        let turns = ((side / ranks).rounded(.up) / threads).rounded(.up)
        let visits = Double(Self.visits(users: users, items: items, ratings: interactions, side: gridSide))
        let (rating, visit) = machine.mf.seconds(factors: factors)
        walk.work = turns * threads / side * (ratings * rating + visits * visit)
        walk.efficiency = machine.mf.efficiency
        // Ratings in their order; rows whenever a block has them, unless the cache has all; items' rows at every rating where those
        // of blocks at work do not stay.
        let tables = machine.missed(Double(users + items) * row, cores: cluster.cores)
        let blocks = Double(items) / side * row * Double(min(cluster.busy, gridSide))
        let missed = visits * tables + ratings * machine.missed(blocks, cores: cluster.cores)
        walk.traffic = (12 * ratings + 2 * row * missed) / Double(cluster.nodes)
        walk.waitsForMemory = true
        // From one stratum to the next every rank hands on one block, and says how far it is in 24 bytes; in the end what was lost
        // in each block, in 9.
        let told = (ranks - 1) * (24 * side * ranks + 9 * side * side)
        walk.sent = ranks > 1 ? (side - 1) * ranks / side * Double(items) * row + told : 0
        // Blocks travel while others are walked.
        walk.batches = side
        return [walk]
    }

    /// Every rank gets the others' rows.
    package func gatheredBytes(ranks: Int) -> Double { Double((ranks - 1) * (users + items) * rowBytes) }
}
