import CZlib

/// Deflates what it is given, as raw data without a head, and hands the result on in pieces.
///
/// The level is zlib's default, which is NumPy's. Not thread safe: one owner.
final class Deflater {
    /// zlib keeps the address of its stream, so the stream must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

    init() {
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib cannot begin: \(status)")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer, to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        // zlib counts in 32 bits.
        let part = 1 << 30
        for start in stride(from: 0, to: bytes.count, by: part) {
            let piece = bytes[start..<min(bytes.count, start + part)]
            try run(.init(rebasing: piece), Z_NO_FLUSH, sink)
        }
    }

    /// Ends the data. Nothing can be written afterwards.
    func finish(to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try run(.init(start: nil, count: 0), Z_FINISH, sink)
    }

    private func run(
        _ input: UnsafeRawBufferPointer, _ flush: Int32, _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        stream.pointee.next_in = input.baseAddress.map {
            UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self)
        }
        stream.pointee.avail_in = UInt32(input.count)
        repeat {
            stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(output.count)
            let status = CZlib.deflate(stream, flush)
            precondition(status != Z_STREAM_ERROR, "zlib's stream is damaged")
            let count = output.count - Int(stream.pointee.avail_out)
            if count > 0 { try sink(.init(rebasing: output[..<count])) }
        } while stream.pointee.avail_out == 0
    }
}
