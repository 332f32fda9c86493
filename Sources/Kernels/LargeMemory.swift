#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Memory for tables of many megabytes that are read at random places.
public enum LargeMemory {
    /// Zeroed, 64-byte-aligned memory, to be given back with `free`. From 1 MB on it is whole huge pages where the system
    /// has them: fewer address look-ups.
    public static func zeroed(bytes wanted: Int) -> UnsafeMutableRawPointer {
        let page = 1 << 21
        let alignment = wanted >= page / 2 ? page : 64
        let bytes = max(64, (wanted + alignment - 1) / alignment * alignment)
        var memory: UnsafeMutableRawPointer?
        precondition(posix_memalign(&memory, alignment, bytes) == 0, "no memory for a table of \(bytes) bytes")
        #if os(Linux)
        if alignment > 64 { madvise(memory, bytes, MADV_HUGEPAGE) }
        #endif
        memset(memory!, 0, bytes)
        return memory!
    }
}
