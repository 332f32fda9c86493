import Basics
import Formats
import Interactions
import Kernels
import Synchronization
import Testing

/// The order of a stream, whoever reads it: every sample once an epoch, the same at any number of ranks and after any stop.
@Suite struct ShardStreamTests {
    /// Sample n of all has the number n.
    final class Numbers: ShardSource {
        let name = "numbers"
        let columns = [StreamColumn.Kind("n", .integers), .init("half", .numbers), .init("text", .texts)]
        let counts: [Int]
        let opened = Mutex<[Int]>([])
        let failing = Mutex<Int?>(nil)

        init(_ counts: [Int]) { self.counts = counts }

        func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
            if failing.withLock({ $0 }) == shard { throw StarlingError(.badData, "shard \(shard) is bad") }
            opened.withLock { $0.append(shard) }
            return Shard(first: counts[..<shard].reduce(0, +))
        }

        struct Shard: OpenShard {
            let first: Int

            func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) -> StreamColumn {
                let numbers = rows.map { first + Int($0) }
                return switch column {
                case 0: .integers(numbers.map { Int64($0) })
                case 1: .numbers(numbers.map { Float($0) / 2 })
                default: .texts(numbers.map { "t\($0)" })
                }
            }
        }
    }

    static func options(
        _ batch: Int, shuffles: Bool = true, seed: UInt64 = 7, rank: Int = 0, of ranks: Int = 1
    ) -> ShardStream.Options {
        var options = ShardStream.Options(batchSize: batch, shuffles: shuffles, seed: seed)
        (options.rank, options.ranks) = (rank, ranks)
        return options
    }

    /// Batches of an epoch.
    static func epoch(_ stream: ShardStream) throws -> [[Int64]] {
        var batches: [[Int64]] = []
        while let batch = try stream.next() { batches.append(batch.integers("n")) }
        return batches
    }

    static let shapes: [[Int]] = [
        [1], [5], [3, 0, 4], [4096], [4097, 2], [9000, 1, 40_000, 4096, 0, 20_000, 7, 300, 12_288, 5000, 17],
        [Int](repeating: 1000, count: 30), [300_000, 280_000],
    ]

    @Test(arguments: shapes, [true, false]) func everySampleOnceAnEpoch(counts: [Int], shuffles: Bool) throws {
        let source = Numbers(counts)
        let total = counts.reduce(0, +)
        let stream = try ShardStream(source, options: Self.options(1000, shuffles: shuffles))
        #expect(stream.batchesPerEpoch == (total + 999) / 1000)
        var epochs: [[Int64]] = []
        for number in 0..<3 {
            #expect(stream.state.epoch == number)
            let batches = try Self.epoch(stream)
            #expect(batches.count == stream.batchesPerEpoch && batches.dropLast().allSatisfy { $0.count == 1000 })
            let all = batches.flatMap { $0 }
            #expect(all.sorted() == (0..<Int64(total)).map { $0 })
            epochs.append(all)
        }
        if shuffles {
            if total > 100 { #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2]) }
        } else {
            #expect(epochs == [[Int64]](repeating: (0..<Int64(total)).map { $0 }, count: 3))
        }
        let again = try ShardStream(Numbers(counts), options: Self.options(1000, shuffles: shuffles))
        #expect(try Self.epoch(again).flatMap { $0 } == epochs[0])
        if shuffles && total > 100 {
            let other = try ShardStream(Numbers(counts), options: Self.options(1000, seed: 8))
            #expect(try Self.epoch(other).flatMap { $0 } != epochs[0])
        }
    }

    /// Neighbours in the data are not neighbours in an epoch, and no part of it stays near its place.
    @Test func shuffledMeansShuffled() throws {
        let stream = try ShardStream(Numbers([Int](repeating: 40_000, count: 8)), options: Self.options(1 << 20))
        let all = try Self.epoch(stream)[0]
        let steps = zip(all, all.dropFirst()).count { abs($0 - $1) <= 10 }
        // Of 2¹⁴ that are shuffled together, twenty are as near: 390 in all, where uniformly it would be 20.
        #expect(steps < 600)
        let (count, mean) = (Double(all.count), Double(all.count - 1) / 2)
        var (covariance, variance) = (0.0, 0.0)
        for (place, value) in all.enumerated() {
            covariance += (Double(place) - mean) * (Double(value) - mean)
            variance += (Double(place) - mean) * (Double(place) - mean)
        }
        // Of 1,250 stretches in random order the correlation's deviation is about 1/√1250.
        #expect(abs(covariance / variance) < 0.2)
        // A batch of 4,096 has samples from all over a window: here, of the whole.
        #expect(Set(all[..<4096].map { $0 / 20_000 }).count > 12)
        #expect(count == 320_000)
    }

    @Test(
        arguments: [[4097, 2, 30_000], [10], [9000, 1, 40_000, 20_000, 7, 300, 5000, 17, 80, 90]], [64, 1000, 1001])
    func ranksShareEachBatch(counts: [Int], batch: Int) throws {
        let whole = try Self.epoch(ShardStream(Numbers(counts), options: Self.options(batch)))
        for ranks in [1, 2, 3, 4, 8] {
            let parts = try (0..<ranks).map {
                try Self.epoch(ShardStream(Numbers(counts), options: Self.options(batch, rank: $0, of: ranks)))
            }
            #expect(parts.allSatisfy { $0.count == whole.count })
            for number in whole.indices {
                #expect(parts.flatMap { $0[number] } == whole[number])
                let sizes = parts.map { $0[number].count }
                #expect(sizes.max()! - sizes.min()! <= 1)
            }
        }
    }

    /// Stopped after any batch, gone on with at another number of ranks.
    @Test(arguments: [(1, 1), (2, 4), (8, 1), (1, 8), (4, 2)]) func goesOnAnywhere(from: Int, to: Int) throws {
        let counts = [9000, 1, 40_000, 20_000, 7, 300, 5000, 17, 80, 90]
        let undisturbed = try ShardStream(Numbers(counts), options: Self.options(3000))
        let expected = try [Self.epoch(undisturbed), Self.epoch(undisturbed)]
        for batches in [0, 1, 7, 24, 25, 26, 30] {
            var states: [ShardStream.State] = []
            for rank in 0..<from {
                let stream = try ShardStream(Numbers(counts), options: Self.options(3000, rank: rank, of: from))
                for _ in 0..<batches { _ = try stream.next() }
                states.append(stream.state)
            }
            #expect(Set(states.map { "\($0)" }).count == 1)
            let text = try JSON.bytes(states[0])
            #expect(text.count < 200)
            let state = try JSON.decode(ShardStream.State.self, from: text, file: "state")
            var rest: [[[Int64]]] = []
            for rank in 0..<to {
                // The seed of the state holds.
                let options = Self.options(3000, seed: 1, rank: rank, of: to)
                let stream = try ShardStream(Numbers(counts), options: options, state: state)
                rest.append(try Self.epoch(stream))
            }
            let joined = rest[0].indices.map { number in rest.flatMap { $0[number] } }
            let (done, epoch) = ((state.position + 2999) / 3000, state.epoch)
            #expect(joined == Array(expected[epoch][done...]))
        }
    }

    @Test func columnsGoTogether() throws {
        var options = Self.options(500)
        let all = try ShardStream(Numbers([700, 900]), options: options)
        let batch = try #require(try all.next())
        #expect(batch.numbers("half") == batch.integers("n").map { Float($0) / 2 })
        #expect(batch.columns["text"] == .texts(batch.integers("n").map { "t\($0)" }))
        options.columns = ["half"]
        let some = try #require(try ShardStream(Numbers([700, 900]), options: options).next())
        #expect(some.columns.keys.sorted() == ["half"] && some.numbers("half") == batch.numbers("half"))
    }

    /// A shard is opened once an epoch at most, and not again while few are there; a bad one is an error where it is read,
    /// and the stream can be asked again.
    @Test func shardsAreOpenedOnceAndBadOnesAreErrors() throws {
        let source = Numbers([Int](repeating: 10, count: 40))
        let stream = try ShardStream(source, options: Self.options(16))
        _ = try Self.epoch(stream)
        #expect(Set(source.opened.withLock { $0 }).count == 40)
        #expect(source.opened.withLock { $0 }.count <= 48)
        let few = Numbers([10, 10, 10])
        let again = try ShardStream(few, options: Self.options(16))
        for _ in 0..<5 { _ = try Self.epoch(again) }
        #expect(few.opened.withLock { $0 }.sorted() == [0, 1, 2])

        let broken = Numbers([Int](repeating: 10, count: 40))
        broken.failing.withLock { $0 = 20 }
        let reader = try ShardStream(broken, options: Self.options(16, shuffles: false))
        for _ in 0..<12 { _ = try reader.next() }
        let before = reader.state
        #expect { try reader.next() } throws: { "\($0)".contains("shard 20 is bad") }
        #expect(reader.state == before)
        broken.failing.withLock { $0 = nil }
        #expect(try reader.next()?.integers("n") == (192..<208).map { Int64($0) })
    }

    /// A log written as shards comes back sample by sample, whatever the shards and their compression.
    @Test(arguments: [nil, "zstd"], [1 << 26, 20_000])
    func mosaicShardsAreSamples(compression: String?, sizeLimit: Int) throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let log = try SyntheticRatings(users: 300, items: 80, interactions: 6000, seed: 3).log(
            workers: Workers(threads: 2))
        let options = MDSWriter.Options(
            compression: try compression.map { try MDSCompression($0) }, hashes: [.xxh64], sizeLimit: sizeLimit)
        try InteractionWriter.writeMDS(log, to: folder + "/shards", options: options)
        let source = MDSShardSource(try MDSFolder(folder + "/shards"))
        #expect(source.counts.reduce(0, +) == log.count && (source.counts.count > 1) == (sizeLimit < 1 << 26))
        let expected = (0..<log.count).map { index in
            "\(log.users[UserRow(Int(log.userRows[index]))]) \(log.items[ItemRow(Int(log.itemRows[index]))]) \(log.value(index))"
        }
        for shuffles in [false, true] {
            let stream = try ShardStream(source, options: Self.options(700, shuffles: shuffles))
            var found: [String] = []
            while let batch = try stream.next() {
                let (users, items) = (batch.integers("user"), batch.integers("item"))
                for (index, value) in batch.numbers("rating").enumerated() {
                    found.append("\(users[index]) \(items[index]) \(value)")
                }
            }
            #expect(shuffles ? found.sorted() == expected.sorted() && found != expected : found == expected)
        }
    }

    /// Numbers read where they lie are those that the shards give: of every type, at any distance, over several groups.
    @Test(arguments: [[4097, 2, 30_000], [10], [9000, 1, 40_000, 20_000, 7, 300, 5000, 17, 80, 90]], [true, false])
    func cellsAreTheShardsValues(counts: [Int], shuffles: Bool) throws {
        let stream = try ShardStream(Records(counts), options: Self.options(3000, shuffles: shuffles))
        let expected = try ShardStream(Numbers(counts), options: Self.options(3000, shuffles: shuffles))
        while let batch = try expected.next() {
            let found = try #require(try stream.next())
            #expect(found.integers("n") == batch.integers("n") && found.numbers("half") == batch.numbers("half"))
        }
        #expect(try stream.next() == nil)
    }

    /// The same samples as of ``Numbers``, in records of 20 bytes.
    struct Records: ShardSource {
        let name = "records"
        let columns = [StreamColumn.Kind("n", .integers), .init("half", .numbers)]
        let counts: [Int]

        init(_ counts: [Int]) { self.counts = counts }

        func open(_ shard: Int, cancellation: Cancellation?) -> any OpenShard {
            Shard(first: counts[..<shard].reduce(0, +), count: counts[shard])
        }

        /// `@unchecked Sendable`: nothing is written after it is made.
        final class Shard: OpenShard, @unchecked Sendable {
            private let memory: UnsafeMutableRawBufferPointer
            private let count: Int

            init(first: Int, count: Int) {
                memory = .allocate(byteCount: 20 * count, alignment: 1)
                self.count = count
                for row in 0..<count {
                    memory.storeBytes(of: Int64(first + row), toByteOffset: 20 * row, as: Int64.self)
                    memory.storeBytes(of: Double(first + row) / 2, toByteOffset: 20 * row + 8, as: Double.self)
                }
            }

            deinit { memory.deallocate() }

            func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn {
                throw StarlingError(.failed, "cells are read where they lie")
            }

            func cells(ofColumn column: Int) -> StridedCells? {
                let base = UnsafeRawPointer(memory.baseAddress!) + 8 * column
                return StridedCells(base: base, stride: 20, count: count, type: column == 0 ? .int64 : .float64)
            }
        }
    }

    /// An integer beyond 64 bits is named by its shard and sample, whichever way it is read.
    @Test func numbersOutOfRangeAreNamed() throws {
        let folder = try Files.makeTemporaryFolder()
        defer { try? Files.remove(folder) }
        let writer = try MDSWriter(folder + "/shards", columns: ["n": .uint64])
        try writer.write(["n": .uint64((0..<5000).map { $0 == 4321 ? .max : $0 })])
        try writer.finish()
        let stream = try ShardStream(MDSShardSource(try MDSFolder(folder + "/shards")), options: Self.options(5000))
        #expect { try stream.next() } throws: {
            "\($0)".contains("18446744073709551615") && ($0 as? StarlingError)?.place.sample == 4321
        }
    }

    @Test func wrongUseIsRefused() throws {
        let source = Numbers([10])
        func code(_ options: ShardStream.Options, _ state: ShardStream.State? = nil) -> StarlingError.Code? {
            do {
                _ = try ShardStream(source, options: options, state: state)
                return nil
            } catch { return (error as? StarlingError)?.code }
        }
        #expect(code(Self.options(0)) == .usage && code(Self.options(1, rank: 2, of: 2)) == .usage)
        var options = Self.options(4)
        options.columns = ["m"]
        #expect(code(options) == .badData)
        let other = try ShardStream(Numbers([11]), options: Self.options(4)).state
        #expect(code(Self.options(4), other) == .badData)
        #expect { try ShardStream(Numbers([0, 0])) } throws: { ($0 as? StarlingError)?.code == .badData }
        let cancellation = Cancellation()
        let stream = try ShardStream(source, cancellation: cancellation)
        cancellation.cancel()
        #expect { try stream.next() } throws: { ($0 as? StarlingError)?.code == .interrupted }
    }
}
