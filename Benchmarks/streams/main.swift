import Basics
import Formats
import Interactions

// StreamSpeed FOLDER SAMPLES
// Writes samples of {user: int64, item: int64, rating: float32} as a Mosaic streaming data set, and reads them in batches:
// two epochs in their order, and two shuffled. Prints the seconds of each; of two epochs, the second's.

let folder = CommandLine.arguments[1], samples = Int(CommandLine.arguments[2])!

let users = (0..<samples).map { Int64($0 / 100) }, items = (0..<samples).map { Int64($0 * 7919 % 100_000) }
let ratings = (0..<samples).map { Float($0 % 10) / 2 }

try Files.remove(folder)
var clock = Stopwatch()
let writer = try MDSWriter(folder, columns: ["user": .int64, "item": .int64, "rating": .float32])
try writer.write(["user": .int64(users), "item": .int64(items), "rating": .float32(ratings)])
try writer.finish()
let write = clock.seconds

/// Seconds of a second epoch.
func epoch(shuffles: Bool) throws -> Double {
    let source = MDSShardSource(try MDSFolder(folder))
    let stream = try ShardStream(source, options: ShardStream.Options(batchSize: 4096, shuffles: shuffles))
    var clock = Stopwatch()
    for _ in 0..<2 {
        clock = Stopwatch()
        var (seen, sum, total) = (0, Int64(0), Float(0))
        while let batch = try stream.next() {
            seen += batch.count
            sum &+= batch.integers("user").reduce(0, &+) &+ batch.integers("item").reduce(0, &+)
            total += batch.numbers("rating").reduce(0, +)
        }
        let expected = users.reduce(0, &+) &+ items.reduce(0, &+)
        precondition(seen == samples && sum == expected && total > 0, "an epoch has other samples than were written")
    }
    return clock.seconds
}

let sequential = try epoch(shuffles: false), shuffled = try epoch(shuffles: true)
print(
    """
    {"samples": \(samples), "write_seconds": \(write), "sequential_seconds": \(sequential), \
    "shuffled_seconds": \(shuffled)}
    """)
