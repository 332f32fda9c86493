import Basics
import Formats
import Foundation
import Remote
import Testing

struct CacheTests {
    private let scratch = try! Scratch()

    /// Names of the files that the cache holds.
    private func contents() throws -> [String] { try scratch.cached().filter { !$0.contains("~") } }

    /// The cached path, last used that many seconds ago.
    private func age(_ path: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: path)
    }

    @Test func dropsTheLongestUnusedFirst() throws {
        let store = try scratch.standIn("ok/eviction", limit: 350_000)
        func fetch(_ count: Int) throws -> String { try store.path("bytes-\(count)", size: count) }
        try age(fetch(100_000), 300)
        try age(fetch(100_001), 200)
        try age(fetch(100_002), 100)
        #expect(try contents() == ["bytes-100000", "bytes-100001", "bytes-100002"])
        // Used again: the second is now the oldest.
        #expect(try fetch(100_000).hasSuffix("bytes-100000"))
        _ = try fetch(100_003)
        #expect(try contents() == ["bytes-100000", "bytes-100002", "bytes-100003"])
        // Larger than the limit: alone.
        _ = try fetch(400_000)
        #expect(try contents() == ["bytes-400000"])
        #expect(try scratch.cached() == ["bytes-400000", "bytes-400000~note"])
    }

    @Test func theLimitHoldsOverSeveralPlaces() throws {
        for place in 0..<5 {
            for count in 50_000..<50_003 {
                _ = try scratch.standIn("ok/place-\(place)", limit: 200_000).bytes("bytes-\(count)", size: count)
                let sizes = try contents().map { try #require(Int($0.dropFirst(6))) }
                #expect(sizes.reduce(0, +) <= 200_000)
            }
        }
        #expect(try contents().count == 3)
    }

    @Test func aMappedFileStaysReadableWhenItIsDropped() throws {
        let store = try scratch.standIn("ok/mapped", limit: 250_000)
        let mapped = try store.withFile("bytes-200000", size: 200_000, isVerified: false, cancellation: nil) {
            try MappedFile($0)
        }
        _ = try store.bytes("bytes-200001")
        #expect(try contents() == ["bytes-200001"] && !Files.exists(mapped.path))
        #expect(Array(mapped.bytes) == Server.content(200_000))
        // And it is fetched again when it is wanted again.
        #expect(try store.bytes("bytes-200000").count == 200_000)
    }

    @Test func aFileDroppedBeforeItCouldBeOpenedIsFetchedAgain() throws {
        let store = try scratch.standIn("ok/dropped")
        var calls = 0
        func read(_ drops: Int) throws -> Int {
            calls = 0
            return try store.withFile("bytes-300", size: 300, isVerified: true, cancellation: nil) { path in
                calls += 1
                if calls <= drops { try Files.remove(path) }
                return try MappedFile(path).bytes.count
            }
        }
        #expect(try read(2) == 300 && calls == 3)
        expectError("drops the file as soon as it is there", "STARLING_CACHE_LIMIT", code: .failed) { _ = try read(9) }
        #expect(calls == 3)
    }

    @Test func damagedFilesAreFetchedOnceMore() throws {
        let content = Server.content(5000)
        #expect(try scratch.standIn("damaged/a").bytes("bytes-5000", expected: content) == content)
        #expect(try Server.requests("/damaged/a/bytes-5000").count == 2)
        expectError("/always-damaged/a/bytes-5000: its hash is another", code: .badData) {
            _ = try scratch.standIn("always-damaged/a").bytes("bytes-5000", expected: content)
        }
        #expect(try Server.requests("/always-damaged/a/bytes-5000").count == 2)
        #expect(try contents() == ["bytes-5000"])
    }

    @Test func damageInTheCacheIsMended() throws {
        let content = Server.content(6000)
        let path = try scratch.standIn("ok/mend").path("bytes-6000", size: 6000)
        for damaged in [Server.content(6000, salt: 1), Server.content(10)] {
            try Files.write(damaged, to: path)
            let bytes = try scratch.standIn("ok/mend").bytes("bytes-6000", size: 6000, expected: content)
            #expect(bytes == content)
        }
        #expect(try Server.requests("/ok/mend/bytes-6000").count == 3)
        // Good by its hash: nobody is asked.
        _ = try scratch.standIn("ok/mend").bytes("bytes-6000", size: 6000, expected: content)
        #expect(try Server.requests("/ok/mend/bytes-6000").count == 3)
    }

    @Test func withoutHashesTheServerSaysWhetherItIsTheSame() throws {
        for _ in 0..<3 { #expect(try scratch.standIn("ok/same").bytes("bytes-70000") == Server.content(70_000)) }
        let conditions = try Server.requests("/ok/same/bytes-70000").map { $0["if-none-match"] }
        #expect(conditions == [nil, "\"70000-0\"", "\"70000-0\""])
        for salt in 1...2 {
            #expect(try scratch.standIn("replaced/a").bytes("bytes-70000") == Server.content(70_000, salt: salt))
        }
        // Nothing tells its states apart: without a size it is fetched each time, with one it is taken for the same.
        for _ in 0..<2 { _ = try scratch.standIn("untagged/b").bytes("bytes-70000") }
        #expect(try Server.requests("/untagged/b/bytes-70000").count == 2)
        _ = try scratch.standIn("untagged/b").bytes("bytes-70000", size: 70_000)
        #expect(try Server.requests("/untagged/b/bytes-70000").count == 2)
        // One store asks once.
        let store = try scratch.standIn("ok/once")
        for _ in 0..<3 { _ = try store.bytes("bytes-80") }
        #expect(try Server.requests("/ok/once/bytes-80").count == 1)
    }

    @Test func manyThreadsFetchOnce() throws {
        let store = try scratch.standIn("slow/threads")
        let group = DispatchGroup()
        for number in 0..<8 {
            DispatchQueue(label: "reader \(number)").async(group: group) {
                #expect(throws: Never.self) {
                    let bytes = try store.bytes("bytes-600000", size: 600_000)
                    #expect(bytes == Server.content(600_000))
                }
            }
        }
        group.wait()
        #expect(try Server.requests("/slow/threads/bytes-600000").count == 1)
    }

    @Test func partialFilesGoFirst() throws {
        let store = try scratch.standIn("ok/parts", limit: 250_000)
        let path = try store.path("bytes-100000")
        try age(path, 1000)
        try Files.write(Server.content(100_000), to: Files.parent(path) + "/other~part")
        _ = try store.bytes("bytes-100001")
        #expect(try scratch.cached().filter { !$0.hasSuffix("~note") } == ["bytes-100000", "bytes-100001"])
    }

    @Test func leftoversAreCollected() throws {
        let path = try scratch.standIn("ok/leftovers").path("bytes-10")
        let folder = Files.parent(path)
        for name in ["old~part", "old~part-note", "old~lock", "young~part", "gone~note"] {
            try Files.write([1, 2, 3], to: folder + "/" + name)
            if name != "young~part" { try age(folder + "/" + name, 90_000) }
        }
        try age(path + "~note", 90_000)
        try age(path, 90_000)
        _ = try scratch.standIn("ok/leftovers")
        #expect(try scratch.cached() == ["bytes-10", "bytes-10~note", "young~part"])
    }

    /// A folder that a killed process has made and not yet marked as its own counts again once it is used.
    @Test func anUnmarkedFolderIsMarked() throws {
        let path = try scratch.standIn("ok/unmarked", limit: 1000).path("bytes-600")
        try Files.remove(Files.parent(path) + "/~place")
        _ = try scratch.standIn("ok/unmarked", limit: 1000).bytes("bytes-601")
        #expect(try contents() == ["bytes-601"])
    }

    /// What is not the cache's is not touched, even where somebody names a folder of his own.
    @Test func otherFilesStay() throws {
        try Files.makeDirectory(scratch.cacheFolder + "/mine")
        try Files.write(Server.content(5000), to: scratch.cacheFolder + "/mine/thesis")
        try Files.write(Server.content(5000), to: scratch.cacheFolder + "/letter")
        _ = try scratch.standIn("ok/guest", limit: 1000).bytes("bytes-900")
        #expect(Files.size(scratch.cacheFolder + "/mine/thesis") == 5000)
        #expect(Files.size(scratch.cacheFolder + "/letter") == 5000)
    }

    @Test func namesWithFoldersAndOddCharacters() throws {
        let store = try scratch.standIn("ok")
        let names = ["a/b/", "a~b%2F/", ".hidden/", String(repeating: "long/", count: 60)]
        for (extra, name) in names.enumerated() {
            #expect(try store.bytes(name + "bytes-\(10 + extra)").count == 10 + extra)
        }
        #expect(try contents().count == 4)
    }

    @Test func limitFromTheEnvironment() throws {
        func limit(_ text: String) throws -> Int {
            try ShardCache(folder: scratch.cacheFolder, Environment(["STARLING_CACHE_LIMIT": text])).limit
        }
        #expect(try limit("1000") == 1000 && limit("1.5 KB") == 1536 && limit("20gb") == 20 << 30)
        for wrong in ["lots", "-1", "1.2.3", "5 parsecs"] {
            expectError("STARLING_CACHE_LIMIT", code: .usage) { _ = try limit(wrong) }
        }
        #expect(try limit("") > 0)
        let home = try ShardCache(Environment(["HOME": scratch.folder]))
        #expect(home.folder == scratch.folder + "/.cache/starling")
    }
}
