import Kernels

/// Alternating least squares over W ranks. Every rank has both tables whole and the interactions of its own users and items;
/// it solves its rows and sends each of them to the W − 1 others.
package struct ALSScaling: ScalingModel {
    package enum Solver: Sendable, Equatable {
        case cholesky
        case cg(steps: Int)
    }

    /// With interactions; others take memory alone.
    package var users, items: Int
    package var interactions: Int
    package var factors: Int
    package var isImplicit: Bool
    /// With explicit feedback.
    package var hasBiases: Bool
    package var solver: Solver

    package init(
        users: Int, items: Int, interactions: Int, factors: Int, isImplicit: Bool = true, hasBiases: Bool = false,
        solver: Solver = .cholesky
    ) {
        (self.users, self.items, self.interactions, self.factors) = (users, items, interactions, factors)
        (self.isImplicit, self.hasBiases, self.solver) = (isImplicit, hasBiases, solver)
    }

    /// Floats of the normal equations along a side.
    private var order: Int { FactorTable.stride(factors + (hasBiases ? 1 : 0)) }

    /// Bytes of a row when it is sent: S floats and the bias.
    package var rowBytes: Int { 4 * FactorTable.stride(factors) + (hasBiases ? 4 : 0) }

    /// Waves in which ranks solve, and send what they have solved: 8, or more where one would have more than 256 MB.
    ///
    /// - Parameter bytes: of all rows of a side, as they are sent.
    package static func waves(bytes: Int) -> Int { max(8, (bytes + (1 << 28) - 1) >> 28) }

    /// Stretches of rows whose sum the Gramian is made of, shared out over ranks.
    package func gramGroups(rows: Int) -> Int {
        let tile = max(4096, 16 * order)
        return min(64, (rows + tile - 1) / tile)
    }

    package var mostThreads: Int? { nil }
    package var checkpointBytes: Int { (users + items) * (4 * factors + (hasBiases ? 4 : 0)) }

    package func memory(on cluster: Cluster) -> MemoryEstimate {
        let (workers, rows) = (cluster.workers, users + items)
        var estimate = MemoryEstimate()
        estimate.add(
            "histories", bytes: 16 * ((interactions + cluster.nodes - 1) / cluster.nodes) + workers * 12 * rows)
        estimate.add("factors", bytes: workers * FactorTable.bytes(rows: rows, width: factors))
        estimate.add("rotated factors", bytes: workers * FactorTable.bytes(rows: max(users, items), width: factors))
        estimate.add("normal equations", bytes: workers * 6 * order * order * 4)
        if cluster.ranks > 1 {
            // Two waves, and the parts of a Gramian.
            let rows = max(users, items)
            let waves = Self.waves(bytes: rows * rowBytes)
            let wave = (rows + waves - 1) / waves
            let groups = isImplicit ? gramGroups(rows: max(users, items)) : 0
            estimate.add("exchange", bytes: workers * (2 * wave * rowBytes + groups * order * order * 8))
        }
        return estimate
    }

    /// The time of the busiest thread as a share more than 1 of the mean, because rows are dealt in chunks.
    ///
    /// A chunk is 512 rows, or fewer that have a 24th of all interactions; a rank's own are solved wave by wave, and a wave's by
    /// its threads.
    package func unevenness(_ lengths: HistoryLengths, on cluster: Cluster) -> Double {
        let most = max(1, lengths.interactions / 24)
        let chunks = lengths.lengths.reduce(0) { $0 + $1.rows / min(512, max(1, most / $1.length)) }
        let own = Int((chunks / Double(cluster.ranks)).rounded(.up))
        let rows = lengths.lengths.reduce(0) { $0 + $1.rows }
        let waves = cluster.ranks > 1 ? Self.waves(bytes: Int(rows) * rowBytes) : 1
        let turns = (0..<waves).reduce(0) { turns, wave in
            let count = own * (wave + 1) / waves - own * wave / waves
            return turns + (count + cluster.threads - 1) / cluster.threads
        }
        return max(1, Double(turns * cluster.threads * cluster.ranks) / chunks)
    }

    package func costs(on cluster: Cluster, _ machine: MachineConstants) -> [PhaseCost] {
        [
            side("users", rows: users, others: items, other: "items", cluster, machine),
            side("items", rows: items, others: users, other: "users", cluster, machine),
        ].flatMap(\.self)
    }

    /// The other side's Gramian, and the rows of one side.
    private func side(
        _ name: String, rows: Int, others: Int, other: String, _ cluster: Cluster, _ machine: MachineConstants
    ) -> [PhaseCost] {
        let (k, ranks) = (Double(order), Double(cluster.ranks))
        let lengths = HistoryLengths(rows: rows, interactions: interactions, others: others)
        let (work, seconds, efficiency) = solving(lengths, others: others, machine)

        var gram = PhaseCost("Gramian of \(other)")
        let groups = Double(gramGroups(rows: others))
        gram.work = Double(others) * k * k / 2 * (groups / ranks).rounded(.up) / groups * machine.gramSeconds
        gram.traffic = Double(others * rowBytes) / ranks * Double(cluster.workers)
        gram.sent = (ranks - 1) * groups * k * k * 8
        gram.messages = 1
        if work.isRotated {
            // Every rank turns the whole table, and finds the eigenvectors on one thread.
            gram.work += Double(others) * k * k * machine.gramSeconds
            gram.serial = 60 * k * k * k * machine.gramSeconds
            gram.traffic += Double(2 * others * rowBytes * cluster.workers)
        }

        var solve = PhaseCost(name)
        solve.work = seconds / ranks
        if work.isRotated { solve.work += Double(rows) * k * k * machine.gramSeconds / ranks }
        solve.work *= unevenness(lengths, on: cluster)
        solve.efficiency = efficiency
        let missed = machine.missed(Double(others * rowBytes), cores: cluster.cores)
        solve.traffic = Double(interactions) / Double(cluster.nodes) * (8 + missed * Double(rowBytes))
        solve.waitsForMemory = true
        // After each wave, and at the end, every rank also says whether it stops.
        let waves = Double(Self.waves(bytes: rows * rowBytes))
        solve.sent = (ranks - 1) * (Double(rows * rowBytes) + ranks * (waves + 1))
        solve.messages = waves
        solve.batches = waves
        return isImplicit ? [gram, solve] : [solve]
    }

    /// Multiply-adds, what one thread takes for them, and what all processors are worth.
    private func solving(
        _ lengths: HistoryLengths, others: Int, _ machine: MachineConstants
    ) -> (work: ALSWork, seconds: Double, efficiency: Double) {
        let exact = machine.cholesky.multiplyAdds(order: order, Self.choleskyCost)
        switch solver {
        case .cholesky:
            let work = ALSWork.cholesky(lengths, order: order, others: others, isImplicit: isImplicit)
            return (work, work.interactions * exact.interaction + work.rows * exact.row, machine.cholesky.efficiency)
        case .cg(let steps):
            let work = ALSWork.cg(lengths, order: order, others: others, steps: steps)
            let rates = machine.cg.multiplyAdds(order: order, Self.cgCost)
            let seconds =
                work.interactions * rates.interaction + work.matrices * exact.interaction + work.rows * rates.row
            return (work, seconds, machine.cg.efficiency)
        }
    }

    /// Multiply-adds of an interaction of a long history, and of a row besides.
    package static func choleskyCost(_ k: Double) -> (interaction: Double, row: Double) { (k * k / 2, k * k * k / 6) }

    /// The same of conjugate gradients, for the steps that calibration takes.
    package static func cgCost(_ k: Double) -> (interaction: Double, row: Double) {
        (Double(calibrationSteps + 1) * 2 * k, Double(calibrationSteps + 1) * k * k)
    }

    package static let calibrationSteps = 3
}
