import Basics
import Formats
import Foundation
import Interactions
import Remote
import Testing

/// One reader for folders and for places on the network.
struct RemoteStreamTests {
    private let scratch = try! Scratch()
    private let samples = 6000

    /// A local data set of about 16 shards.
    private func dataSet(_ compression: String? = nil, _ hashes: [MDSHash] = [.xxh64]) throws -> MDSFolder {
        let options = MDSWriter.Options(
            compression: try compression.map { try MDSCompression($0) }, hashes: hashes, sizeLimit: 10_000)
        let writer = try MDSWriter(
            scratch.folder + "/set", columns: ["user": .int64, "item": .int64, "rating": .float32], options: options)
        let numbers = (0..<Int64(samples)).map { $0 }
        try writer.write([
            "user": .int64(numbers.map { $0 * $0 }), "item": .int64(numbers.map { -$0 }),
            "rating": .float32(numbers.map { Float($0 % 9) / 2 }),
        ])
        try writer.finish()
        return try MDSFolder(scratch.folder + "/set")
    }

    private func stream(_ folder: MDSFolder, shuffles: Bool = true) throws -> ShardStream {
        try ShardStream(MDSShardSource(folder), options: .init(batchSize: 512, shuffles: shuffles))
    }

    private func expectSame(_ store: any ShardStore, _ local: MDSFolder) throws {
        let remote = try MDSFolder(store)
        #expect(remote.index == local.index && remote.count == samples && remote.index.shards.count > 12)
        for shuffles in [false, true] {
            let (own, other) = (try stream(local, shuffles: shuffles), try stream(remote, shuffles: shuffles))
            for _ in 0..<2 {
                while let batch = try own.next() { #expect(try other.next() == batch) }
                #expect(try other.next() == nil)
            }
        }
    }

    @Test(arguments: [nil, "zstd", "gz"], [[], [MDSHash.sha1, .xxh64]])
    func aWebServer(compression: String?, hashes: [MDSHash]) throws {
        let local = try dataSet(compression, hashes)
        let server = try Server("plain_server.py", scratch.folder)
        // By a name, which has to be looked up.
        let address = server.address.replacing("127.0.0.1", with: "localhost") + "/set"
        try expectSame(scratch.open(address), local)
    }

    @Test(Server.hasMoto, arguments: [nil, "zstd"])
    func aBucket(compression: String?) throws {
        let local = try dataSet(compression)
        let store = try scratch.bucket("sets/\(compression ?? "none")")
        try local.copy(to: store)
        try expectSame(store, local)
    }

    @Test func aVolume() throws {
        let local = try dataSet()
        let store = try scratch.volume("streams/plain")
        try local.copy(to: store)
        try expectSame(store, local)
    }

    /// A cache that holds three shards of sixteen.
    @Test func aSmallCache() throws {
        let local = try dataSet()
        let store = try scratch.volume("streams/small", limit: 30_000)
        try local.copy(to: store)
        try expectSame(store, local)
        let remote = try MDSFolder(store)
        for number in remote.index.shards.indices { #expect(try remote.shard(number).count > 0) }
        let folder = Files.parent(try store.path("index.json"))
        let sizes = try Files.list(folder).filter { !$0.contains("~") }.map { Files.size(folder + "/" + $0) ?? 0 }
        #expect(sizes.reduce(0, +) <= 30_000 && sizes.count >= 2)
    }

    /// With hashes, a second run over a full cache asks for the index and nothing else.
    @Test func whatIsCachedIsNotFetchedAgain() throws {
        let local = try dataSet()
        try local.copy(to: scratch.volume("streams/again"))
        let path = "/api/2.0/fs/files/Volumes/main/default/streams/again/"
        for run in 1...2 {
            let stream = try stream(MDSFolder(scratch.volume("streams/again")))
            while try stream.next() != nil {}
            let names = try Server.names(below: path)
            #expect(names.count == local.index.shards.count + run && Set(names).count == local.index.shards.count + 1)
        }
    }

    /// Of shards that are taken eight at a time the next eight come while the first are read.
    @Test func theNextShardsAreFetchedAhead() throws {
        let local = try dataSet()
        try local.copy(to: scratch.volume("streams/ahead"))
        let stream = try stream(MDSFolder(scratch.volume("streams/ahead")))
        _ = try stream.next()
        let path = "/api/2.0/fs/files/Volumes/main/default/streams/ahead/shard"
        let watch = Stopwatch()
        var names: Set<String> = []
        while names.count < min(16, local.index.shards.count), watch.seconds < 20 {
            usleep(20_000)
            names = try Set(Server.names(below: path))
        }
        #expect(names.count == min(16, local.index.shards.count))
    }

    @Test func aDamagedShard() throws {
        let local = try dataSet()
        let store = try scratch.volume("streams/damaged")
        try local.copy(to: store)
        let name = local.index.shards[3].rawData.basename
        var bytes = try Files.read(local.path + "/" + name)
        bytes[bytes.count - 1] ^= 1
        try Files.write(bytes, to: scratch.folder + "/damaged")
        try store.put(scratch.folder + "/damaged", as: name, cancellation: nil)

        let stream = try stream(MDSFolder(store), shuffles: false)
        var batches: [StreamBatch] = []
        expectError(
            "dbfs:/Volumes/main/default/streams/damaged/shard.00003.mds shard 00003: its xxh64 is", code: .badData
        ) { while let batch = try stream.next() { batches.append(batch) } }
        // Mended at the place, the same stream goes on.
        try store.put(local.path + "/" + name, as: name, cancellation: nil)
        while let batch = try stream.next() { batches.append(batch) }
        #expect(batches.flatMap { $0.integers("item") } == (0..<Int64(samples)).map { -$0 })

        try Files.write(bytes.dropLast(), to: scratch.folder + "/damaged")
        try store.put(scratch.folder + "/damaged", as: local.index.shards[4].rawData.basename, cancellation: nil)
        let other = try Scratch()
        expectError("shard.00004.mds shard 00004: the server has", "the index says", code: .badData) {
            _ = try MDSFolder(other.volume("streams/damaged")).shard(4)
        }
    }

    @Test func aMissingShard() throws {
        let local = try dataSet()
        let server = try Server("plain_server.py", scratch.folder)
        let remote = try MDSFolder(scratch.open(server.address + "/set"))
        try Files.remove(local.path + "/shard.00002.mds")
        expectError("/set/shard.00002.mds shard 00002: is not there (404)", code: .badData) { _ = try remote.shard(2) }
        try Files.remove(local.path + "/index.json")
        let other = try Scratch()
        expectError("/set/index.json: is not there (404)", code: .badData) {
            _ = try MDSFolder(other.open(server.address + "/set"))
        }
    }

    @Test(arguments: [
        ("a/b", false), ("/a", false), ("C:", false), ("s3:x", false), ("s3://b/x", true), ("HTTPS://h", true),
        ("dbfs:/Volumes/a", true), ("gs://b", false), ("postgres://b", false), ("a/s3://b", false),
    ])
    func addresses(_ location: String, _ isAddress: Bool) { #expect(ShardStores.isAddress(location) == isAddress) }
}
