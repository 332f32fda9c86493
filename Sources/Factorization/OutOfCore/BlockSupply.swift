/// What hands the blocks of a walk to workers: from a grid in memory, or read ahead from one on disk.
final class BlockSupply {
    private let grid: BlockGrid
    private let reader: BlockReader?
    /// One a worker, for a grid on disk.
    private let rooms: [PieceRoom]

    /// - Parameter order: the blocks that ``take(_:worker:_:)`` will be asked for.
    init(_ grid: BlockGrid, order: [Int], workers: Int) {
        self.grid = grid
        let file = grid.file
        rooms = file.map { file in (0..<workers).map { _ in PieceRoom(ratings: file.largestPiece) } } ?? []
        reader = file.map { file in
            BlockReader(file, order: order, slots: workers + 1 + file.readAhead / max(1, file.largestBlock))
        }
    }

    /// Calls `body` with the number of a block and with what goes through its pieces. The block is `block`, or, from disk,
    /// the next one of the order: workers who ask for the blocks of a stratum get them all, in any order.
    ///
    /// - Throws: `failed` if the disk is broken.
    func take(
        _ block: Int, worker: Int,
        _ body: (_ block: Int, _ forEachPiece: ((PieceRatings) -> Void) -> Void) -> Void
    ) throws {
        guard let reader else {
            let ratings = grid.userBlocks[block / grid.side]
            return body(block) { ratings.forEachPiece(itemBlock: block % grid.side, $0) }
        }
        try reader.next { block in body(block.number) { block.forEachPiece(rooms[worker], $0) } }
    }

    func close() { reader?.close() }
}
