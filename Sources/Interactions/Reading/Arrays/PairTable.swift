import Basics
import Formats

/// The array of pairs in an NPZ file.
struct PairTable {
    let file: String
    let name: String
    /// Pairs.
    let count: Int
    /// An integer type.
    let type: ElementType
    private let archive: NPZFile

    /// - Throws: `badData` naming the file and what is not as it should be.
    init(_ memory: MappedFile) throws {
        archive = try NPZFile(memory)
        file = memory.path
        func wrong(_ what: String, remedy: String? = nil) -> StarlingError {
            StarlingError(.badData, what, at: .init(file: memory.path), remedy: remedy)
        }
        guard archive.names.count == 1 else {
            throw wrong(
                "it holds \(archive.names.count) arrays, one of pairs [n × 2] is expected, as in the files before it",
                remedy: "read files of different form one by one")
        }
        name = archive.names[0]
        let stream = try archive.stream(name)
        let shape = stream.shape
        // NumPy makes an array of floating-point numbers with one axis of an empty list.
        if shape == [0] {
            (count, type) = (0, .int64)
            return
        }
        guard shape.count == 2, shape[1] == 2 else {
            throw wrong(
                "array “\(name)”: its shape is \(shape), pairs [n × 2] of user and item are expected",
                remedy: "save arrays by name, numpy.savez(file, users=…, items=…, values=…), where there is more")
        }
        guard case .number(let type) = stream.element, PairParser.reads(type) else {
            throw wrong(
                "array “\(name)”: it holds \(stream.element), integers are expected",
                remedy: "save array.astype(numpy.int64)")
        }
        (count, self.type) = (shape[0], type)
    }

    /// Bytes of the pairs.
    var byteCount: Int { 2 * count * type.size }

    /// Calls `body` with one window of pairs after another, user before item, in this machine's byte order.
    ///
    /// A Fortran-ordered array, in which all users stand before all items, is made whole in memory for it.
    /// - Throws: `badData` for damaged data, which may show only when the last window was handed over.
    func forEachWindow(of size: Int, _ body: (Range<Int>, UnsafeRawBufferPointer) throws -> Bool) throws {
        guard count > 0 else { return }
        let pair = 2 * type.size
        let stream = try archive.stream(name)
        if stream.isFortranOrder {
            _ = try archive.array(name).withUnsafeBytes { try body(0..<count, $0) }
            return
        }
        let window = UnsafeMutableRawBufferPointer.allocate(byteCount: min(size, count) * pair, alignment: 64)
        defer { window.deallocate() }
        for start in stride(from: 0, to: count, by: size) {
            let rows = start..<min(count, start + size)
            let part = UnsafeMutableRawBufferPointer(rebasing: window[..<(rows.count * pair)])
            try stream.read(into: part)
            guard try body(rows, UnsafeRawBufferPointer(part)) else { return }
            stream.release()
        }
        try stream.finish()
    }
}
