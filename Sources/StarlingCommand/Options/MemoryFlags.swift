import ArgumentParser
import Starling

/// How much memory a training may take.
struct MemoryFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Take no more memory than this, such as 4GB; stored NumPy arrays and MDS shards whose interactions do not fit are \
            read in passes. Default: what is free, of which interactions take at most three quarters.
            """, valueName: "size"))
    var memoryLimit: String?

    /// Bytes; nil where none were said and it cannot be told what is free.
    func available() throws -> Int? {
        let limit = try memoryLimit.map { try Quantity.whole($0, .bytes, option: "--memory-limit") }
        let free = try MemoryEstimate.available()
        return limit.map { min($0, free ?? $0) } ?? free
    }
}
