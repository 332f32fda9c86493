import ArgumentParser
import Starling

struct LaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Starts a training as several processes, the ranks, on this machine.",
        discussion: """
            Behind “--” stands the command as one types it for one process. Ranks exchange what they compute through \
            LibTorch; only rank 0 writes the run and standard output. When a rank is lost, all end, and are started \
            again from the last checkpoint as often as --max-restarts says. Examples:

              starling launch --workers 4 -- train als --data clicks.csv --output runs/als
              starling launch --workers 2 --threads 8 --max-restarts 3 -- train mf --data ratings.csv --output runs/mf
              starling launch --workers 8 --nodes 2 --node 0 --host 10.0.0.1 --port 29500 -- \
            train als --data /shared/clicks.csv --output /shared/als
            """)

    @Option(help: ArgumentHelp("Start so many ranks on this machine.", valueName: "n"))
    var workers: Int

    @Option(
        help: ArgumentHelp(
            "Give each rank so many threads. Default: this machine's processors, divided by the ranks.", valueName: "n"
        ))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "When a rank is lost, start all again from the last checkpoint, so often at most.", valueName: "n"))
    var maxRestarts: Int = 0

    @Option(
        help: ArgumentHelp(
            "Have the ranks meet at this port of the first machine. Default: a free one.", valueName: "n"))
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "Have the ranks meet at this address, the first machine's. Default: 127.0.0.1.", valueName: "address"))
    var host: String?

    @Option(help: ArgumentHelp("Say how many machines are started likewise.", valueName: "n"))
    var nodes: Int = 1

    @Option(help: ArgumentHelp("Say which of the machines this is, from 0.", valueName: "i"))
    var node: Int?

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("Run this train or plan command, with its options.", valueName: "command"))
    var command: [String] = []

    func run() throws {
        try RankGroup.run(checked(), port: port, maxRestarts: maxRestarts)
    }

    /// Everything that can be told before a rank is started.
    ///
    /// - Throws: `usage`, and what the parser has to say of the command.
    private func checked() throws -> RankStart {
        func refuse(_ what: String, _ remedy: String) -> StarlingError { StarlingError(.usage, what, remedy: remedy) }
        guard Host.variable("WORLD_SIZE") == nil else {
            throw refuse(
                "WORLD_SIZE is set: this process is a rank already",
                "unset WORLD_SIZE, or leave launch out and start starling train as the rank")
        }
        for (name, number, least, most) in [
            ("--workers", workers, 1, 1024), ("--threads", threads ?? 1, 1, 1024),
            ("--max-restarts", maxRestarts, 0, Int.max), ("--nodes", nodes, 1, 1_000_000),
            ("--port", port ?? 1, 1, 65_535),
        ] where !(least...most).contains(number) {
            throw refuse(
                "\(name) \(number) is out of range",
                most == .max ? "give \(least) or more" : "give \(least) to \(Numerals.grouped(most))")
        }
        guard nodes == 1 || node != nil && host != nil && port != nil else {
            throw refuse(
                "--nodes \(nodes) is given without --node, --host and --port",
                "say which machine this is, and where the first one is met: --node 0 --host 10.0.0.1 --port 29500")
        }
        guard (0..<nodes).contains(node ?? 0) else {
            throw refuse(
                "--node \(node ?? 0) is none of \(nodes)", "machines are numbered from 0; --nodes is their number")
        }
        let example = "put it behind --: starling launch --workers \(workers) -- train als --data … --output …"
        guard let verb = command.first else { throw refuse("there is no command to run", example) }
        guard verb == "train" || verb == "plan" else {
            throw refuse("“\(verb)” does not run on ranks: train and plan do", example)
        }
        // What is wrong with it is said once, and not by every rank.
        guard !(try StarlingCommand.parseAsRoot(Spelling.expand(command)) is TrainCommand) else {
            throw refuse("train is given without a model", example)
        }
        var ranks = RankStart(workers: workers, nodes: nodes, node: node ?? 0, host: host ?? "127.0.0.1", command)
        guard threads == nil || !ranks.has("--threads") else {
            throw refuse("--threads is given to launch and to \(verb)", "give one of them")
        }
        ranks.setThreads(threads ?? max(1, Host.processors / workers))
        return ranks
    }
}
