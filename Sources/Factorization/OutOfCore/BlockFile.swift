import Basics
import Synchronization

/// The ratings of a ``BlockGrid`` in a temporary file: user block after user block, in each the item blocks one after the
/// other, as ``PackedPiece``s, one a segment.
final class BlockFile: Sendable {
    let places: GridPlaces
    /// Bytes of memory for blocks that are read before a worker asks for them.
    let readAhead: Int
    private let file: ScratchFile

    private struct Content {
        /// Where the file ends.
        var end = 0
        /// `[side²]`: where a block lies.
        var blocks: [Range<Int>]
        /// `[side]`: how the pieces of a user block are written.
        var forms: [PackedPiece?]
        var largestPiece = 0
    }
    private let content: Mutex<Content>

    /// An empty one.
    ///
    /// - Throws: `failed` if the folder takes no file.
    init(_ places: GridPlaces, readAhead: Int, in folder: String) throws {
        (self.places, self.readAhead) = (places, readAhead)
        file = try ScratchFile(in: folder)
        content = Mutex(
            Content(
                blocks: [Range<Int>](repeating: 0..<0, count: places.side * places.side),
                forms: [PackedPiece?](repeating: nil, count: places.side)))
    }

    /// Bytes of the largest block.
    var largestBlock: Int { content.withLock { $0.blocks.lazy.map(\.count).max() ?? 0 } }

    /// Ratings of the largest piece.
    var largestPiece: Int { content.withLock { $0.largestPiece } }

    /// Adds a user block. Takes 4 to 7 bytes a rating of memory meanwhile.
    ///
    /// - Throws: `failed` if the disk is full.
    func add(_ ratings: BlockRatings, userBlock: Int) throws {
        let side = places.side
        var encoding = ValueCodes()
        let isCoded = ratings.values.allSatisfy { encoding.code(adding: $0) != nil }
        let rest = [Float](repeating: 0, count: 256 - encoding.values.count)
        let widest = zip(places.itemStarts, places.itemStarts.dropFirst()).map { $1 - $0 }.max() ?? 0
        let form = PackedPiece(hasWideItems: widest > 1 << 16, codes: isCoded ? encoding.values + rest : nil)
        let pieces = ratings.pieces
        let size = pieces.reduce(0) { $0 + form.bytes(groups: $1.groups.wrappedSum(), ratings: $1.ratingCount) }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(8, size), alignment: 8)
        defer { bytes.deallocate() }
        var blocks: [Range<Int>] = []
        var next = 0
        for itemBlock in 0..<side {
            let first = next
            var user = places.userStarts[userBlock]
            ratings.forEachPiece(itemBlock: itemBlock) { piece in
                next += form.pack(
                    piece, firstUser: UInt32(user), firstItem: UInt32(places.itemStarts[itemBlock]), encoding: encoding,
                    to: bytes.baseAddress! + next)
                user += places.segment
            }
            blocks.append(first..<next)
        }
        let start = content.withLock { content in
            let start = content.end
            content.end += next
            content.blocks.replaceSubrange(
                userBlock * side..<(userBlock + 1) * side,
                with: blocks.map { $0.lowerBound + start..<$0.upperBound + start })
            content.forms[userBlock] = form
            content.largestPiece = max(content.largestPiece, pieces.lazy.map(\.ratingCount).max() ?? 0)
            return start
        }
        try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<next]), at: start)
    }

    /// Reads a block to the beginning of `memory`, which holds ``largestBlock``.
    ///
    /// - Throws: `failed` if the disk is broken.
    func read(_ block: Int, into memory: UnsafeMutableRawPointer) throws -> PackedBlock {
        let side = places.side
        let (range, form) = content.withLock { ($0.blocks[block], $0.forms[block / side]!) }
        try file.read(into: UnsafeMutableRawBufferPointer(start: memory, count: range.count), at: range.lowerBound)
        return PackedBlock(
            number: block, bytes: UnsafeRawBufferPointer(start: memory, count: range.count), form: form,
            firstUser: UInt32(places.userStarts[block / side]), firstItem: UInt32(places.itemStarts[block % side]),
            segment: UInt32(places.segment))
    }
}

/// One block as it was read.
///
/// `@unchecked Sendable`: its bytes are written before it is made.
struct PackedBlock: @unchecked Sendable {
    let number: Int
    let bytes: UnsafeRawBufferPointer
    let form: PackedPiece
    let firstUser: UInt32, firstItem: UInt32
    /// Places from one piece's first user to the next one's.
    let segment: UInt32

    /// Calls `body` with each piece, unpacked into `room`.
    func forEachPiece(_ room: PieceRoom, _ body: (PieceRatings) -> Void) {
        var (at, user) = (0, firstUser)
        while at < bytes.count {
            let (piece, size) = form.unpack(
                bytes.baseAddress! + at, firstUser: user, firstItem: firstItem, into: room)
            body(piece)
            at += size
            user += segment
        }
    }
}
