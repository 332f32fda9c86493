import Basics
import Formats
import Foundation
import Testing

/// Damaged MDS data: taken or refused as bad data with a place, and nothing else. See ``FuzzTests``.
@Suite struct MDSFuzzTests {
    private let cases = ProcessInfo.processInfo.environment["STARLING_FUZZ_CASES"].flatMap { Int($0) } ?? 20_000
    private static let folders = ["every", "ratings", "text", "oversize"]

    @Test func index() throws {
        let all = Self.folders + ["zstd7", "gz", "br", "none"]
        let corpus = try all.map { try Files.read(MDSSamples.folder($0) + "/index.json") }
        fuzz("index", corpus, seed: 11) { bytes, name in
            let index = try MDSIndex(bytes: bytes, name: name)
            // What was accepted says the same when it is written and read again.
            #expect(try MDSIndex(bytes: index.bytes(), name: name) == index)
            _ = attempt { try index.columns(name: name) }
            _ = index.samples
            return bytes.count
        }
    }

    @Test func rawShard() throws {
        for (offset, folder) in Self.folders.enumerated() {
            let index = try MDSIndex(MDSSamples.folder(folder) + "/index.json")
            let info = index.shards.last!
            let corpus = [try Files.read(MDSSamples.folder(folder) + "/" + info.rawData.basename)]
            fuzz("raw shard of “\(folder)”", corpus, seed: 12 + UInt64(offset), cases: cases / 4) { bytes, name in
                // As if the index belonged to it.
                let stated = MDSShardInfo(
                    columns: info.columns, rawData: .init(basename: "x", bytes: bytes.count), samples: info.samples)
                return try use(MDSShard(stated, bytes: bytes, name: name))
            }
        }
    }

    @Test func compressedShard() throws {
        for (offset, folder) in ["zstd", "zstd7", "gz", "gz1"].enumerated() {
            let index = try MDSIndex(MDSSamples.folder(folder) + "/index.json")
            let info = index.shards[0]
            let corpus = [try Files.read(MDSSamples.folder(folder) + "/" + info.storedData.basename)]
            fuzz("shard of “\(folder)”", corpus, seed: 16 + UInt64(offset), cases: cases / 4, accepting: 0) {
                bytes, name in
                // Of gzip's bytes, hardly any can change: it has a checksum.
                let stated = MDSShardInfo(
                    columns: info.columns, compression: info.compression,
                    rawData: .init(basename: "x", bytes: info.rawData.bytes),
                    zipData: .init(basename: "x", bytes: bytes.count), samples: info.samples)
                return try use(MDSShard(stated, bytes: bytes, name: name))
            }
        }
    }

    /// Reads every cell in every way. Returns how many bytes it was given.
    private func use(_ shard: MDSShard) throws -> Int {
        var size = 0
        let rows = MDSRows.range(0..<shard.count)
        for column in shard.info.columns {
            for row in 0..<shard.count { _ = attempt { try shard.value(column.name, sample: row) } }
            size += attempt { try shard.bytes(column.name, rows).reduce(0) { $0 + $1.count } } ?? 0
            for count in [
                attempt { try shard.int64s(column.name, rows).count },
                attempt { try shard.doubles(column.name, .list(Array(0..<UInt32(shard.count)))).count },
                attempt { try shard.strings(column.name, rows).count },
            ] {
                #expect(count == nil || count == shard.count)
            }
        }
        return size
    }

    private func fuzz(
        _ what: String, _ corpus: [[UInt8]], seed: UInt64, cases: Int? = nil, accepting share: Double = 0.01,
        _ body: ([UInt8], String) throws -> Int
    ) {
        let cases = cases ?? self.cases
        let mutator = Mutator(corpus: corpus, seed: seed)
        var accepted = 0
        for index in 0..<cases {
            let bytes = mutator.bytes(case: index)
            if let size = attempt({ try body(bytes, "case \(index)") }) {
                accepted += 1
                #expect(size <= 1 << 15 * bytes.count, "case \(index)")
            }
        }
        print("fuzz MDS \(what): \(cases) cases, \(accepted) accepted")
        // Both ways are gone.
        #expect(accepted >= Int(share * Double(cases)) && accepted < cases, "\(what)")
    }
}
