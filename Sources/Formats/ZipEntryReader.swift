import CZlib

/// An entry's bytes from front to back, inflated on the way and held to its size and CRC-32.
///
/// Not thread safe: one owner.
final class ZipEntryReader {
    private let source: UnsafeRawBufferPointer
    private let entry: ZipArchive.Entry
    private let memory: MappedFile
    private let subject: Subject
    /// zlib keeps the address of its stream, so the stream must not move. Nil for a stored entry.
    private let stream: UnsafeMutablePointer<z_stream>?
    private var consumed = 0
    private var released = 0
    private var produced = 0
    private var crc: UInt = 0
    private var hasEnded = false

    init(_ entry: ZipArchive.Entry, in memory: MappedFile, _ subject: Subject) throws {
        (self.entry, self.memory, self.subject) = (entry, memory, subject)
        source = UnsafeRawBufferPointer(rebasing: memory.bytes[entry.range])
        switch entry.method {
        case 0: stream = nil
        case 8:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                stream.deallocate()
                throw subject.unsuitable("no memory to inflate it")
            }
            self.stream = stream
        default: throw entry.unknownMethod(subject)
        }
    }

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Bytes that are still to come.
    var remaining: Int { entry.size - produced }

    /// Fills `target`, which must not ask for more than ``remaining``.
    /// - Throws: `badData` if the compressed data are damaged or end early.
    func read(into target: UnsafeMutableRawBufferPointer) throws {
        precondition(target.count <= remaining, "more than the entry holds")
        // zlib begins anew with a CRC when it is handed no bytes.
        guard target.count > 0 else { return }
        if stream == nil {
            target.copyMemory(from: .init(rebasing: source[consumed..<consumed + target.count]))
            consumed += target.count
            produced += target.count
        } else {
            try inflate(into: target)
        }
        crc = crc32_z(crc, target.baseAddress, target.count)
    }

    /// Tells the system that what was read is not needed any more.
    func release() {
        memory.release(entry.range.lowerBound + released..<entry.range.lowerBound + consumed)
        // Pages that end in what is still to be read stay.
        released = max(0, consumed - 1 << 16)
    }

    /// All must have been read.
    /// - Throws: `badData` if the compressed data go on, or the CRC-32 is another.
    func finish() throws {
        precondition(remaining == 0, "an entry was not read to its end")
        while stream != nil, !hasEnded {
            // One byte more is offered: a sound stream ends without using it.
            var spare: UInt8 = 0
            guard try withUnsafeMutableBytes(of: &spare, { try step(into: $0) }) == 0 else {
                throw subject.damaged("it inflates to more than the \(entry.size) bytes the directory states")
            }
        }
        guard UInt32(crc) == entry.crc else { throw entry.wrongChecksum(subject) }
    }

    private func inflate(into target: UnsafeMutableRawBufferPointer) throws {
        var filled = 0
        while filled < target.count {
            guard !hasEnded else {
                throw subject.damaged(
                    "it inflates to \(produced) of the \(entry.size) bytes the directory states")
            }
            let count = try step(into: .init(rebasing: target[filled...]))
            filled += count
            produced += count
        }
    }

    /// One call of zlib's, which counts in 32 bits, so that both sides are handed over in parts.
    private func step(into target: UnsafeMutableRawBufferPointer) throws -> Int {
        let stream = stream!
        let part = 1 << 30
        let input = min(part, source.count - consumed)
        let output = min(part, target.count)
        stream.pointee.next_in = source.baseAddress.map {
            UnsafeMutableRawPointer(mutating: $0 + consumed).assumingMemoryBound(to: UInt8.self)
        }
        stream.pointee.avail_in = UInt32(input)
        stream.pointee.next_out = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        consumed += input - Int(stream.pointee.avail_in)
        switch status {
        case Z_STREAM_END: hasEnded = true
        case Z_OK: break
        case Z_BUF_ERROR: throw subject.damaged("its compressed data end early")
        default: throw subject.damaged("its compressed data are damaged")
        }
        return output - Int(stream.pointee.avail_out)
    }
}

extension ZipArchive.Entry {
    func unknownMethod(_ subject: Subject) -> any Error {
        subject.damaged("it is compressed by method \(method)", remedy: "save it with numpy.savez or savez_compressed")
    }

    func wrongChecksum(_ subject: Subject) -> any Error {
        subject.damaged("its checksum (CRC-32) does not fit: the file is damaged")
    }
}
