import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A file's bytes in memory, mapped where that works, read whole where it does not (pipes).
///
/// `@unchecked Sendable`: the bytes are never written.
public final class MappedFile: @unchecked Sendable {
    public let path: String
    /// Valid as long as the object lives.
    public let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// - Throws: `badData` for a missing, unreadable or special file or a folder, with the system's reason.
    public init(_ path: String) throws {
        self.path = path
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.systemError("cannot open the file", path, code: .badData) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Files.systemError("cannot read the file", path, code: .badData) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw StarlingError(.badData, "is a folder, not a file", at: .init(file: path), remedy: "name a file in it")
        }
        let isDevice = status.st_mode & S_IFMT == S_IFCHR || status.st_mode & S_IFMT == S_IFBLK
        guard !isDevice || isatty(file) == 1 else {
            throw StarlingError(.badData, "is a device, not a file", at: .init(file: path), remedy: "name a file")
        }
        let size = Int(status.st_size)
        if status.st_mode & S_IFMT == S_IFREG, size > 0 {
            guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED else {
                throw Files.systemError("cannot map the file", path)
            }
            bytes = UnsafeRawBufferPointer(start: memory, count: size)
            isMapped = true
        } else {
            let content = try Files.read(path)
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, content.count), alignment: 64)
            copy.copyBytes(from: content)
            bytes = UnsafeRawBufferPointer(rebasing: copy[..<content.count])
            isMapped = false
        }
    }

    /// Takes bytes that are already in memory as the content of a file; `name` stands in for the path in errors.
    public init(copying content: some Collection<UInt8>, name: String) {
        path = name
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, content.count), alignment: 64)
        copy.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(rebasing: copy[..<content.count])
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
        } else {
            UnsafeMutableRawPointer(mutating: bytes.baseAddress!).deallocate()
        }
    }

    /// Of all bytes: 64 lower-case hexadecimal digits.
    package func sha256() -> String {
        var digest = Digest()
        digest.update(bytes)
        return digest.hex()
    }

    /// Tells the system that a range will not be read again soon, so that it does not count as this process's
    /// memory. Its content stays readable, also that of the pages before, of which the system maps up to 2 MB at every fault.
    public func release(_ range: Range<Int>) {
        guard isMapped else { return }
        let (page, around) = (Int(sysconf(Int32(_SC_PAGESIZE))), 2 << 20)
        let start = max(0, range.lowerBound - around) / page * page
        let end = min(bytes.count, range.upperBound + page - 1) / page * page
        guard start < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress! + start), end - start, MADV_DONTNEED)
    }
}
