import Basics
import CZlib
import Kernels

/// A ZIP archive read by its directory: entries stored or deflated, ZIP64, no encryption, one disk.
///
/// Sources: PKWARE's APPNOTE.TXT 6.3.10. Local headers are trusted for nothing but where the data start, since
/// NumPy's do not state sizes.
package final class ZipArchive: Sendable {
    package struct Entry: Sendable {
        package let name: String
        /// 0 stored, 8 deflated.
        let method: UInt16
        let crc: UInt32
        /// The compressed bytes, in the file.
        let range: Range<Int>
        /// Bytes once inflated.
        package let size: Int
    }

    package let memory: MappedFile
    /// In the order of the directory.
    package let entries: [Entry]

    /// - Throws: `badData` naming the file and what is wrong.
    /// - Complexity: O(directory); data are not touched.
    package init(_ memory: MappedFile) throws {
        self.memory = memory
        entries = try ZipDirectory(bytes: memory.bytes, subject: Subject(file: memory.path)).entries()
    }

    /// An entry's bytes, a view of the file where it is stored.
    /// - Parameter workers: check the CRC-32 of a stored entry in parallel, and leave nothing of the file in memory.
    /// - Throws: `badData` if its data are damaged or its CRC-32 is another.
    func content(
        of entry: Entry, _ subject: Subject, workers: Workers? = nil
    ) throws -> (bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, isView: Bool) {
        let raw = UnsafeRawBufferPointer(rebasing: memory.bytes[entry.range])
        let bytes: UnsafeRawBufferPointer
        let owner: any AnyObject & Sendable
        switch entry.method {
        case 0: (bytes, owner) = (raw, memory)
        case 8:
            let inflated = try HeapBytes(count: entry.size, for: subject)
            try inflate(raw, into: inflated.bytes, subject)
            (bytes, owner) = (UnsafeRawBufferPointer(inflated.bytes), inflated)
        default:
            throw subject.damaged(
                "it is compressed by method \(entry.method)", remedy: "save it with numpy.savez or savez_compressed")
        }
        let isView = entry.method == 0
        let crc =
            if let workers, isView { sliceWise(entry.range, workers) } else {
                crc32_z(0, bytes.baseAddress, bytes.count)
            }
        guard UInt32(crc) == entry.crc else {
            throw subject.damaged("its checksum (CRC-32) does not fit: the file is damaged")
        }
        return (bytes, owner, isView)
    }

    /// The CRC-32 of a range of the file, from those of slices; each slice is let go when it is done.
    private func sliceWise(_ range: Range<Int>, _ workers: Workers) -> UInt {
        let size = 4 << 20
        let slices = LineGrid.cuts(range, size: size)
        var crcs = [UInt](repeating: 0, count: slices.count)
        crcs.withUnsafeMutableBufferPointer { crcs in
            workers.forEach(slices.count) { index, _ in
                let bytes = UnsafeRawBufferPointer(rebasing: memory.bytes[slices[index]])
                crcs[index] = crc32_z(0, bytes.baseAddress, bytes.count)
                memory.release(slices[index])
            }
        }
        return zip(slices, crcs).reduce(0) { crc32_combine($0, $1.1, $1.0.count) }
    }
}

/// Undoes deflate into exactly `target.count` bytes.
private func inflate(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ subject: Subject
) throws {
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw subject.unsuitable("no memory to inflate it")
    }
    defer { inflateEnd(&stream) }
    // zlib counts in 32 bits, so both sides are handed over in parts.
    let part = 1 << 30
    var (consumed, produced) = (0, 0)
    var spare: UInt8 = 0
    while true {
        let input = min(part, source.count - consumed)
        let output = min(part, target.count - produced)
        stream.next_in = source.baseAddress.map {
            UnsafeMutableRawPointer(mutating: $0 + consumed).assumingMemoryBound(to: UInt8.self)
        }
        stream.avail_in = UInt32(input)
        // When the target is full one byte more is offered: a sound stream ends without using it.
        let status = withUnsafeMutablePointer(to: &spare) { spare in
            stream.next_out =
                output > 0
                ? (target.baseAddress! + produced).assumingMemoryBound(to: UInt8.self) : spare
            stream.avail_out = output > 0 ? UInt32(output) : 1
            return CZlib.inflate(&stream, Z_NO_FLUSH)
        }
        consumed += input - Int(stream.avail_in)
        let written = (output > 0 ? output : 1) - Int(stream.avail_out)
        guard output > 0 || written == 0 else {
            throw subject.damaged("it inflates to more than the \(target.count) bytes the directory states")
        }
        produced += written
        switch status {
        case Z_STREAM_END:
            guard produced == target.count else {
                throw subject.damaged("it inflates to \(produced) of the \(target.count) bytes the directory states")
            }
            return
        case Z_OK: continue
        case Z_BUF_ERROR: throw subject.damaged("its compressed data end early")
        default: throw subject.damaged("its compressed data are damaged")
        }
    }
}
