package import Basics
import CZlib

/// Writes a ZIP archive of stored or deflated entries as Python's `zipfile` does for NumPy: local headers always with
/// ZIP64 sizes, the directory with them where they are needed, no dates, nothing of the machine.
///
/// Sources: PKWARE's APPNOTE.TXT 6.3.10; CPython's `Lib/zipfile`.
package struct ZipWriter {
    private struct Entry {
        let name: [UInt8]
        let flags: UInt16
        /// 0 stored, 8 deflated.
        let method: UInt16
        var crc: UInt32 = 0
        var size = 0
        /// Bytes in the archive.
        var packed = 0
        let offset: Int
    }

    private let writer: FileWriter
    private let limit: Int
    private var entries: [Entry] = []

    /// - Parameters:
    ///   - writer: a file without content.
    ///   - limit: sizes and offsets above it are written as ZIP64. The default is Python's.
    package init(_ writer: FileWriter, zip64Above limit: Int = 0x7FFF_FFFF) {
        precondition(writer.count == 0, "an archive starts its file")
        self.writer = writer
        self.limit = limit
    }

    /// Adds an entry whose content `emit` hands over in pieces.
    package mutating func add(
        _ name: String, compressed: Bool = false, _ emit: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let nameBytes = Array(name.utf8)
        let isASCII = nameBytes.allSatisfy { $0 < 0x80 }
        var entry = Entry(
            name: nameBytes, flags: isASCII ? 0 : 0x800, method: compressed ? 8 : 0, offset: writer.count)
        try writer.write(localHeader(entry))
        let start = writer.count
        let deflater = compressed ? Deflater() : nil
        var (crc, size): (UInt, Int) = (0, 0)
        try emit {
            // zlib begins anew with a CRC when it is handed no bytes.
            guard $0.count > 0 else { return }
            crc = crc32_z(crc, $0.baseAddress, $0.count)
            size += $0.count
            if let deflater { try deflater.write($0) { try writer.write($0) } } else { try writer.write($0) }
        }
        try deflater?.finish { try writer.write($0) }
        (entry.crc, entry.size, entry.packed) = (UInt32(crc), size, writer.count - start)
        try writer.overwrite(at: entry.offset, with: localHeader(entry))
        entries.append(entry)
    }

    /// Writes the directory. Nothing can be added afterwards.
    package consuming func finish() throws {
        let start = writer.count
        for entry in entries { try writer.write(directoryEntry(entry)) }
        let end = writer.count
        var tail: [UInt8] = []
        if entries.count > 0xFFFF || start > limit || end - start > limit {
            tail.appendLittleEndian(ZipSignature.zip64End)
            tail.appendLittleEndian(44 as UInt64)
            tail.append(contentsOf: [45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            for value in [entries.count, entries.count, end - start, start] {
                tail.appendLittleEndian(UInt64(value))
            }
            tail.appendLittleEndian(ZipSignature.zip64Locator)
            tail.appendLittleEndian(0 as UInt32)
            tail.appendLittleEndian(UInt64(end))
            tail.appendLittleEndian(1 as UInt32)
        }
        tail.appendLittleEndian(ZipSignature.end)
        tail.appendLittleEndian(0 as UInt32)
        for _ in 0..<2 { tail.appendLittleEndian(UInt16(clamping: entries.count)) }
        tail.appendLittleEndian(UInt32(clamping: end - start))
        tail.appendLittleEndian(UInt32(clamping: start))
        tail.appendLittleEndian(0 as UInt16)
        try writer.write(tail)
    }

    /// Its length depends on the name only.
    private func localHeader(_ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(ZipSignature.local)
        appendCommon(entry, sizes: [.max, .max], extra: 20, &bytes)
        bytes.append(contentsOf: entry.name)
        bytes.append(contentsOf: [1, 0, 16, 0])
        for size in [entry.size, entry.packed] { bytes.appendLittleEndian(UInt64(size)) }
        return bytes
    }

    private func directoryEntry(_ entry: Entry) -> [UInt8] {
        let isWide = entry.size > limit || entry.packed > limit
        var wide: [Int] = []
        if isWide { wide += [entry.size, entry.packed] }
        if entry.offset > limit { wide.append(entry.offset) }
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(ZipSignature.directory)
        bytes.append(contentsOf: [45, 3])  // made by version 4.5 on Unix
        appendCommon(
            entry, sizes: isWide ? [.max, .max] : [UInt32(entry.packed), UInt32(entry.size)],
            extra: wide.isEmpty ? 0 : 4 + 8 * wide.count, &bytes)
        bytes.append(contentsOf: [0, 0, 0, 0, 0, 0])  // no comment, first disk, binary
        bytes.appendLittleEndian(0o600 << 16 as UInt32)
        bytes.appendLittleEndian(entry.offset > limit ? .max : UInt32(entry.offset))
        bytes.append(contentsOf: entry.name)
        if !wide.isEmpty {
            bytes.appendLittleEndian(1 as UInt16)
            bytes.appendLittleEndian(UInt16(8 * wide.count))
            for value in wide { bytes.appendLittleEndian(UInt64(value)) }
        }
        return bytes
    }

    /// The part that local headers and directory entries share: version needed to extra length.
    /// - Parameter sizes: in the archive, and unpacked.
    private func appendCommon(_ entry: Entry, sizes: [UInt32], extra: Int, _ bytes: inout [UInt8]) {
        bytes.appendLittleEndian(45 as UInt16)
        bytes.appendLittleEndian(entry.flags)
        bytes.appendLittleEndian(entry.method)
        bytes.append(contentsOf: [0, 0, 0x21, 0])  // midnight, 1 January 1980
        bytes.appendLittleEndian(entry.crc)
        for size in sizes { bytes.appendLittleEndian(size) }
        bytes.appendLittleEndian(UInt16(entry.name.count))
        bytes.appendLittleEndian(UInt16(extra))
    }
}

enum ZipSignature {
    static let local: UInt32 = 0x0403_4B50
    static let directory: UInt32 = 0x0201_4B50
    static let end: UInt32 = 0x0605_4B50
    static let zip64End: UInt32 = 0x0606_4B50
    static let zip64Locator: UInt32 = 0x0706_4B50
}
