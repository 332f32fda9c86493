#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A buffered writer over a file. Not thread safe: one owner.
///
/// A full disk shows as a thrown ``StarlingError``, at the latest from ``close(synced:)``; a writer dropped
/// without closing closes its file and leaves what was written.
public final class FileWriter {
    public let path: String
    /// Bytes given to the writer so far.
    public private(set) var count = 0
    private var file: Int32
    private var buffer: [UInt8] = []
    private let capacity = 1 << 18

    /// Creates or empties the file.
    public convenience init(creating path: String) throws { try self.init(path, O_TRUNC) }

    /// Writes after what the file holds; creates it if it is not there.
    public convenience init(appendingTo path: String) throws { try self.init(path, O_APPEND) }

    private init(_ path: String, _ mode: Int32) throws {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0o666)
        guard file >= 0 else { throw Files.systemError("cannot create the file", path) }
        buffer.reserveCapacity(capacity)
    }

    deinit {
        if file >= 0 { _ = systemClose(file) }
    }

    public func write(_ text: String) throws { try write(text.utf8) }

    public func write(_ bytes: some Collection<UInt8>) throws {
        count += bytes.count
        buffer.append(contentsOf: bytes)
        if buffer.count >= capacity { try flush() }
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        count += bytes.count
        if bytes.count < capacity {
            buffer.append(contentsOf: bytes)
            if buffer.count >= capacity { try flush() }
        } else {
            try flush()
            try put(bytes)
        }
    }

    /// Puts `bytes` over bytes written before, for headers that state what follows them. ``count`` stays.
    public func overwrite(at offset: Int, with bytes: [UInt8]) throws {
        precondition(offset >= 0 && offset + bytes.count <= count, "only bytes already written can be replaced")
        try flush()
        try bytes.withUnsafeBytes {
            var rest = $0[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let written = pwrite(file, part.baseAddress!, part.count, off_t(offset + bytes.count - part.count))
                if written < 0 && errno == EINTR { continue }
                guard written >= 0 else { throw failure() }
                rest = rest.dropFirst(written)
            }
        }
    }

    /// Hands buffered bytes to the system.
    public func flush() throws {
        try buffer.withUnsafeBytes { try put($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Flushes and closes; with `synced` the bytes are on disk when it returns.
    public func close(synced: Bool) throws {
        try flush()
        if synced { guard fsync(file) == 0 else { throw failure() } }
        let closing = file
        file = -1
        guard systemClose(closing) == 0 else { throw failure() }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
            let written = Glibc.write(file, part.baseAddress!, part.count)
            #else
            let written = Darwin.write(file, part.baseAddress!, part.count)
            #endif
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw failure() }
            rest = rest.dropFirst(written)
        }
    }

    private func failure() -> StarlingError {
        Files.systemError(
            "cannot write the file", path,
            remedy: errno == ENOSPC || errno == EDQUOT ? "free some disk space or choose another --output" : nil)
    }
}

private func systemClose(_ file: Int32) -> Int32 {
    #if canImport(Glibc)
    Glibc.close(file)
    #else
    Darwin.close(file)
    #endif
}
