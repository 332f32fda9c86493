import Basics
import Foundation
import LocalRanks
import Synchronization
import Testing
import Torch

/// Groups of ranks: threads of this process, each a rank of its own.
@Suite(torch, .serialized) struct ProcessGroupTests {
    /// Runs `body` as every rank of a group.
    static func ranks(_ size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Void) throws {
        let port = try LocalRanks.freePort()
        let failures = Mutex<[any Error]>([])
        let threads = (0..<size).map { rank in
            Thread {
                do {
                    var place = ProcessGroup.Rendezvous(rank: rank, size: size, port: port)
                    place.timeoutSeconds = 60
                    try body(try ProcessGroup(place))
                } catch {
                    failures.withLock { $0.append(error) }
                }
            }
        }
        for thread in threads { thread.start() }
        while !threads.allSatisfy(\.isFinished) { Thread.sleep(forTimeInterval: 0.005) }
        if let first = failures.withLock({ $0.first }) { throw first }
    }

    @Test(arguments: [1, 2, 3]) func ranksExchangeTensors(size: Int) throws {
        try Self.ranks(size) { group in
            let rank = group.rank
            let sum = try Tensor([Float(rank), 1, Float(10 * rank)], [3])
            try group.allReduce(sum)
            let total = Float(size * (size - 1) / 2)
            #expect(try sum.array(of: Float.self) == [total, Float(size), 10 * total])

            let all = try group.allGather(Tensor([Int64(rank), Int64(-rank)], [1, 2]))
            #expect(all.shape == [size, 2])
            #expect(try all.array(of: Int64.self) == (0..<size).flatMap { [Int64($0), Int64(-$0)] })

            // Rank r sends s + 1 rows to rank s, each of r and s: none of them equal in number.
            let counts = (0..<size).map { $0 + 1 }
            let rows = counts.enumerated().flatMap { to, count in
                (0..<count).flatMap { _ in [Float(rank), Float(to)] }
            }
            let got = try group.allToAll(
                Tensor(rows, [rows.count / 2, 2]), counts: counts,
                received: [Int](repeating: rank + 1, count: size))
            let expected = (0..<size).flatMap { from in (0...rank).flatMap { _ in [Float(from), Float(rank)] } }
            #expect(try got.array(of: Float.self) == expected)
            // None from some.
            let none = try group.allToAll(
                Tensor([Float](repeating: 7, count: rank == 0 ? size : 0), [rank == 0 ? size : 0]),
                counts: [Int](repeating: rank == 0 ? 1 : 0, count: size),
                received: (0..<size).map { $0 == 0 ? 1 : 0 })
            #expect(try none.array(of: Float.self) == [7])

            let one = try Tensor([Float(rank)], [1])
            try group.broadcast(one, from: size - 1)
            #expect(try one.item() == Double(size - 1))
            try group.barrier()
        }
    }

    /// A rank that does not come, or goes away, is an error in time, and no wait for ever.
    @Test func lostRanksAreErrors() throws {
        var alone = ProcessGroup.Rendezvous(rank: 0, size: 2, port: try LocalRanks.freePort())
        alone.timeoutSeconds = 1
        let clock = Stopwatch()
        #expect { _ = try ProcessGroup(alone) } throws: { ($0 as? StarlingError)?.code == .unavailable }
        #expect(clock.seconds < 30)
        #expect {
            try Self.ranks(2) { group in
                if group.rank == 0 { try group.allReduce(Tensor([Float(1)], [1])) }
            }
        } throws: { ($0 as? StarlingError)?.what.contains("lost the others") == true }
    }

    @Test func theEnvironmentSaysWhoOneIs() throws {
        typealias Rendezvous = ProcessGroup.Rendezvous
        let torchrun = ["RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "host", "MASTER_PORT": "29400"]
        let found = try #require(try Rendezvous { torchrun[$0] })
        #expect(found.rank == 1 && found.size == 4 && found.host == "host" && found.port == 29_400 && !found.serves)
        let elastic = torchrun.merging([
            "RANK": "0", "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2",
        ]) { $1 }
        let restarted = try #require(try Rendezvous { elastic[$0] })
        #expect(!restarted.serves && restarted.name == "starling/2")
        #expect(try Rendezvous { _ in nil } == nil && Rendezvous { ["WORLD_SIZE": "1"][$0] } == nil)
        for (name, text) in [("RANK", "4"), ("MASTER_PORT", "x"), ("WORLD_SIZE", "0"), ("MASTER_ADDR", "")] {
            let wrong = torchrun.merging([name: text]) { $1 }
            #expect { _ = try Rendezvous { wrong[$0] } } throws: {
                ($0 as? StarlingError)?.code == .usage && ($0 as? StarlingError)?.what.contains(name) == true
            }
        }
    }
}
