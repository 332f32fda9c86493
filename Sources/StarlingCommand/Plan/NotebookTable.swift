import Starling

/// The scaling table of HPXPy's notebook on ALS, and what this model says of its rows.
struct NotebookTable {
    /// A row as it is printed there. It says nothing of interactions and factors.
    struct Row {
        let name: String
        let users, items, nodes: Int
        let seconds: Double
        /// “Communication” an iteration.
        let bytes: Int
        let interactions: Int
    }

    /// Interactions are those of Netflix's prize, 209 a user, for the first four, and 100 thousand million for the last.
    static let rows = [
        Row(name: "Small", users: 10_000, items: 5000, nodes: 1, seconds: 1, bytes: 0, interactions: 2_090_000),
        Row(
            name: "Medium", users: 100_000, items: 50_000, nodes: 10, seconds: 1, bytes: 5_000_000,
            interactions: 20_900_000),
        Row(
            name: "Large", users: 1_000_000, items: 500_000, nodes: 100, seconds: 1, bytes: 50_000_000,
            interactions: 209_000_000),
        Row(
            name: "Netflix", users: 500_000, items: 18_000, nodes: 50, seconds: 1, bytes: 9_000_000,
            interactions: 104_500_000),
        Row(
            name: "Spotify", users: 320_000_000, items: 70_000_000, nodes: 10_000, seconds: 2, bytes: 280_000_000,
            interactions: 100_000_000_000),
    ]

    private let factors: Int
    private let entries: [(row: Row, plan: ScalingPlan, curve: ScalingCurve)]

    /// - Throws: `usage` for options of another model.
    init(_ training: PlanFlags, _ cluster: Cluster, _ machine: MachineConstants) throws {
        guard training.model.lowercased() == PlanFlags.Model.als.rawValue, (1...2048).contains(training.factors),
            cluster.nodes == 1, cluster.workers == 1
        else {
            throw StarlingError(
                .usage, "--table is of --model als on its own numbers of machines, with a rank on each",
                remedy: "leave out --model, --nodes and --workers; --factors is 1 to 2048")
        }
        factors = training.factors
        entries = try Self.rows.map { row in
            let model = try training.als(row.users, row.items, row.interactions)
            var cluster = cluster
            cluster.nodes = row.nodes
            return (row, model.plan(on: cluster, machine), ScalingCurve(of: model, on: cluster, machine))
        }
    }

    var text: String {
        let table = Table(
            title: "Scaling projection of HPXPy's ALS notebook, and this model with \(factors) factors",
            header: [
                "setup", "users", "items", "machines", "claimed", "takes", "claimed sent", "each receives",
                "memory of each",
                "worth it", "bound by",
            ],
            rows: entries.map { row, plan, curve in
                [
                    row.name, Numerals.short(Double(row.users)), Numerals.short(Double(row.items)),
                    Numerals.grouped(row.nodes), Quantity.seconds(row.seconds), Quantity.seconds(plan.seconds),
                    Quantity.bytes(row.bytes), Quantity.bytes(plan.sentBytes / row.nodes),
                    Numerals.bytes(plan.memory.total),
                    Numerals.grouped(curve.worth.plan.cluster.nodes), plan.bound.rawValue,
                ]
            }
        ).render()
        return table + "\n" + entries.map(Self.verdict).joined(separator: "\n") + "\n" + Self.reasons
    }

    /// Where a row was too hopeful.
    private static func verdict(_ row: Row, _ plan: ScalingPlan, _ curve: ScalingCurve) -> String {
        var parts: [String] = []
        if row.bytes > 0 {
            let implied = row.bytes / (4 * row.items)
            parts.append(
                "communication: \(Numerals.bytes(row.bytes)) are the items with \(implied) factor\(implied == 1 ? "" : "s") of 32 bits, "
                    + "once; \(Numerals.short(Double(plan.sentBytes / row.nodes) / Double(row.bytes))) times that reaches each machine"
            )
        }
        if !plan.fits {
            parts.append(
                "memory: both tables are on every machine, \(Numerals.bytes(plan.memory.total)) of "
                    + Numerals.bytes(plan.cluster.memory))
        }
        if plan.seconds > row.seconds {
            parts.append(
                "time: \(Numerals.short(plan.seconds / row.seconds)) times what it says, bound by "
                    + (plan.bound == .computing ? "computing" : "the \(plan.bound.rawValue)"))
        }
        let last = curve.points[curve.points.count - 1]
        if row.nodes > 1, last.efficiency < ScalingCurve.worthwhile {
            parts.append(
                "speed-up: \(Numerals.fixed(last.speedUp, 0)) on \(Numerals.grouped(row.nodes)) machines is not linear")
        }
        return "\(row.name): " + (parts.isEmpty ? "not too hopeful" : parts.joined(separator: "; ")) + "."
    }

    private static let reasons = """

        The notebook counts one table sent once, the items'. In an iteration every machine needs all users' vectors and all items',
        and each row is sent to all others: what a machine receives does not fall with their number, while what it solves does.
        So more machines help until the network takes as long as the solving, and “linear” ends there. It says nothing of
        interactions, on which time depends most; and its own code makes a diagonal matrix of items × items for every user.

        """

    /// Property names are the JSON keys.
    struct Answer: Encodable {
        struct Setup: Encodable {
            let setup: String
            let users, items, interactions, nodes: Int
            let claimed_seconds: Double
            let claimed_bytes: Int
            let seconds: Double
            let received_bytes, sent_bytes, memory_bytes: Int
            let fits: Bool
            let worth_nodes: Int
            let efficiency: Double
            let bound: String
        }
        let factors: Int
        let rows: [Setup]
    }

    var answer: Answer {
        Answer(
            factors: factors,
            rows: entries.map { row, plan, curve in
                .init(
                    setup: row.name, users: row.users, items: row.items, interactions: row.interactions,
                    nodes: row.nodes, claimed_seconds: row.seconds, claimed_bytes: row.bytes, seconds: plan.seconds,
                    received_bytes: plan.sentBytes / row.nodes, sent_bytes: plan.sentBytes,
                    memory_bytes: plan.memory.total, fits: plan.fits,
                    worth_nodes: curve.worth.plan.cluster.nodes,
                    efficiency: curve.points[curve.points.count - 1].efficiency, bound: plan.bound.rawValue)
            })
    }
}
