package import Kernels

/// An array as it lies in a file: neither its byte order nor the order of its axes is changed, so that an uncompressed one is
/// never copied.
///
/// `@unchecked Sendable`: the bytes are never written.
package struct NPYView: @unchecked Sendable {
    package let element: NPYElement
    /// Sizes from the slowest axis to the fastest; of a Fortran-ordered array the first axis is the fastest.
    package let shape: [Int]
    package let isFortranOrder: Bool
    package let isBigEndian: Bool
    /// Valid as long as this value lives.
    package let bytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable

    /// An array with a file of its own.
    /// - Throws: `badData` naming the file and what is wrong.
    package init(_ memory: MappedFile) throws {
        try self.init(memory.bytes, owner: memory, Subject(file: memory.path))
    }

    init(_ content: UnsafeRawBufferPointer, owner: any AnyObject & Sendable, _ subject: Subject) throws {
        let header = try NPYHeader(parsing: content, subject)
        bytes = try header.data(of: content, subject)
        (element, shape, self.owner) = (header.element, header.shape, owner)
        (isFortranOrder, isBigEndian) = (header.isFortranOrder && shape.count > 1, header.isBigEndian)
    }

    /// Whether a file begins as one of NumPy's arrays does.
    package static func reads(_ memory: MappedFile) -> Bool { memory.bytes.starts(with: NPYHeader.magic) }

    /// Tells the system that bytes of the data will not be read again soon, where they lie in a mapped file.
    package func release(_ range: Range<Int>) {
        guard let memory = owner as? MappedFile else { return }
        let start = bytes.baseAddress! - memory.bytes.baseAddress!
        memory.release(start + range.lowerBound..<start + range.upperBound)
    }
}

extension NPZFile {
    /// Whether an array is stored as it is, so that any part of it can be read by itself.
    package func isStored(_ name: String) throws -> Bool { try find(name).0.method == 0 }

    /// An array as it lies in the file, or as it inflates into memory; checked (CRC-32), one that is stored in parallel by `workers`.
    /// - Throws: `badData` for a damaged array, or naming those there are.
    package func view(_ name: String, workers: Workers?) throws -> NPYView {
        let (entry, _, subject) = try find(name)
        let content = try archive.content(of: entry, subject, workers: workers)
        return try NPYView(content.bytes, owner: content.owner, subject)
    }
}
