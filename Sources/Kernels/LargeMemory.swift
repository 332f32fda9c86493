#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Memory for tables of many megabytes that are read at random places.
public enum LargeMemory {
    /// Zeroed, 64-byte-aligned memory, to be given back with `free`. From 4 MB on it asks for huge pages where the system
    /// has them: fewer address look-ups.
    public static func zeroed(bytes wanted: Int) -> UnsafeMutableRawPointer {
        let bytes = max(64, wanted)
        var memory: UnsafeMutableRawPointer?
        let alignment = bytes >= 1 << 22 ? 1 << 21 : 64
        precondition(posix_memalign(&memory, alignment, bytes) == 0, "no memory for a table of \(bytes) bytes")
        #if os(Linux)
        if alignment > 64 { madvise(memory, bytes, MADV_HUGEPAGE) }
        #endif
        memset(memory!, 0, bytes)
        return memory!
    }
}
