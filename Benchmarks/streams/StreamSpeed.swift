import Basics
import Formats
import Interactions

// StreamSpeed FOLDER SAMPLES
// Writes samples of {user: int64, item: int64, rating: float32} as a Mosaic streaming data set, and reads them in batches:
// six epochs in their order, and six shuffled. Prints the seconds of each; of epochs the median, the first left out.

@main struct StreamSpeed {
    let folder: String
    let users: [Int64], items: [Int64], ratings: [Float]

    static func main() throws {
        let speed = StreamSpeed(folder: CommandLine.arguments[1], samples: Int(CommandLine.arguments[2])!)
        let write = try speed.write()
        let sequential = try speed.epoch(shuffles: false), shuffled = try speed.epoch(shuffles: true)
        print(
            """
            {"samples": \(speed.users.count), "write_seconds": \(write), "sequential_seconds": \(sequential), \
            "shuffled_seconds": \(shuffled)}
            """)
    }

    init(folder: String, samples: Int) {
        self.folder = folder
        users = (0..<samples).map { Int64($0 / 100) }
        items = (0..<samples).map { Int64($0 * 7919 % 100_000) }
        ratings = (0..<samples).map { Float($0 % 10) / 2 }
    }

    func write() throws -> Double {
        try Files.remove(folder)
        let clock = Stopwatch()
        let writer = try MDSWriter(folder, columns: ["user": .int64, "item": .int64, "rating": .float32])
        try writer.write(["user": .int64(users), "item": .int64(items), "rating": .float32(ratings)])
        try writer.finish()
        return clock.seconds
    }

    /// Seconds of an epoch.
    func epoch(shuffles: Bool) throws -> Double {
        let source = MDSShardSource(try MDSFolder(folder))
        let stream = try ShardStream(source, options: ShardStream.Options(batchSize: 4096, shuffles: shuffles))
        let expected = users.reduce(0, &+) &+ items.reduce(0, &+)
        var seconds: [Double] = []
        for _ in 0..<6 {
            let clock = Stopwatch()
            var (seen, sum, total) = (0, Int64(0), Float(0))
            while let batch = try stream.next() {
                seen += batch.count
                sum &+= batch.integers("user").reduce(0, &+) &+ batch.integers("item").reduce(0, &+)
                total += batch.numbers("rating").reduce(0, +)
            }
            seconds.append(clock.seconds)
            precondition(
                seen == users.count && sum == expected && total > 0, "an epoch has other samples than were written")
        }
        return seconds.dropFirst().sorted()[2]
    }
}
