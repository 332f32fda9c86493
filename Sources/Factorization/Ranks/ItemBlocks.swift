import Basics
import Kernels

/// Which rank has the newest rows of each item block while ranks walk a ``BlockGrid``, and how blocks go from one to the
/// other (DSGD, Gemulla et al. 2011). A rank walks its user blocks; before a stratum it gets the item blocks that these meet.
final class ItemBlocks {
    private let ranks: any Communicator
    private let side: Int
    /// The rank that each user block belongs to.
    private let owners: [Int]
    /// `[item blocks]`: the bytes of a block in each of the columns that travel.
    private let memory: [[UnsafeMutableRawBufferPointer]]
    /// `[item blocks]`.
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
        var transfers: [any Transfer] = []
        for block in 0..<side {
            let next = owners[(block + side - stratum) % side]
            let holder = holders[block]
            holders[block] = next
            // At the start of an epoch every rank has all.
            guard holder >= 0, holder != next else { continue }
            for bytes in memory[block] where !bytes.isEmpty {
                if holder == ranks.rank { transfers.append(try ranks.send(UnsafeRawBufferPointer(bytes), to: next)) }
                if next == ranks.rank { transfers.append(try ranks.receive(bytes, from: holder)) }
            }
        }
        try Transfers(transfers).wait()
    }

    /// Gives every rank the newest rows of all blocks.
    func share() throws {
        guard ranks.size > 1, holders.contains(where: { $0 >= 0 }) else { return }
        var transfers: [any Transfer] = []
        for (block, holder) in holders.enumerated() {
            for bytes in memory[block] where !bytes.isEmpty {
                if holder != ranks.rank {
                    transfers.append(try ranks.receive(bytes, from: holder))
                    continue
                }
                for distance in 1..<ranks.size {
                    let other = (ranks.rank + distance) % ranks.size
                    transfers.append(try ranks.send(UnsafeRawBufferPointer(bytes), to: other))
                }
            }
        }
        try Transfers(transfers).wait()
        holders = [Int](repeating: -1, count: side)
    }
}
