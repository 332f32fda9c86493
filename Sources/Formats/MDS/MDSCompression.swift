import Basics
import CZlib
import CZstd

/// How a shard's file is compressed, written as the package writes it: `zstd`, `zstd:7`, `gz:9`.
///
/// Brotli, bzip2 and snappy (`br`, `bz2`, `snappy`) are not supported. Source: `streaming/base/compression.py` of
/// mosaicml-streaming 0.13.
public struct MDSCompression: Sendable, Hashable, CustomStringConvertible {
    public enum Family: String, Sendable {
        case zstd
        case gz

        /// Levels, from the fastest to the smallest.
        public var levels: ClosedRange<Int> { self == .zstd ? 1...22 : 0...9 }
    }

    public let family: Family
    /// nil for the package's default, 3 for zstd and 9 for gz.
    public let level: Int?

    /// - Precondition: a level of the family.
    public init(_ family: Family, level: Int? = nil) {
        precondition(level.map(family.levels.contains) ?? true, "\(family) has no level \(level!)")
        self.family = family
        self.level = level
    }

    /// - Throws: `usage` naming what is not supported.
    public init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let family = Family(rawValue: String(parts[0])) else {
            let isKnown = ["br", "bz2", "snappy"].contains(parts[0])
            throw StarlingError(
                .usage, "the compression “\(text)” is not " + (isKnown ? "supported" : "known"),
                remedy: "use zstd, zstd:1 to zstd:22, gz, gz:0 to gz:9, or none")
        }
        self.family = family
        guard parts.count > 1 else {
            level = nil
            return
        }
        guard parts.count == 2, let level = Int(parts[1]), family.levels.contains(level), parts[1] == String(level)
        else {
            throw StarlingError(
                .usage, "the compression “\(text)” has no level of \(family)",
                remedy: "levels are \(family.levels.lowerBound) to \(family.levels.upperBound)")
        }
        self.level = level
    }

    /// `zstd` or `zstd:7`.
    public var description: String { family.rawValue + (level.map { ":\($0)" } ?? "") }

    /// Bytes that one compressed byte can stand for at most: a block of 128 KiB in 4 bytes, deflate's longest match in
    /// 2 bits.
    var greatestRatio: Int { family == .zstd ? 1 << 15 : 1032 }

    /// - Throws: `failed` when there is no memory.
    func compress(_ source: UnsafeRawBufferPointer, _ subject: Subject) throws -> [UInt8] {
        switch family {
        case .zstd:
            var size = 0
            let target = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(source.count)) { target, filled in
                size = ZSTD_compress(
                    target.baseAddress, target.count, source.baseAddress, source.count, Int32(level ?? 3))
                filled = ZSTD_isError(size) == 0 ? size : 0
            }
            guard ZSTD_isError(size) == 0 else {
                throw subject.unsuitable("it cannot be compressed: \(String(cString: ZSTD_getErrorName(size)))")
            }
            return target
        case .gz: return try gzip(source, level: level ?? 9, subject)
        }
    }

    /// Undoes the compression into exactly `target.count` bytes.
    /// - Throws: `badData` if the data are damaged, or stand for fewer or more bytes.
    func decompress(
        _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ subject: Subject
    ) throws {
        switch family {
        case .zstd:
            let size = ZSTD_decompress(target.baseAddress, target.count, source.baseAddress, source.count)
            guard ZSTD_isError(size) == 0 else {
                if ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall { throw tooMuch(target.count, subject) }
                throw subject.damaged(
                    "its compressed data are damaged or end early (\(String(cString: ZSTD_getErrorName(size))))")
            }
            guard size == target.count else { throw tooLittle(size, target.count, subject) }
        case .gz:
            let size = try gunzip(source, into: target, subject)
            guard let size else { throw tooMuch(target.count, subject) }
            guard size == target.count else { throw tooLittle(size, target.count, subject) }
        }
    }

    private func tooMuch(_ count: Int, _ subject: Subject) -> StarlingError {
        subject.damaged("it decompresses to more than the \(count) bytes the index states")
    }

    private func tooLittle(_ size: Int, _ count: Int, _ subject: Subject) -> StarlingError {
        subject.damaged("it decompresses to \(size) of the \(count) bytes the index states")
    }
}

/// As Python's `gzip.compress(data, level, mtime=0)`: no name, no time, no operating system.
private func gzip(_ source: UnsafeRawBufferPointer, level: Int, _ subject: Subject) throws -> [UInt8] {
    var stream = z_stream()
    let status = deflateInit2_(
        &stream, Int32(level), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw subject.unsuitable("no memory to compress it") }
    defer { deflateEnd(&stream) }
    // A shard has less than 2³² bytes, and so has what deflate makes of it.
    var compressed = [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(source.count)))) {
        target, filled in
        stream.next_in = source.baseAddress.map {
            UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self)
        }
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(clamping: target.count)
        filled = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
    }
    guard !compressed.isEmpty else { throw subject.unsuitable("it does not fit 4 GiB when compressed") }
    compressed[9] = 255
    return compressed
}

/// Undoes gzip, of one member or several, with zeros perhaps behind the last.
/// - Returns: the bytes; nil if they are more than the target takes.
private func gunzip(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, _ subject: Subject
) throws -> Int? {
    var stream = z_stream()
    guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw subject.unsuitable("no memory to decompress it")
    }
    defer { inflateEnd(&stream) }
    guard source.count <= UInt32.max, target.count <= UInt32.max else {
        throw subject.damaged("it has more than the 4 GiB a shard can have")
    }
    stream.next_in = source.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self)
    }
    stream.avail_in = UInt32(source.count)
    var produced = 0
    var spare: UInt8 = 0
    while true {
        // When the target is full one byte more is offered: a sound stream ends without using it.
        let room = target.count - produced
        let status = withUnsafeMutablePointer(to: &spare) { spare in
            stream.next_out =
                room > 0 ? (target.baseAddress! + produced).assumingMemoryBound(to: UInt8.self) : spare
            stream.avail_out = room > 0 ? UInt32(room) : 1
            return inflate(&stream, Z_NO_FLUSH)
        }
        let written = (room > 0 ? room : 1) - Int(stream.avail_out)
        guard room > 0 || written == 0 else { return nil }
        produced += written
        switch status {
        case Z_OK: continue
        case Z_STREAM_END:
            let rest = source.suffix(Int(stream.avail_in))
            if rest.allSatisfy({ $0 == 0 }) { return produced }
            guard inflateReset(&stream) == Z_OK else { throw subject.damaged("its compressed data are damaged") }
        case Z_BUF_ERROR: throw subject.damaged("its compressed data end early")
        default: throw subject.damaged("its compressed data are damaged")
        }
    }
}
