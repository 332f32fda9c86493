import Basics
import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension HeapBytes {
    /// A whole file in memory, in large pages where the system has them, so that places in random order are found
    /// without a walk through page tables each.
    ///
    /// - Throws: `badData` if it cannot be read, `failed` if memory is short.
    convenience init(reading path: String) throws {
        guard let size = Files.size(path) else { throw Files.systemError("cannot read the file", path, code: .badData) }
        try self.init(count: size, for: Subject(file: path))
        LargeMemory.advise(bytes)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.systemError("cannot open the file", path, code: .badData) }
        defer { close(file) }
        var position = 0
        while position < size {
            let count = pread(file, bytes.baseAddress! + position, size - position, off_t(position))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw Files.systemError(
                    count == 0 ? "the file was shortened while it was read" : "cannot read the file", path,
                    code: .badData)
            }
            position += count
        }
    }
}
