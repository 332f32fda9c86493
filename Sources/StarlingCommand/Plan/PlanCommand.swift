import ArgumentParser
import Starling

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Says what a training would take on so many machines: memory, traffic, time.",
        discussion: """
            Numbers may have a decimal suffix: k, M, G, T. What the machine does in a second is measured by --calibrate and \
            kept; before that, figures of another machine stand in. docs/scaling.md has every formula. Examples:

              starling plan --calibrate
              starling plan --users 320M --items 70M --interactions 100G --factors 128 --nodes 1000 --model als
              starling plan --users 1M --items 100k --interactions 100M --model mf --workers 2 --threads 1
              starling plan --table
            """)

    @OptionGroup(title: "Training") var training: PlanFlags
    @OptionGroup(title: "Machines") var machines: ClusterFlags

    @Flag(help: "Print the scaling table of HPXPy's ALS notebook beside what this model says of its rows.")
    var table = false

    @Flag(help: "Measure this machine, which takes some 35 seconds, and keep the figures.")
    var calibrate = false

    @Option(
        help: ArgumentHelp(
            "Keep figures in this file, and plan by it. Default: ~/.cache/starling/machine.json.", valueName: "file"))
    var machine: String?

    @Flag(help: "Print one JSON object in place of tables.")
    var json = false

    func run() throws {
        let file = MachineFile(machine)
        if calibrate { return try measure(file) }
        let (constants, source) = try file.read()
        let cluster = try machines.cluster(constants)
        if table {
            guard training.users == nil, training.items == nil, training.interactions == nil else {
                throw StarlingError(
                    .usage, "--table has its own sizes", remedy: "leave out --users, --items and --interactions")
            }
            let table = try NotebookTable(training, cluster, constants)
            return FileHandles.standardOutput(
                json ? try JSON.text(table.answer) + "\n" : table.text + "\n" + source.line + "\n")
        }
        let report = PlanReport(try training.scaling(), training, cluster, constants)
        FileHandles.standardOutput(
            json ? try JSON.text(report.answer(source)) + "\n" : report.text + "\n" + source.line + "\n")
    }

    private func measure(_ file: MachineFile) throws {
        let communicator = try TrainingRanks.meet()
        let found = try Calibration(communicator).measure()
        guard communicator.rank == 0 else { return }
        try file.write(found)
        FileHandles.standardOutput(
            json ? try JSON.text(found) + "\n" : found.text + "\nKept in \(file.path).\n")
    }
}

/// Where a machine's figures are.
struct MachineFile {
    /// What a plan is made by.
    struct Source {
        /// nil: built in.
        let path: String?
        let machine: String
        let measured: String

        var line: String {
            path.map { "By figures of \(machine), measured \(measured) (\($0))." }
                ?? "By built-in figures of another machine (\(machine)); starling plan --calibrate measures this one."
        }
    }

    let path: String
    private let isNamed: Bool

    init(_ named: String?) {
        isNamed = named != nil
        path = named ?? (Host.variable("HOME") ?? ".") + "/.cache/starling/machine.json"
    }

    /// The figures, built-in ones where there is no file and none was named.
    ///
    /// - Throws: `failed` for a file that is none; `usage` if a named one is not there.
    func read() throws -> (constants: MachineConstants, source: Source) {
        guard Files.exists(path) else {
            guard !isNamed else {
                throw StarlingError(
                    .usage, "there is no such file", at: .init(file: path),
                    remedy: "make it: starling plan --calibrate --machine")
            }
            let constants = MachineConstants.builtIn
            return (constants, Source(path: nil, machine: constants.machine, measured: constants.measured))
        }
        let constants = try JSON.decode(MachineConstants.self, from: Array(Files.readText(path).utf8), file: path)
        guard constants.isPlausible else {
            throw StarlingError(
                .failed, "its figures are not all above 0", at: .init(file: path),
                remedy: "measure again: starling plan --calibrate")
        }
        return (constants, Source(path: path, machine: constants.machine, measured: constants.measured))
    }

    func write(_ constants: MachineConstants) throws {
        try Files.makeDirectory(Files.parent(path))
        try Files.write(JSON.bytes(constants, pretty: true), to: path)
    }
}
