import ArgumentParser
import Starling

/// What is to be trained, and on what.
struct PlanFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Plan for so many users who have interactions.", valueName: "n"))
    var users: String?

    @Option(help: ArgumentHelp("Plan for so many items that have interactions.", valueName: "n"))
    var items: String?

    @Option(help: ArgumentHelp("Plan for so many interactions.", valueName: "n"))
    var interactions: String?

    @Option(help: ArgumentHelp("Use vectors, or embeddings, of this length.", valueName: "k"))
    var factors = 64

    @Option(help: ArgumentHelp("Plan als (default), mf or two-tower.", valueName: "name"))
    var model: String = Model.als.rawValue

    @Option(help: ArgumentHelp("Take implicit feedback (default) or explicit ratings; als only.", valueName: "kind"))
    var feedback: String?

    @Option(help: ArgumentHelp("Solve by cholesky (default) or cg; als only.", valueName: "name"))
    var solver: String?

    @Option(help: ArgumentHelp("Take this many steps a row; with cg only. Default: 3.", valueName: "n"))
    var cgSteps: Int?

    @Option(
        help: ArgumentHelp("Take steps of so many interactions; two-tower only. Default: 4096.", valueName: "n"))
    var batchSize: Int?

    @Option(
        help: ArgumentHelp("Give towers layers of these widths; two-tower only. Default: 128,64.", valueName: "list"))
    var layers: String?

    enum Model: String, CaseIterable {
        case als, mf
        case twoTower = "two-tower"
    }

    /// - Throws: `usage` for what is missing, out of range, or of another model.
    func scaling() throws -> any ScalingModel {
        func size(_ text: String?, _ option: String) throws -> Int {
            guard let text else {
                throw StarlingError(
                    .usage, "\(option) is missing", remedy: "give --users, --items and --interactions, or --table")
            }
            return try Quantity.whole(text, option: option)
        }
        let (users, items) = (try size(users, "--users"), try size(items, "--items"))
        let interactions = try size(interactions, "--interactions")
        guard interactions >= max(users, items), Double(interactions) <= Double(users) * Double(items) else {
            throw StarlingError(
                .usage, "\(interactions) interactions do not go with \(users) users and \(items) items",
                remedy: "give at least one for each user and item, and at most one for each pair")
        }
        let kind: Model = try choice("--model", model)
        func only(_ given: Bool, _ option: String, _ wanted: Model) throws {
            guard !given || kind == wanted else {
                throw StarlingError(
                    .usage, "\(option) has no meaning with --model \(kind.rawValue)", remedy: "leave it out")
            }
        }
        try only(feedback != nil, "--feedback", .als)
        try only(solver != nil, "--solver", .als)
        try only(cgSteps != nil, "--cg-steps", .als)
        try only(batchSize != nil, "--batch-size", .twoTower)
        try only(layers != nil, "--layers", .twoTower)
        guard (1...2048).contains(factors) else {
            throw StarlingError(.usage, "--factors \(factors) is out of range", remedy: "use 1 to 2048")
        }
        switch kind {
        case .als: return try als(users, items, interactions)
        case .mf:
            let side = BlockGrid.side(users: users, items: items, ratings: interactions, factors: factors)
            return MFScaling(users: users, items: items, interactions: interactions, factors: factors, gridSide: side)
        case .twoTower:
            let widths = try (layers ?? "128,64").split(separator: ",", omittingEmptySubsequences: false).map {
                guard let width = Int($0), (1...8192).contains(width) else {
                    throw StarlingError(
                        .usage, "--layers “\(layers ?? "")” are no widths", remedy: "use 1 to 8192: 128,64")
                }
                return width
            }
            let batch = batchSize ?? 4096
            guard (2...1 << 20).contains(batch) else {
                throw StarlingError(.usage, "--batch-size \(batch) is out of range", remedy: "use 2 to 1048576")
            }
            return TwoTowerScaling(
                users: users, items: items, interactions: interactions, factors: factors, layers: widths,
                batchSize: batch)
        }
    }

    /// Alternating least squares as these options say.
    func als(_ users: Int, _ items: Int, _ interactions: Int) throws -> ALSScaling {
        let kind: Feedback = try choice("--feedback", feedback ?? Feedback.implicit.rawValue)
        let method: ALSOptions.Solver = try choice("--solver", solver ?? ALSOptions.Solver.cholesky.rawValue)
        guard method != .subspace else {
            throw StarlingError(.usage, "there is no model of --solver subspace", remedy: "use cholesky or cg")
        }
        guard cgSteps == nil || method == .cg, (1...1000).contains(cgSteps ?? 3) else {
            throw StarlingError(
                .usage, "--cg-steps \(cgSteps ?? 3) does not go with --solver \(method.rawValue)",
                remedy: "give 1 to 1000 with --solver cg")
        }
        return ALSScaling(
            users: users, items: items, interactions: interactions, factors: factors, isImplicit: kind == .implicit,
            hasBiases: kind == .explicit, solver: method == .cg ? .cg(steps: cgSteps ?? 3) : .cholesky)
    }
}

/// Machines to plan for.
struct ClusterFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Use up to so many machines.", valueName: "n"))
    var nodes: String = "1"

    @Option(help: ArgumentHelp("Start so many ranks on each, as launch --workers does.", valueName: "n"))
    var workers = 1

    @Option(help: ArgumentHelp("Give a rank so many threads. Default: every processor's.", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Processors of a machine. Default: the measured machine's; with several machines no fewer than threads.",
            valueName: "n"))
    var cores: Int?

    @Option(help: ArgumentHelp("Memory of a machine.", valueName: "bytes"))
    var memory = "64GB"

    @Option(help: ArgumentHelp("What a machine sends while it receives as much.", valueName: "rate"))
    var network = "10Gbit/s"

    @Option(help: ArgumentHelp("From machine to machine.", valueName: "time"))
    var latency = "50us"

    @Option(help: ArgumentHelp("What a checkpoint is written with.", valueName: "rate"))
    var disk = "1GB/s"

    /// - Throws: `usage` naming the option that is none of its kind.
    func cluster(_ machine: MachineConstants) throws -> Cluster {
        let nodes = try Quantity.whole(nodes, option: "--nodes")
        func count(_ value: Int, _ option: String) throws -> Int {
            guard (1...4096).contains(value) else {
                throw StarlingError(.usage, "\(option) \(value) is out of range", remedy: "use 1 to 4096")
            }
            return value
        }
        guard nodes <= 1_000_000 else {
            throw StarlingError(.usage, "--nodes \(nodes) is out of range", remedy: "use 1 to 1000000")
        }
        let workers = try count(workers, "--workers")
        let threads = try count(threads ?? max(1, (cores ?? machine.processors) / workers), "--threads")
        let least = nodes > 1 ? workers * threads : 1
        return Cluster(
            nodes: nodes, workers: workers, threads: threads,
            cores: try count(cores ?? max(machine.processors, least), "--cores"),
            memory: try Quantity.whole(memory, .bytes, option: "--memory"),
            network: Link(
                bandwidth: try Quantity.parse(network, .bytesPerSecond, option: "--network"),
                latency: try Quantity.parse(latency, .seconds, option: "--latency")),
            disk: try Quantity.parse(disk, .bytesPerSecond, option: "--disk"))
    }
}
