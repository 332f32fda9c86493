#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A matrix of 32-bit floats, `[rows × width]`, that owns 64-byte-aligned memory.
///
/// Each row is padded with zeros to a multiple of 16 floats (one 512-bit vector); kernels rely on the padding
/// staying zero, so that a sum over ``stride`` equals the sum over ``width``. Workers may write disjoint rows
/// at the same time through ``row(_:)``; whoever does so sees to it that they are disjoint.
public struct FactorTable: ~Copyable, @unchecked Sendable {
    public let rows: Int
    /// Floats in a row that mean something.
    public let width: Int
    /// Floats from one row to the next: `width` rounded up to a multiple of 16.
    public let stride: Int
    /// The first row. Valid as long as the table lives.
    public let base: UnsafeMutablePointer<Float>

    /// All zeros. The memory is touched when first written, so a table can be made larger than what is used.
    public init(rows: Int, width: Int) {
        precondition(rows >= 0 && width >= 1)
        self.rows = rows
        self.width = width
        stride = Self.stride(width)
        base = LargeMemory.zeroed(bytes: rows * stride * MemoryLayout<Float>.size)
            .bindMemory(to: Float.self, capacity: max(16, rows * stride))
    }

    deinit { free(base) }

    /// Bytes that a table takes, for memory estimates.
    public static func bytes(rows: Int, width: Int) -> Int { rows * stride(width) * MemoryLayout<Float>.size }

    /// `width` rounded up to a multiple of 16.
    public static func stride(_ width: Int) -> Int { (width + 15) / 16 * 16 }

    /// The `width` floats of a row.
    public func row(_ row: Int) -> UnsafeMutableBufferPointer<Float> {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        return UnsafeMutableBufferPointer(start: base + row * stride, count: width)
    }

    public subscript(row: Int, column: Int) -> Float {
        get { self.row(row)[column] }
        nonmutating set { self.row(row)[column] = newValue }
    }
}
