import Basics

/// An array as NumPy saves it, always delivered in C order and in this machine's byte order.
///
/// Where the file already holds it so and uncompressed, ``bytes`` is a view of the mapped file: nothing is copied,
/// and an array larger than memory can be walked. Otherwise (Fortran order, big-endian, compressed) it is decoded
/// into memory once. Conversions to Swift arrays are in ``floats()`` and its siblings.
///
/// `@unchecked Sendable`: the bytes are never written after the array is made.
public struct NPYArray: @unchecked Sendable {
    /// The name in an NPZ file, without `.npy`; nil for a file of its own.
    public let name: String?
    public let element: NPYElement
    /// Sizes from the slowest axis to the fastest; `[]` is a scalar.
    public let shape: [Int]
    /// The data, perhaps unaligned. Valid as long as this value lives: hold on to it, or use
    /// ``withUnsafeBytes(_:)``, which does.
    public let bytes: UnsafeRawBufferPointer
    /// Whether ``bytes`` lies in the mapped file.
    public let isView: Bool
    /// Counts a second where elements are times since 1970, which a ``NPYPipe`` may hold, as `int64`; nil for all else.
    package let ticksPerSecond: Int64?
    let subject: Subject
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - content: the whole NPY file, kept alive by `owner`.
    ///   - mapped: whether `content` is part of a mapped file.
    ///   - takesTimes: whether elements may be times.
    init(
        _ content: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, mapped: Bool, name: String?,
        _ subject: Subject, takesTimes: Bool = false
    ) throws {
        let header = try NPYHeader(parsing: content, subject, takesTimes: takesTimes)
        let data = try header.data(of: content, subject)
        self.name = name
        self.subject = subject
        element = header.element
        shape = header.shape
        ticksPerSecond = header.ticksPerSecond

        let swaps = header.isBigEndian && element.unit > 1
        let transposes = header.isFortranOrder && shape.count > 1
        guard (swaps || transposes) && !data.isEmpty else {
            (bytes, self.owner, isView) = (data, owner, mapped)
            return
        }
        let decoded = try HeapBytes(count: data.count, for: subject)
        if transposes {
            // In Fortran order the first axis is the fastest.
            let strides = header.shape.indices.map { header.shape[..<$0].reduce(1, *) }
            StridedElements(source: data, shape: shape, strides: strides, size: element.size).copy(into: decoded.bytes)
        } else {
            decoded.bytes.copyMemory(from: data)
        }
        if swaps { decoded.bytes.reverseBytes(unit: element.unit) }
        (bytes, self.owner, isView) = (UnsafeRawBufferPointer(decoded.bytes), decoded, false)
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Lends the data to `body`; nothing of it may be kept.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(owner) { try body(bytes) }
    }

    /// Tells the system that bytes of the data will not be read again soon, where they lie in a mapped file.
    package func release(_ range: Range<Int>) {
        guard isView, let memory = owner as? MappedFile else { return }
        let start = bytes.baseAddress! - memory.bytes.baseAddress!
        memory.release(start + range.lowerBound..<start + range.upperBound)
    }

    /// Itself, if it has that shape.
    /// - Throws: `failed` naming file, array and both shapes.
    @discardableResult
    public func expect(shape expected: [Int]) throws -> NPYArray {
        guard shape == expected else {
            throw subject.unsuitable("its shape is \(shape), \(expected) is expected")
        }
        return self
    }
}
