import Basics
import Kernels

/// Which rank has the newest rows of each item block while ranks walk a ``BlockGrid``, and how blocks go from one to the
/// other (DSGD, Gemulla et al. 2011).
///
/// Strata follow one another, so that from one to the next every rank hands on the item block of its first user block, and
/// gets that of its last. It walks the one early and the other late, and the blocks travel meanwhile.
final class ItemBlocks {
    /// The user blocks of this rank.
    let own: Range<Int>
    private let ranks: any Communicator
    private let side: Int
    /// The rank that each user block belongs to.
    private let owners: [Int]
    /// `[item blocks]`: the bytes of a block in each of the columns that travel.
    private let memory: [[UnsafeMutableRawBufferPointer]]
    /// The stratum that blocks lie for; nil when every rank has all.
    private var stratum: Int?

    /// - Parameter memory: of every item block, the same columns on every rank.
    init(side: Int, memory: [[UnsafeMutableRawBufferPointer]], ranks: any Communicator) {
        (self.side, self.memory, self.ranks) = (side, memory, ranks)
        owners = ranks.parts(of: side).enumerated().flatMap { rank, blocks in blocks.map { _ in rank } }
        own = ranks.part(of: side)
    }

    /// Whether ranks have rows that others lack.
    var areApart: Bool { stratum != nil }

    /// Brings blocks to the ranks that walk them in the first stratum of an epoch, or of what is left of one.
    func begin(_ stratum: Int) throws {
        guard ranks.size > 1 else { return }
        try bring { [owner(of: $0, in: stratum)] }
        self.stratum = stratum
    }

    /// Begins to hand on what the first user block has met in the present stratum, and to get what the last one meets in the
    /// next.
    func handOn() throws -> any Transfer {
        guard let stratum, !own.isEmpty else { return Transfers([]) }
        self.stratum = (stratum + 1) % side
        let (leaving, coming) = ((own.lowerBound + stratum) % side, (own.upperBound + stratum) % side)
        let (to, from) = (owners[(own.lowerBound + side - 1) % side], owners[own.upperBound % side])
        return Transfers(
            try memory[coming].filter { !$0.isEmpty }.map { try ranks.receive($0, from: from) }
                + memory[leaving].filter { !$0.isEmpty }.map { try ranks.send(UnsafeRawBufferPointer($0), to: to) })
    }

    /// Gives every rank the newest rows of all blocks.
    func share() throws {
        try bring { _ in 0..<ranks.size }
        stratum = nil
    }

    /// The rank that walks an item block in a stratum.
    private func owner(of block: Int, in stratum: Int) -> Int { owners[(block + side - stratum) % side] }

    /// Sends each block from where it lies to other ranks.
    private func bring(to targets: (_ block: Int) -> some Sequence<Int>) throws {
        guard let stratum else { return }
        var transfers: [any Transfer] = []
        for (block, columns) in memory.enumerated() {
            let holder = owner(of: block, in: stratum)
            for target in targets(block) where target != holder {
                for bytes in columns where !bytes.isEmpty {
                    if holder == ranks.rank {
                        transfers.append(try ranks.send(UnsafeRawBufferPointer(bytes), to: target))
                    }
                    if target == ranks.rank { transfers.append(try ranks.receive(bytes, from: holder)) }
                }
            }
        }
        try Transfers(transfers).wait()
    }
}
