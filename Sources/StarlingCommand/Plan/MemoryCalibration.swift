import Starling

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What memory moves.
enum MemoryCalibration {
    /// Bytes a second that these threads read and write, copying stretches far larger than a cache; the best of some rounds.
    static func bandwidth(_ workers: Workers) -> Double {
        let bytes = 128 << 20
        let (from, to) = (LargeMemory.zeroed(bytes: bytes), LargeMemory.zeroed(bytes: bytes))
        defer {
            free(from)
            free(to)
        }
        nonisolated(unsafe) let (source, target) = (from, to)
        let piece = 1 << 20
        var best = Double.infinity
        for _ in 0..<5 {
            let clock = Stopwatch()
            workers.forEach(bytes / piece) { part, _ in
                (target + part * piece).copyMemory(from: source + part * piece, byteCount: piece)
            }
            best = min(best, clock.seconds)
        }
        return 2 * Double(bytes) / best
    }

    /// Bytes of the largest cache; 32 MB where that cannot be told.
    static var cache: Int {
        for level in ["index3", "index2"] {
            guard let text = try? Files.readText("/sys/devices/system/cpu/cpu0/cache/\(level)/size"),
                let size = Int(text.filter(\.isNumber))
            else { continue }
            return size << (text.contains("M") ? 20 : 10)
        }
        return 32 << 20
    }
}

/// What lies between ranks.
struct LinkCalibration {
    private let communicator: any Communicator

    init(_ communicator: any Communicator) { self.communicator = communicator }

    /// Latency by a byte that goes to and fro between ranks 0 and 1, bandwidth by what all ranks send all others at once; the
    /// same on all ranks. nil for one rank.
    func measure() throws -> Link? {
        guard communicator.size > 1 else { return nil }
        let latency = try (0..<5).map { _ in try seconds(rounds: 100) { try exchange() } / 200 }.min()!
        let part = 8 << 20
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: part * communicator.size, alignment: 64)
        defer { whole.deallocate() }
        _ = whole.initializeMemory(as: UInt8.self, repeating: 1)
        let parts = (0..<communicator.size).map { $0 * part..<($0 + 1) * part }
        let gathered = try (0..<5).map { _ in
            try seconds(rounds: 1) { try communicator.allGather(in: whole, parts: parts) }
        }.min()!
        let mine = Link(bandwidth: Double(part * (communicator.size - 1)) / gathered, latency: latency)
        let all = try communicator.allGather(SIMD2(mine.bandwidth, mine.latency))
        return Link(bandwidth: all.map(\.x).min()!, latency: all[0].y)
    }

    private func seconds(rounds: Int, _ body: () throws -> Void) throws -> Double {
        try communicator.barrier()
        let clock = Stopwatch()
        for _ in 0..<rounds { try body() }
        return clock.seconds
    }

    private func exchange() throws {
        guard communicator.rank < 2 else { return }
        var byte: UInt8 = 1
        try withUnsafeMutableBytes(of: &byte) { byte in
            if communicator.rank == 0 { try communicator.send(UnsafeRawBufferPointer(byte), to: 1).wait() }
            try communicator.receive(byte, from: 1 - communicator.rank).wait()
            if communicator.rank == 1 { try communicator.send(UnsafeRawBufferPointer(byte), to: 0).wait() }
        }
    }
}
