import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How the ranks of one machine are started: with `torchrun`'s variables, and the arguments of one process.
package struct RankStart: Sendable {
    /// Ranks of this machine.
    let workers: Int
    let nodes: Int
    let node: Int
    let host: String
    private var arguments: [String]

    /// - Parameter arguments: of the program, without its name.
    package init(workers: Int, nodes: Int, node: Int, host: String, _ arguments: [String]) {
        (self.workers, self.nodes, self.node) = (workers, nodes, node)
        (self.host, self.arguments) = (host, arguments)
    }

    /// This machine's ranks.
    var ranks: Range<Int> { node * workers..<(node + 1) * workers }

    /// Whether the ranks meet on this machine.
    var holdsPort: Bool { node == 0 }

    /// Whether an option is among the arguments, in any spelling.
    func has(_ option: String) -> Bool {
        arguments.contains { Self.name($0) == option }
    }

    /// Gives a training that names no number of threads this one.
    package mutating func setThreads(_ count: Int) {
        if isTraining && !has("--threads") { arguments += ["--threads", String(count)] }
    }

    /// The arguments after so many restarts: those of the first start would begin anew, or refuse a run that is there.
    package func arguments(restarts: Int) -> [String] {
        guard restarts > 0, isTraining else { return arguments }
        return arguments.filter { Self.name($0) != "--overwrite" } + (has("--resume") ? [] : ["--resume"])
    }

    /// What a rank finds in its environment, on top of ours.
    package func variables(rank: Int, port: Int, restarts: Int) -> [String: String] {
        [
            "RANK": "\(rank)", "LOCAL_RANK": "\(rank - ranks.lowerBound)", "WORLD_SIZE": "\(nodes * workers)",
            "LOCAL_WORLD_SIZE": "\(workers)", "GROUP_RANK": "\(node)", "MASTER_ADDR": host, "MASTER_PORT": "\(port)",
            "STARLING_RESTART_COUNT": "\(restarts)", Launcher.variable: "\(getpid())",
        ]
    }

    private var isTraining: Bool { arguments.first == "train" }

    private static func name(_ argument: String) -> Substring {
        Spelling.option(argument).0.prefix { $0 != "=" }
    }
}
