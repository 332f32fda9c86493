#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Bytes that are appended to and read as a whole, without the zeros that an array writes first.
final class GrowingBytes {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0

    deinit { free(base) }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `more` bytes, which the caller must fill before anything else is done.
    func extend(_ more: Int) -> UnsafeMutableRawPointer {
        if count + more > capacity {
            capacity = max(count + more, 2 * capacity, 1 << 16)
            base = realloc(base, capacity)
            precondition(base != nil, "no memory for a shard of \(capacity) bytes")
        }
        defer { count += more }
        return base! + count
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        extend(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    /// Forgets the content and keeps the memory.
    func removeAll() { count = 0 }
}
