import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Memory for decoded data whose size a foreign file states.
///
/// `@unchecked Sendable`: filled by who makes it, before anyone else sees it.
final class HeapBytes: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `failed` with the figures, when the machine has not so much memory.
    init(count: Int, for subject: Subject) throws {
        let available = count > 1 << 26 ? Host.availableMemory() : nil
        guard count <= available ?? .max, let memory = malloc(max(1, count)) else {
            throw subject.unsuitable(
                "it takes \(Numerals.bytes(count)) of memory"
                    + (available.map { ", and only \(Numerals.bytes($0)) are free" } ?? ""))
        }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    deinit { free(bytes.baseAddress) }
}

extension UnsafeMutableRawBufferPointer {
    /// Turns every group of `unit` bytes round.
    func reverseBytes(unit: Int) {
        func reverse<Unit: FixedWidthInteger & BitwiseCopyable>(_: Unit.Type) {
            for offset in stride(from: 0, to: count, by: unit) {
                let value = loadUnaligned(fromByteOffset: offset, as: Unit.self)
                storeBytes(of: value.byteSwapped, toByteOffset: offset, as: Unit.self)
            }
        }
        switch unit {
        case 2: reverse(UInt16.self)
        case 4: reverse(UInt32.self)
        case 8: reverse(UInt64.self)
        default: break
        }
    }
}
