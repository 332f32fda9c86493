#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Memory for tables of many megabytes, in pages of 2 MiB where the system has them: fewer address look-ups at random
/// places, and handed out hundreds of times faster a byte than pages of 4 KiB.
public enum LargeMemory {
    /// Zeroed, 64-byte-aligned memory, to be given back with `free`. From 1 MB on it is whole huge pages.
    public static func zeroed(bytes wanted: Int) -> UnsafeMutableRawPointer {
        let page = 1 << 21
        let alignment = wanted >= page / 2 ? page : 64
        let bytes = max(64, (wanted + alignment - 1) / alignment * alignment)
        var memory: UnsafeMutableRawPointer?
        precondition(posix_memalign(&memory, alignment, bytes) == 0, "no memory for a table of \(bytes) bytes")
        if alignment > 64 { advise(UnsafeMutableRawBufferPointer(start: memory, count: bytes)) }
        memset(memory!, 0, bytes)
        return memory!
    }

    /// Asks for huge pages for memory of some megabytes that is about to be written whole.
    package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
        #if os(Linux)
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard memory.count >= 2 << 20, let base = memory.baseAddress else { return }
        let skipped = (page - Int(bitPattern: base) % page) % page
        madvise(base + skipped, (memory.count - skipped) / page * page, MADV_HUGEPAGE)
        #endif
    }
}
