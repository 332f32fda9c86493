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
    /// Whether stored entries are compared with their CRC-32.
    private let verifies: Bool

    /// - Throws: `badData` naming the file and what is wrong.
    /// - Complexity: O(directory); data are not touched.
    package init(_ memory: MappedFile, verifying: Bool = true) throws {
        (self.memory, verifies) = (memory, verifying)
        entries = try ZipDirectory(bytes: memory.bytes, subject: Subject(file: memory.path)).entries()
    }

    /// An entry's bytes, a view of the file where it is stored.
    /// - Parameter workers: check the CRC-32 of a stored entry in parallel, and leave nothing of the file in memory.
    /// - Throws: `badData` if its data are damaged or its CRC-32 is another.
    func content(
        of entry: Entry, _ subject: Subject, workers: Workers? = nil
    ) throws -> (bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, isView: Bool) {
        switch entry.method {
        case 0:
            let bytes = UnsafeRawBufferPointer(rebasing: memory.bytes[entry.range])
            guard verifies else { return (bytes, memory, true) }
            let crc =
                if let workers { sliceWise(entry.range, workers) } else { crc32_z(0, bytes.baseAddress, bytes.count) }
            guard UInt32(crc) == entry.crc else { throw entry.wrongChecksum(subject) }
            return (bytes, memory, true)
        case 8:
            let inflated = try HeapBytes(count: entry.size, for: subject)
            let reader = try ZipEntryReader(entry, in: memory, subject)
            try reader.read(into: inflated.bytes)
            try reader.finish()
            return (UnsafeRawBufferPointer(inflated.bytes), inflated, false)
        default: throw entry.unknownMethod(subject)
        }
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
