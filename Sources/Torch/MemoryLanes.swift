import Basics
import CKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Ranks of one machine: bytes go straight from the memory of one to that of the other (`process_vm_readv`, what MPI libraries
/// call cross-memory attach), in one copy and without threads of their own.
///
/// Ranks share a ring of slots for each pair and direction. Both say in the next slot where their bytes are; whoever comes second
/// copies, so that neither has to wait for the other to have time.
final class MemoryLanes: @unchecked Sendable {
    /// Transfers of a pair that may be open at once.
    private static let slots = 256
    /// What ranks say of where they are.
    private struct Place: Codable, Equatable {
        /// The machine since it was started, its processes and its user: those who may look into each other.
        let machine: String
        let process: Int32
        /// Where a rank keeps a word that others read to see whether they can.
        let word: UInt64
        /// Of the first rank of a machine: the memory to share.
        let file: Int32?
    }

    private let rank: Int, size: Int
    /// Of each rank of this machine its number there and its process; nil of others.
    private let locals: [(number: Int, process: Int32)?]
    private let count: Int
    private let base: UnsafeMutableRawPointer
    /// Transfers so far, by the other rank: those sent, those received.
    private var sent: [Int], received: [Int]
    private let timeoutSeconds: Double

    private static func bytes(_ count: Int) -> Int {
        count * count * slots * MemoryLayout<sk_lane_slot>.stride + count * 64
    }

    /// Sets the lanes up between those of a group that share a machine; nil where this rank is alone on its own, or where they
    /// may not look into each other. All ranks of the group call this.
    init?(_ group: any Communicator, timeoutSeconds: Double) throws {
        (rank, size, self.timeoutSeconds) = (group.rank, group.size, timeoutSeconds)
        sk_lane_permit()
        let probe = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        defer { probe.deallocate() }
        probe.pointee = Self.token &* UInt64(rank + 1)
        let machine = Self.machine
        func tell(_ file: Int32?) throws -> [Place?] {
            let own = Place(
                machine: machine ?? "", process: getpid(), word: UInt64(UInt(bitPattern: probe)), file: file)
            return try group.allGather(Array(JSON.text(own).utf8)).map {
                try? JSON.decode(Place.self, from: $0, file: "where a rank is")
            }
        }
        let places = try tell(nil)
        let ranks = places.indices.filter { machine != nil && places[$0]?.machine == machine }
        let count = ranks.count
        // The first of a machine has the memory.
        let file = count > 1 && ranks.first == rank ? sk_lane_memory(Self.bytes(count)) : -1
        defer { if file >= 0 { close(file) } }
        let owner = try tell(file >= 0 ? file : nil)[ranks.first ?? rank]
        let memory = count > 1 ? Self.map(owner?.process, owner?.file, bytes: Self.bytes(count)) : nil
        let reaches = ranks.allSatisfy { other in
            var word: UInt64 = 0
            return sk_lane_read(places[other]!.process, &word, places[other]!.word, 8) == 0
                && word == Self.token &* UInt64(other + 1)
        }
        let agreed = try group.allGather(memory != nil && reaches ? 1 : 0 as UInt8)
        guard let memory, ranks.allSatisfy({ agreed[$0] == 1 }) else {
            if let memory { munmap(memory, Self.bytes(count)) }
            return nil
        }
        (base, self.count) = (memory, count)
        locals = places.indices.map { rank in
            ranks.firstIndex(of: rank).map { ($0, places[rank]!.process) }
        }
        (sent, received) = ([Int](repeating: 0, count: size), [Int](repeating: 0, count: size))
    }

    deinit {
        gone(locals[rank]!.number).pointee.store(1, ordering: .releasing)
        munmap(base, Self.bytes(count))
    }

    private static let token: UInt64 = 0x7374_6172_6C69_6E67

    private static var machine: String? {
        var name = [CChar](repeating: 0, count: 64)
        guard let boot = try? Files.readText("/proc/sys/kernel/random/boot_id"),
            readlink("/proc/self/ns/pid", &name, name.count - 1) > 0
        else { return nil }
        return boot + String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            + " \(getuid())"
    }

    private static func map(_ process: Int32?, _ file: Int32?, bytes: Int) -> UnsafeMutableRawPointer? {
        guard let process, let file else { return nil }
        let own = open("/proc/\(process)/fd/\(file)", O_RDWR)
        guard own >= 0 else { return nil }
        defer { close(own) }
        let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0)
        return memory == MAP_FAILED ? nil : memory
    }

    /// Whether there is a lane to a rank.
    func reach(_ other: Int) -> Bool { locals[other] != nil && other != rank }

    /// Set when a rank leaves.
    private func gone(_ number: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + count * count * Self.slots * MemoryLayout<sk_lane_slot>.stride + number * 64)
            .assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    func send(_ bytes: UnsafeRawBufferPointer, to other: Int) throws -> any Transfer {
        let (slot, turn) = try next(from: rank, to: other, &sent[other])
        slot.pointee.source = UInt64(UInt(bitPattern: bytes.baseAddress))
        slot.pointee.source_bytes = UInt64(bytes.count)
        return post(1, slot, turn, other) { process in
            slot.pointee.target_bytes == bytes.count
                && sk_lane_write(process, slot.pointee.target, bytes.baseAddress, bytes.count) == 0
        }
    }

    func receive(_ bytes: UnsafeMutableRawBufferPointer, from other: Int) throws -> any Transfer {
        let (slot, turn) = try next(from: other, to: rank, &received[other])
        slot.pointee.target = UInt64(UInt(bitPattern: bytes.baseAddress))
        slot.pointee.target_bytes = UInt64(bytes.count)
        return post(2, slot, turn, other) { process in
            slot.pointee.source_bytes == bytes.count
                && sk_lane_read(process, bytes.baseAddress, slot.pointee.source, bytes.count) == 0
        }
    }

    private typealias Slot = UnsafeMutablePointer<sk_lane_slot>

    /// The slot of a pair's next transfer, when the transfer that had it before is over, and how many have had it.
    private func next(from: Int, to: Int, _ transfers: inout Int) throws -> (Slot, turn: UInt32) {
        let lane = (locals[from]!.number * count + locals[to]!.number) * Self.slots
        let slot = base.assumingMemoryBound(to: sk_lane_slot.self) + lane + transfers % Self.slots
        let turn = UInt32(truncatingIfNeeded: transfers / Self.slots) & 0x3FFF_FFFF
        transfers += 1
        if turn > 0 { try wait(for: slot, turn - 1, other: from == rank ? to : from) }
        return (slot, turn)
    }

    /// Says in a slot that one side is there; copies if the other is.
    private func post(
        _ side: UInt32, _ slot: Slot, _ turn: UInt32, _ other: Int, _ copies: (_ process: Int32) -> Bool
    ) -> any Transfer {
        let word = Self.word(slot)
        if word.pointee.bitwiseOr(side, ordering: .acquiringAndReleasing).oldValue & 3 != 0 {
            if !copies(locals[other]!.process) { slot.pointee.has_failed = 1 }
            word.pointee.store((turn + 1) << 2, ordering: .releasing)
            sk_lane_wake(&slot.pointee.word)
        }
        return LaneTransfer { [self] in try wait(for: slot, turn, other: other) }
    }

    private static func word(_ slot: Slot) -> UnsafeMutablePointer<Atomic<UInt32>> {
        UnsafeMutableRawPointer(slot).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// Returns when a slot's transfer is over.
    private func wait(for slot: Slot, _ turn: UInt32, other: Int) throws {
        let word = Self.word(slot)
        let clock = Stopwatch()
        for round in 0... {
            let now = word.pointee.load(ordering: .acquiring)
            if now >> 2 != turn { break }
            // A peer that is about to come is not worth sleep.
            if round < 400 {
                sk_pause()
                continue
            }
            sk_lane_sleep(&slot.pointee.word, now, 20)
            guard word.pointee.load(ordering: .acquiring) >> 2 == turn else { break }
            let (number, process) = locals[other]!
            let isGone = gone(number).pointee.load(ordering: .acquiring) != 0 || kill(process, 0) != 0 && errno == ESRCH
            guard !isGone || word.pointee.load(ordering: .acquiring) >> 2 != turn else {
                throw lost(other, "it has gone")
            }
            guard clock.seconds < timeoutSeconds else {
                throw lost(other, "it has said nothing for \(Numerals.duration(timeoutSeconds))")
            }
        }
        guard slot.pointee.has_failed == 0 else { throw lost(other, "its memory cannot be read") }
    }

    private func lost(_ other: Int, _ why: String) -> StarlingError {
        StarlingError(
            .unavailable, "rank \(rank) of \(size) lost rank \(other): \(why)", remedy: "see whether all ranks run")
    }
}

/// A transfer that is waited for once.
private final class LaneTransfer: Transfer {
    private var finish: (() throws -> Void)?

    init(_ finish: @escaping () throws -> Void) { self.finish = finish }

    deinit { try? wait() }

    func wait() throws {
        defer { finish = nil }
        try finish?()
    }
}
