/// A part of an epoch, as a model of the machine sees it.
package struct ScalingPhase: Sendable, Equatable {
    package var name: String
    /// Bytes that all ranks send, together.
    package var sentBytes: Int
    /// Seconds of a rank if only its processors counted, or only its memory.
    package var processorSeconds, memorySeconds: Double
    /// Of both together, and of what it sends.
    package var workSeconds, networkSeconds: Double
    /// Seconds that the phase takes.
    package var seconds: Double

    /// Seconds of sending during which work goes on.
    package var overlappedSeconds: Double {
        max(0, workSeconds + networkSeconds - seconds)
    }
}

/// What a training takes of every node, and an epoch of time.
package struct ScalingPlan: Sendable, Equatable {
    /// What an epoch spends most of its time on.
    package enum Bound: String, Sendable, CaseIterable {
        case computing
        case memory = "memory bandwidth"
        case network
    }

    package var cluster: Cluster
    /// Of a node, the operating system apart.
    package var memory: MemoryEstimate
    /// In their order; their sum is an epoch's optimisation, as `train --json` counts its seconds.
    package var phases: [ScalingPhase]
    /// Weights and state, as one rank writes them.
    package var checkpointBytes: Int
    /// What ranks send so that one of them has all that a checkpoint has.
    package var gathering: ScalingPhase

    package var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
    package var sentBytes: Int { phases.reduce(0) { $0 + $1.sentBytes } }
    package var checkpointSeconds: Double { Double(checkpointBytes) / cluster.disk + gathering.seconds }
    package var fits: Bool { memory.total <= cluster.memory }

    package var bound: Bound {
        var spent: [Bound: Double] = [:]
        for phase in phases {
            let work: Bound = phase.memorySeconds > phase.processorSeconds ? .memory : .computing
            spent[work, default: 0] += phase.workSeconds
            spent[.network, default: 0] += phase.networkSeconds
        }
        return Bound.allCases.max { spent[$0, default: 0] < spent[$1, default: 0] }!
    }
}

/// A kind of training of some size, whose cost on any cluster is known.
package protocol ScalingModel: Sendable {
    func memory(on cluster: Cluster) -> MemoryEstimate
    /// The phases of an epoch.
    func costs(on cluster: Cluster, _ machine: MachineConstants) -> [PhaseCost]
    var checkpointBytes: Int { get }
    /// Bytes that all ranks send for a checkpoint.
    func gatheredBytes(ranks: Int) -> Double
    /// The most threads that have something to do at a time; nil = any number.
    var mostThreads: Int? { get }
}

extension ScalingModel {
    package func gatheredBytes(ranks: Int) -> Double { 0 }

    package func plan(on cluster: Cluster, _ machine: MachineConstants) -> ScalingPlan {
        var gathering = PhaseCost("gathering")
        gathering.sent = gatheredBytes(ranks: cluster.ranks)
        gathering.messages = gathering.sent > 0 ? 1 : 0
        return ScalingPlan(
            cluster: cluster, memory: memory(on: cluster),
            phases: costs(on: cluster, machine).map { $0.phase(on: cluster, machine) },
            checkpointBytes: checkpointBytes, gathering: gathering.phase(on: cluster, machine))
    }
}

/// How an epoch's time falls with the number of nodes, or of one node's ranks.
package struct ScalingCurve: Sendable {
    package struct Point: Sendable {
        package let plan: ScalingPlan
        /// Against the first point.
        package let speedUp: Double
        /// Speed-up over nodes, or over the processors that work on one.
        package let efficiency: Double
    }

    package let points: [Point]

    /// From which efficiency on a number of nodes is worth it.
    package static let worthwhile = 0.5

    package init(of model: some ScalingModel, on cluster: Cluster, _ machine: MachineConstants) {
        let plans = cluster.steps.map { model.plan(on: $0, machine) }
        func processors(_ plan: ScalingPlan) -> Double { Double(plan.cluster.nodes * plan.cluster.busy) }
        points = plans.map { plan in
            let speedUp = plans[0].seconds / plan.seconds
            return Point(
                plan: plan, speedUp: speedUp, efficiency: speedUp * processors(plans[0]) / processors(plan))
        }
    }

    /// The largest that is worth its nodes.
    package var worth: Point { points.last { $0.efficiency >= Self.worthwhile }! }
    package var fastest: Point { points.min { $0.plan.seconds < $1.plan.seconds }! }
    /// The smallest that fits into memory; nil if none does.
    package var fitting: Point? { points.first { $0.plan.fits } }
}
