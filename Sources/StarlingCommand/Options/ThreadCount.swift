import Starling

/// The pool that `--threads` asks for: all processors unless told otherwise.
func makeWorkers(_ threads: Int?) throws -> Workers {
    guard let threads else { return Workers() }
    guard (1...1024).contains(threads) else {
        throw StarlingError(
            .usage, "--threads \(threads) is not a number of threads", remedy: "give 1 to 1024, or leave it out")
    }
    return Workers(threads: threads)
}
