import Starling

/// A plan as people read it, and as one JSON object.
struct PlanReport {
    private let model: any ScalingModel
    private let training: PlanFlags
    private let plan: ScalingPlan
    private let curve: ScalingCurve

    init(_ model: any ScalingModel, _ training: PlanFlags, _ cluster: Cluster, _ machine: MachineConstants) {
        (self.model, self.training) = (model, training)
        plan = model.plan(on: cluster, machine)
        curve = ScalingCurve(of: model, on: cluster, machine)
    }

    private var cluster: Cluster { plan.cluster }

    var text: String { [title, memory, phases, scaling, summary].joined(separator: "\n") }

    private var title: String {
        func size(_ text: String?) -> String {
            Numerals.short(Double((try? Quantity.whole(text ?? "", option: "")) ?? 0))
        }
        let machines =
            cluster.nodes == 1
            ? "one machine" : "\(Numerals.grouped(cluster.nodes)) machines"
        return """
            \(training.model), \(training.factors) factors: \(size(training.users)) users, \(size(training.items)) items, \
            \(size(training.interactions)) interactions
            on \(machines) of \(cluster.workers) × \(cluster.threads) threads, \(Numerals.bytes(cluster.memory)) of memory, \
            \(Numerals.bytes(Int(cluster.network.bandwidth)))/s, \(Quantity.seconds(cluster.network.latency))

            """
    }

    private var memory: String {
        let rows = plan.memory.parts.map { [$0.name, Numerals.bytes($0.bytes)] }
        return Table(
            header: ["memory of a machine", ""], rows: rows + [["in all", Numerals.bytes(plan.memory.total)]]
        )
        .render()
    }

    private var phases: String {
        func row(_ name: String, _ phases: [ScalingPhase]) -> [String] {
            func sum(_ part: (ScalingPhase) -> Double) -> String {
                Quantity.seconds(phases.reduce(0) { $0 + part($1) })
            }
            return [name, Quantity.bytes(phases.reduce(0) { $0 + $1.sentBytes } / cluster.nodes)] + [
                sum(\.processorSeconds), sum(\.memorySeconds), sum(\.networkSeconds), sum(\.overlappedSeconds),
                sum(\.seconds),
            ]
        }
        return Table(
            header: ["phase", "a machine sends", "computing", "memory", "network", "overlapped", "takes"],
            rows: plan.phases.map { row($0.name, [$0]) } + [row("epoch", plan.phases)]
        ).render()
    }

    private var scaling: String {
        Table(
            header: [cluster.nodes > 1 ? "machines" : "ranks", "epoch", "speed-up", "efficiency", "memory"],
            rows: curve.points.map { point in
                [
                    Numerals.grouped(cluster.nodes > 1 ? point.plan.cluster.nodes : point.plan.cluster.ranks),
                    Quantity.seconds(point.plan.seconds), Numerals.fixed(point.speedUp, 2),
                    Numerals.fixed(100 * point.efficiency, 0) + "%", Numerals.bytes(point.plan.memory.total),
                ]
            }
        ).render()
    }

    private var summary: String {
        let what = cluster.nodes > 1 ? "machines" : "ranks"
        func count(_ point: ScalingCurve.Point) -> String {
            Numerals.grouped(cluster.nodes > 1 ? point.plan.cluster.nodes : point.plan.cluster.ranks)
        }
        var lines = ["An epoch is bound by \(plan.bound == .computing ? "computing" : "the \(plan.bound.rawValue)")."]
        if curve.points.count > 1 {
            let most = curve.worth
            lines.append(
                "Worth it: \(count(most)) \(what), the most with an efficiency of "
                    + "\(Numerals.fixed(100 * ScalingCurve.worthwhile, 0))%; \(count(curve.fastest)) are fastest.")
        }
        if let most = model.mostThreads, cluster.ranks * cluster.threads > most {
            lines.append(
                "The grid has \(most) blocks a side, so no more threads work at a time, on all machines together.")
        }
        if !plan.fits {
            lines.append(
                "It does not fit: a machine lacks \(Numerals.bytes(plan.memory.total - cluster.memory)) of memory"
                    + (curve.fitting.map { "; \(count($0)) \(what) suffice." }
                        ?? ", on any of these numbers of \(what)."))
        }
        lines.append(
            "A checkpoint is \(Numerals.bytes(plan.checkpointBytes)), "
                + (plan.gathering.sentBytes > 0 ? "gathered and " : "")
                + "written in \(Quantity.seconds(plan.checkpointSeconds)): "
                + "\(Numerals.fixed(plan.checkpointSeconds / plan.seconds, 2)) epochs.")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension PlanReport {
    /// Property names are the JSON keys.
    struct Answer: Encodable {
        struct Part: Encodable {
            let name: String
            let bytes: Int
        }
        struct Memory: Encodable {
            let parts: [Part]
            let bytes, available_bytes: Int
            let fits: Bool
        }
        struct Phase: Encodable {
            let name: String
            let sent_bytes, node_sent_bytes: Int
            let computing_seconds, memory_seconds, network_seconds, overlapped_seconds, seconds: Double
        }
        struct Point: Encodable {
            let nodes, ranks: Int
            let seconds, speed_up, efficiency: Double
            let memory_bytes: Int
            let fits: Bool
        }
        struct Checkpoint: Encodable {
            let bytes, sent_bytes: Int
            let seconds: Double
        }
        let model: String
        let users, items, interactions, factors, nodes, ranks, threads, cores: Int
        let memory: Memory
        let phases: [Phase]
        let sent_bytes: Int
        let seconds: Double
        let checkpoint: Checkpoint
        let scaling: [Point]
        let worth_ranks, fastest_ranks: Int
        let bound: String
        /// Where figures come from; nil for built-in ones.
        let machine_file: String?
        let machine: String
    }

    func answer(_ source: MachineFile.Source) throws -> Answer {
        Answer(
            model: training.model.lowercased(), users: try Quantity.whole(training.users ?? "", option: "--users"),
            items: try Quantity.whole(training.items ?? "", option: "--items"),
            interactions: try Quantity.whole(training.interactions ?? "", option: "--interactions"),
            factors: training.factors, nodes: cluster.nodes, ranks: cluster.ranks, threads: cluster.threads,
            cores: cluster.cores,
            memory: .init(
                parts: plan.memory.parts.map { .init(name: $0.name, bytes: $0.bytes) }, bytes: plan.memory.total,
                available_bytes: cluster.memory, fits: plan.fits),
            phases: plan.phases.map {
                .init(
                    name: $0.name, sent_bytes: $0.sentBytes, node_sent_bytes: $0.sentBytes / cluster.nodes,
                    computing_seconds: $0.processorSeconds, memory_seconds: $0.memorySeconds,
                    network_seconds: $0.networkSeconds, overlapped_seconds: $0.overlappedSeconds, seconds: $0.seconds)
            }, sent_bytes: plan.sentBytes, seconds: plan.seconds,
            checkpoint: .init(
                bytes: plan.checkpointBytes, sent_bytes: plan.gathering.sentBytes, seconds: plan.checkpointSeconds),
            scaling: curve.points.map {
                .init(
                    nodes: $0.plan.cluster.nodes, ranks: $0.plan.cluster.ranks, seconds: $0.plan.seconds,
                    speed_up: $0.speedUp, efficiency: $0.efficiency, memory_bytes: $0.plan.memory.total,
                    fits: $0.plan.fits)
            }, worth_ranks: curve.worth.plan.cluster.ranks, fastest_ranks: curve.fastest.plan.cluster.ranks,
            bound: plan.bound.rawValue, machine_file: source.path, machine: source.machine)
    }
}
