import Basics
import Formats
import Foundation
import Remote
import Testing

/// Several processes over one cache, and processes that are killed.
struct ProcessTests {
    private let scratch = try! Scratch()

    @Test func twoProcessesShareACache() async throws {
        let (address, cache) = (try Server.standIn.get().address + "/slow/processes", scratch.cacheFolder)
        let counts = (0..<4).map { 400_000 + $0 }
        await withTaskGroup(of: Void.self) { group in
            for order in [counts, counts.reversed()] {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        [order = order as [Int], address = address as String, cache = cache as String] in
                        #expect(throws: Never.self) {
                            let store = try ShardStores.open(address, cache: ShardCache(folder: cache, limit: 1 << 30))
                            for count in order {
                                #expect(try store.bytes("bytes-\(count)") == Server.content(count))
                            }
                        }
                    }
                }
            }
        }
        for count in counts {
            // One fetches the file; the other process asks at most whether it is the same.
            let requests = try Server.requests("/slow/processes/bytes-\(count)")
            #expect(requests.filter { $0["if-none-match"] == nil }.count == 1, "\(count)")
        }
        #expect(try scratch.cached() == counts.flatMap { ["bytes-\($0)", "bytes-\($0)~note"] })
    }

    /// Killed in the middle of a download; the next run goes on where it was and ends well.
    @Test(arguments: [1, 600_000, 1_700_000])
    func killed(_ moment: Int) async throws {
        let (size, folder) = (3_000_000 + moment % 1000, "/slow/killed-\(moment)")
        let (address, cache) = (try Server.standIn.get().address + folder, scratch.cacheFolder)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [
                moment = moment as Int, name = "bytes-\(size)" as String, address = address as String,
                cache = cache as String
            ] in
            Thread.detachNewThread {
                while true {
                    let parts = ((try? Files.list(cache)) ?? []).compactMap {
                        Files.size("\(cache)/\($0)/\(name)~part")
                    }
                    if parts.first ?? 0 >= moment { kill(getpid(), SIGKILL) }
                    usleep(2000)
                }
            }
            _ = try ShardStores.open(address, cache: ShardCache(folder: cache, limit: 1 << 30)).bytes(name)
        }
        let name = "bytes-\(size)"
        #expect(try scratch.cached() == ["\(name)~lock", "\(name)~part", "\(name)~part-note"])

        let store = try scratch.open(address)
        #expect(try store.bytes(name, size: size) == Server.content(size))
        #expect(try scratch.cached() == [name, name + "~note"])
        let requests = try Server.requests(folder + "/" + name)
        #expect(requests.count == 2)
        let start = try #require(requests.last?["range"]?.dropFirst(6).dropLast()).description
        #expect(try #require(Int(start)) >= moment)
    }
}
