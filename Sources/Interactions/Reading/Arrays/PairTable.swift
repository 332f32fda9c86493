import Basics
import Formats
import Kernels

/// An array of pairs in a file.
struct PairTable: Sendable {
    let file: String
    /// The array's name in an archive; nil for a file of its own.
    let name: String?
    /// Pairs.
    let count: Int
    /// An integer type.
    let type: ElementType
    private var content: Content

    private enum Content: Sendable {
        /// Bytes that can be read in any order.
        case view(NPYView)
        /// The same in an archive, not compared with its checksum yet.
        case stored(NPZFile)
        /// Compressed ones, which inflate from front to back.
        case stream(NPZFile)
    }

    /// - Parameter verifying: compare an array that is not compressed with its checksum before it is read.
    /// - Throws: `badData` naming the file and what is not as it should be.
    /// - Complexity: O(1), for headers alone are looked at.
    init(_ memory: MappedFile, verifying: Bool = true) throws {
        file = memory.path
        let (shape, element): ([Int], NPYElement)
        if NPYView.reads(memory) {
            let view = try NPYView(memory)
            (shape, element, name, content) = (view.shape, view.element, nil, .view(view))
        } else {
            let archive = try NPZFile(memory, verifying: verifying)
            guard archive.names.count == 1 else {
                throw StarlingError(
                    .badData,
                    "it holds \(archive.names.count) arrays, one of pairs [n × 2] is expected, as in the files before it",
                    at: .init(file: file), remedy: "read files of different form one by one")
            }
            name = archive.names[0]
            let stream = try archive.stream(archive.names[0])
            (shape, element) = (stream.shape, stream.element)
            content = try archive.isStored(archive.names[0]) ? .stored(archive) : .stream(archive)
        }
        // NumPy makes an array of floating-point numbers with one axis of an empty list.
        if shape == [0] {
            (count, type) = (0, .int64)
            return
        }
        let label = name.map { "array “\($0)”: " } ?? ""
        guard shape.count == 2, shape[1] == 2 else {
            throw StarlingError(
                .badData, "\(label)its shape is \(shape), pairs [n × 2] of user and item are expected",
                at: .init(file: file),
                remedy: "save arrays by name, numpy.savez(file, users=…, items=…, values=…), where there is more")
        }
        guard case .number(let type) = element, type.isInteger else {
            throw StarlingError(
                .badData, "\(label)it holds \(element), integers are expected", at: .init(file: file),
                remedy: "save array.astype(numpy.int64)")
        }
        (count, self.type) = (shape[0], type)
    }

    /// Whether it can be read from front to back alone.
    var isCompressed: Bool { if case .stream = content { count > 0 } else { false } }

    /// The same table, for many slices, its array compared with the checksum that an archive has of one that is not compressed.
    func checked(by workers: Workers) throws -> PairTable {
        guard case .stored(let archive) = content else { return self }
        var table = self
        table.content = .view(try archive.view(name!, workers: workers))
        return table
    }

    /// The parts that can be read independently, of about `size` pairs each; one of an array that is compressed.
    func slices(of size: Int) -> [Range<Int>] {
        isCompressed ? [0..<count] : LineGrid.cuts(0..<count, size: size)
    }

    /// Calls `body` with one window after another of a slice; false stops.
    ///
    /// A compressed array in Fortran order, in which all users stand before all items, is inflated whole for it.
    /// - Throws: `badData` for damaged data, which may show only when the last window was handed over.
    func forEachWindow(
        of slice: Range<Int>, size: Int, _ body: (Range<Int>, PairColumns) throws -> Bool
    ) throws {
        let pair = 2 * type.size
        switch content {
        case .view(let view): try walk(view, slice, size, body)
        case .stored(let archive): try walk(try archive.view(name!, workers: nil), slice, size, body)
        case .stream(let archive):
            let stream = try archive.stream(name!)
            if stream.isFortranOrder { return try walk(try archive.view(name!, workers: nil), slice, size, body) }
            let window = UnsafeMutableRawBufferPointer.allocate(byteCount: min(size, count) * pair, alignment: 64)
            defer { window.deallocate() }
            for rows in LineGrid.cuts(slice, size: size) {
                try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: window[..<(rows.count * pair)]))
                let columns = PairColumns(
                    users: UnsafeRawPointer(window.baseAddress!), distance: type.size, stride: pair, isBigEndian: false)
                guard try body(rows, columns) else { return }
                stream.release()
            }
            try stream.finish()
        }
    }

    private func walk(
        _ view: NPYView, _ slice: Range<Int>, _ size: Int, _ body: (Range<Int>, PairColumns) throws -> Bool
    ) throws {
        let stride = view.isFortranOrder ? type.size : 2 * type.size
        let distance = view.isFortranOrder ? count * type.size : type.size
        for rows in LineGrid.cuts(slice, size: size) {
            let columns = PairColumns(
                users: view.bytes.baseAddress! + rows.lowerBound * stride, distance: distance, stride: stride,
                isBigEndian: view.isBigEndian)
            guard try body(rows, columns) else { return }
            let read = rows.lowerBound * stride..<rows.upperBound * stride
            view.release(read)
            if view.isFortranOrder { view.release(read.lowerBound + distance..<read.upperBound + distance) }
        }
    }
}

/// Where users and items of a window of pairs lie.
struct PairColumns {
    /// The first user.
    let users: UnsafeRawPointer
    /// Bytes from a user to its item.
    let distance: Int
    /// Bytes from a user to the next.
    let stride: Int
    let isBigEndian: Bool

    @inline(__always)
    func pair<Number: FixedWidthInteger & BitwiseCopyable>(_ index: Int, as _: Number.Type) -> (Number, Number) {
        let place = users + index * stride
        let user = place.loadUnaligned(as: Number.self)
        let item = place.loadUnaligned(fromByteOffset: distance, as: Number.self)
        return isBigEndian ? (user.byteSwapped, item.byteSwapped) : (user, item)
    }
}
