/// An array of an NPZ file read from front to back in pieces: of a compressed array no more is in memory than a piece.
///
/// Elements come in this machine's byte order and in the order of the file. Not thread safe: one owner.
package final class NPYStream {
    /// Without `.npy`.
    package let name: String
    package let element: NPYElement
    /// Sizes from the slowest axis to the fastest; of a Fortran-ordered array the first axis is the fastest.
    package let shape: [Int]
    package let isFortranOrder: Bool
    package let isBigEndian: Bool
    private let reader: ZipEntryReader

    init(_ entry: ZipArchive.Entry, in memory: MappedFile, name: String, _ subject: Subject) throws {
        reader = try ZipEntryReader(entry, in: memory, subject)
        let header = try Self.header(reader, subject)
        guard header.byteCount == reader.remaining else {
            throw subject.damaged(
                "its header promises \(header.byteCount) bytes of data, and \(reader.remaining) follow")
        }
        self.name = name
        (element, shape) = (header.element, header.shape)
        (isFortranOrder, isBigEndian) = (header.isFortranOrder && shape.count > 1, header.isBigEndian)
    }

    /// Bytes that are still to come.
    package var remaining: Int { reader.remaining }

    /// Fills `target`, whose size is a whole number of elements and not above ``remaining``.
    /// - Throws: `badData` for damaged data.
    package func read(into target: UnsafeMutableRawBufferPointer) throws {
        try reader.read(into: target)
        if isBigEndian { target.reverseBytes(unit: element.unit) }
    }

    /// Tells the system that the part of the file behind what was read is not needed any more.
    package func release() { reader.release() }

    /// All must have been read.
    /// - Throws: `badData` if the checksum shows that what was read is damaged.
    package func finish() throws { try reader.finish() }

    private static func header(_ reader: ZipEntryReader, _ subject: Subject) throws -> NPYHeader {
        var bytes: [UInt8] = []
        func take(_ count: Int) throws {
            guard count <= reader.remaining else { throw subject.damaged("the file ends within its header") }
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: count))
            try bytes.withUnsafeMutableBytes { try reader.read(into: .init(rebasing: $0[start...])) }
        }
        try take(min(12, reader.remaining))
        guard bytes.starts(with: NPYHeader.magic) else { throw subject.damaged("not a NumPy array") }
        guard bytes.count == 12 else { throw subject.damaged("the file ends within its header") }
        let length = Int(bytes[8]) | Int(bytes[9]) << 8
        if bytes[6] == 1 {
            // A header of version 1 is never shorter than the two bytes that were taken of it.
            try take(max(0, length - 2))
        } else {
            try take(length | Int(bytes[10]) << 16 | Int(bytes[11]) << 24)
        }
        return try bytes.withUnsafeBytes { try NPYHeader(parsing: $0, subject) }
    }
}
