import Basics
import Kernels

/// Which rank has the newest rows of each item block while ranks walk a ``BlockGrid``, and how blocks go from one to the
/// other (DSGD, Gemulla et al. 2011). A rank walks its user blocks; before a stratum it gets the item blocks that these meet,
/// all that come from one rank in one message.
final class ItemBlocks {
    private let ranks: any Communicator
    private let side: Int
    /// The rank that each user block belongs to.
    private let owners: [Int]
    /// `[item blocks]`: the bytes of a block in each of the columns that travel.
    private let memory: [[UnsafeMutableRawBufferPointer]]
    /// `[item blocks]`; −1 at the start of an epoch, when every rank has all.
    private var holders: [Int]

    /// - Parameter memory: of every item block, the same columns on every rank.
    init(side: Int, memory: [[UnsafeMutableRawBufferPointer]], ranks: any Communicator) {
        (self.side, self.memory, self.ranks) = (side, memory, ranks)
        owners = (0..<ranks.size).flatMap { rank in ranks.size.part(rank, of: side).map { _ in rank } }
        holders = [Int](repeating: -1, count: side)
    }

    /// The user blocks of this rank.
    var own: Range<Int> { ranks.part(of: side) }

    /// Brings each item block to the rank whose user block meets it in a stratum.
    func move(to stratum: Int) throws {
        var (leaving, coming) = ([Int: [Int]](), [Int: [Int]]())
        for block in 0..<side {
            let (holder, next) = (holders[block], owners[(block + side - stratum) % side])
            holders[block] = next
            guard holder >= 0, holder != next else { continue }
            if holder == ranks.rank { leaving[next, default: []].append(block) }
            if next == ranks.rank { coming[holder, default: []].append(block) }
        }
        let sent = leaving.map { (rank: $0.key, packet: Packet(of: $0.value, memory, packs: true)) }
        let received = coming.map { (rank: $0.key, packet: Packet(of: $0.value, memory, packs: false)) }
        let arrivals = try received.map { try ranks.receive($0.packet.bytes, from: $0.rank) }
        let departures = try sent.map { try ranks.send(UnsafeRawBufferPointer($0.packet.bytes), to: $0.rank) }
        for (transfer, part) in zip(arrivals, received) {
            try transfer.wait()
            part.packet.unpack()
        }
        try Transfers(departures).wait()
        withExtendedLifetime(sent) {}
    }

    /// Gives every rank the newest rows of all blocks.
    func share() throws {
        guard ranks.size > 1, holders.contains(where: { $0 >= 0 }) else { return }
        let held = (0..<ranks.size).map { rank in holders.indices.filter { holders[$0] == rank } }
        let packets = held.enumerated().map { Packet(of: $1, memory, packs: $0 == ranks.rank) }
        var transfers: [any Transfer] = []
        for distance in 1..<ranks.size {
            let (to, from) = ((ranks.rank + distance) % ranks.size, (ranks.rank + ranks.size - distance) % ranks.size)
            if !held[from].isEmpty { transfers.append(try ranks.receive(packets[from].bytes, from: from)) }
            if !held[ranks.rank].isEmpty {
                transfers.append(try ranks.send(UnsafeRawBufferPointer(packets[ranks.rank].bytes), to: to))
            }
        }
        try Transfers(transfers).wait()
        for rank in 0..<ranks.size where rank != ranks.rank { packets[rank].unpack() }
        holders = [Int](repeating: -1, count: side)
    }
}

/// Blocks on their way, behind one another.
private final class Packet {
    let bytes: UnsafeMutableRawBufferPointer
    private let parts: [UnsafeMutableRawBufferPointer]

    init(of blocks: [Int], _ memory: [[UnsafeMutableRawBufferPointer]], packs: Bool) {
        parts = blocks.flatMap { memory[$0] }
        bytes = .allocate(byteCount: max(1, parts.reduce(0) { $0 + $1.count }), alignment: 64)
        if packs { forEachPart { $1.copyMemory(from: UnsafeRawBufferPointer($0)) } }
    }

    deinit { bytes.deallocate() }

    func unpack() { forEachPart { $0.copyMemory(from: UnsafeRawBufferPointer($1)) } }

    private func forEachPart(
        _ body: (_ part: UnsafeMutableRawBufferPointer, _ packed: UnsafeMutableRawBufferPointer) -> Void
    ) {
        var place = 0
        for part in parts {
            body(part, UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + part.count]))
            place += part.count
        }
    }
}
