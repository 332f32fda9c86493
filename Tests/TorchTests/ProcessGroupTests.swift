import Basics
import Foundation
import LocalRanks
import Synchronization
import Testing
import Torch

/// Groups of ranks: threads of this process, each a rank of its own.
@Suite(torch, .serialized) struct ProcessGroupTests {
    /// Runs `body` as every rank of a group.
    static func ranks(
        _ size: Int, usesMemory: Bool = true, _ body: @escaping @Sendable (ProcessGroup) throws -> Void
    ) throws {
        let port = try LocalRanks.freePort()
        let failures = Mutex<[any Error]>([])
        let threads = (0..<size).map { rank in
            Thread {
                do {
                    var place = ProcessGroup.Rendezvous(rank: rank, size: size, port: port)
                    place.timeoutSeconds = 60
                    place.usesMemory = usesMemory
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

    /// Bytes of many sizes go both ways, by either road, more of them at once than a lane has slots.
    @Test(arguments: [true, false], [2, 3]) func ranksSendBytes(usesMemory: Bool, size: Int) throws {
        try Self.ranks(size, usesMemory: usesMemory) { group in
            let others = (0..<size).filter { $0 != group.rank }
            // Somewhere in a lane's second and third turn, so that slots are used again.
            let sizes = (0..<700).map { $0 % 97 == 0 ? 300_000 + $0 : $0 % 50 }
            func text(_ from: Int, _ to: Int, _ index: Int) -> [UInt8] {
                (0..<sizes[index]).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ from * 7 &+ to * 5 &+ index) }
            }
            #expect(others.allSatisfy { group.reachesMemory(of: $0) == usesMemory })
            for stretch in [0..<300, 300..<301, 301..<700] {
                var open: [any Transfer] = []
                var received: [(other: Int, index: Int, bytes: UnsafeMutableRawBufferPointer)] = []
                var sent: [UnsafeMutableRawBufferPointer] = []
                for index in stretch where sizes[index] > 0 {
                    for other in others {
                        let own = UnsafeMutableRawBufferPointer.allocate(byteCount: sizes[index], alignment: 1)
                        own.copyBytes(from: text(group.rank, other, index))
                        sent.append(own)
                        open.append(try group.send(UnsafeRawBufferPointer(own), to: other))
                        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: sizes[index], alignment: 1)
                        received.append((other, index, target))
                        open.append(try group.receive(target, from: other))
                    }
                }
                try Transfers(open).wait()
                for (other, index, bytes) in received { #expect(Array(bytes) == text(other, group.rank, index)) }
                for bytes in sent + received.map(\.bytes) { bytes.deallocate() }
            }
            #expect(group.sentBytes == (size - 1) * sizes.reduce(0, +))
        }
    }

    /// One that leaves, and one that says nothing, are errors in time on a lane too; so is a transfer of two sizes.
    @Test func lanesNoticeWhoIsLost() throws {
        #expect {
            try Self.ranks(2) { group in
                var byte: UInt8 = 0
                if group.rank == 0 {
                    try withUnsafeMutableBytes(of: &byte) { try group.receive($0, from: 1).wait() }
                }
            }
        } throws: { ($0 as? StarlingError)?.what == "rank 0 of 2 lost rank 1: it has gone" }
        #expect {
            try Self.ranks(2) { group in
                var word: UInt64 = 0
                try withUnsafeMutableBytes(of: &word) { word in
                    if group.rank == 0 {
                        try group.receive(word, from: 1).wait()
                    } else {
                        try group.send(UnsafeRawBufferPointer(rebasing: word[..<3]), to: 0).wait()
                    }
                }
            }
        } throws: { ($0 as? StarlingError)?.what.contains("its memory cannot be read") == true }
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

    /// Over NCCL, where there is a GPU and the plugin has that part; elsewhere it is refused.
    @Test func oneRankMeetsItselfOverNCCL() throws {
        let alone = ProcessGroup.Rendezvous(rank: 0, size: 1, port: try LocalRanks.freePort())
        let gloo = try ProcessGroup(alone)
        guard (try? Device.cuda(0).require()) != nil, let group = try gloo.on(.cuda(0)) else {
            #expect { _ = try ProcessGroup(alone, over: .nccl) } throws: {
                ($0 as? StarlingError)?.code == .unavailable
            }
            return
        }
        let floats = try Tensor([Float(1), 2, 3, 4], [2, 2]).to(nil, .cuda(0))
        try group.allReduce(floats)
        #expect(try floats.array(of: Float.self) == [1, 2, 3, 4])
        let all = try group.allGather(floats)
        #expect(try all.device == .cuda(0) && all.array(of: Float.self) == [1, 2, 3, 4])
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
