import Starling

/// The pool that `--threads` asks for: all processors unless told otherwise, or this rank's share where several ranks are on the
/// machine (`LOCAL_WORLD_SIZE`).
func makeWorkers(_ threads: Int?) throws -> Workers {
    guard let threads else {
        let ranks = Host.variable("LOCAL_WORLD_SIZE").flatMap { Int($0) } ?? 1
        return Workers(threads: max(1, Host.processors / max(1, ranks)))
    }
    guard (1...1024).contains(threads) else {
        throw StarlingError(
            .usage, "--threads \(threads) is not a number of threads", remedy: "give 1 to 1024, or leave it out")
    }
    return Workers(threads: threads)
}
