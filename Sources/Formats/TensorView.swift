import Basics

/// One tensor of a ``SafeTensorsFile`` or a ``PTHFile``, read where it lies if it can be: row-major, little-endian, at any
/// alignment.
///
/// `@unchecked Sendable`: the bytes are never written.
public struct TensorView: @unchecked Sendable {
    public let name: String
    public let elementType: ElementType
    /// Sizes from the slowest axis to the fastest; `[]` is a scalar.
    public let shape: [Int]
    /// The data, perhaps unaligned. Valid as long as this value lives: hold on to it, or use ``withUnsafeBytes(_:)``,
    /// which does.
    public let bytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable
    private let subject: Subject

    /// - Parameter owner: keeps `bytes` alive.
    init(
        name: String, elementType: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable, _ subject: Subject
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
        self.subject = subject
    }

    /// Number of elements.
    public var count: Int { bytes.count / elementType.size }

    /// Lends the data to `body`; nothing of it may be kept.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(owner) { try body(bytes) }
    }

    /// The elements of an F32 tensor.
    /// - Throws: `failed` naming file, tensor and its type, if that is another one.
    /// - Complexity: O(count), one copy.
    public func floats() throws -> [Float] { try elements(of: .float32) }

    /// The elements of an F64 tensor; otherwise as ``floats()``.
    public func doubles() throws -> [Double] { try elements(of: .float64) }

    /// The elements of an I64 tensor; otherwise as ``floats()``.
    public func int64s() throws -> [Int64] { try elements(of: .int64) }

    /// The elements of a U32 tensor; otherwise as ``floats()``.
    public func uint32s() throws -> [UInt32] { try elements(of: .uint32) }

    /// The elements of a U8 tensor; otherwise as ``floats()``.
    public func bytes8() throws -> [UInt8] { try elements(of: .uint8) }

    /// Itself, if it has that shape.
    /// - Throws: `failed` naming file, tensor and both shapes.
    @discardableResult
    public func expect(shape expected: [Int]) throws -> TensorView {
        guard shape == expected else {
            throw subject.unsuitable("its shape is \(shape), \(expected) is expected")
        }
        return self
    }

    /// Itself, if it has that element type and shape.
    /// - Throws: `failed` naming file, tensor, both types and both shapes.
    @discardableResult
    public func expect(_ type: ElementType, shape expected: [Int]) throws -> TensorView {
        guard elementType == type && shape == expected else {
            throw subject.unsuitable(
                "it holds \(elementType.rawValue) \(shape), \(type.rawValue) \(expected) is expected")
        }
        return self
    }

    private func elements<Element: BitwiseCopyable>(of type: ElementType) throws -> [Element] {
        guard elementType == type else {
            throw subject.unsuitable("its elements are \(elementType.rawValue), \(type.rawValue) is expected")
        }
        return withUnsafeBytes { .init(unaligned: $0) }
    }
}

extension Array where Element: BitwiseCopyable {
    /// Copies elements from bytes at any alignment.
    init(unaligned bytes: UnsafeRawBufferPointer) {
        let count = bytes.count / MemoryLayout<Element>.stride
        self.init(unsafeUninitializedCapacity: count) { elements, filled in
            UnsafeMutableRawBufferPointer(elements).copyMemory(from: bytes)
            filled = count
        }
    }
}
