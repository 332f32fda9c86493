public import Basics
import Formats

/// NumPy files as samples of a ``ShardStream``, each file a shard: `.npz` or `.npy` with one array of pairs `[n × 2]`, whose
/// columns are then `user` and `item`, or `.npz` with arrays of one length, which are the columns.
///
/// Arrays of whole numbers are integers, of fractions numbers, of text texts. A compressed file is inflated as a whole when it
/// is opened; what is stored is read where it lies.
public struct ArrayShardSource: ShardSource {
    public let columns: [StreamColumn.Kind]
    public let counts: [Int]
    private let files: [String]

    public var name: String { files[0] }

    /// - Parameter files: of one form, in their order.
    /// - Throws: `badData` naming the file that cannot be read, or differs from the first in form.
    /// - Complexity: O(files): headers alone are read.
    public init(_ files: [String]) throws {
        guard !files.isEmpty else { throw StarlingError(.badData, "there are no files of arrays") }
        var (counts, columns): ([Int], [StreamColumn.Kind]) = ([], [])
        for file in files {
            let arrays = try ArrayShard.heads(of: file)
            let found = try ArrayShard.columns(of: arrays, file)
            if counts.isEmpty { columns = found }
            guard found == columns else {
                throw StarlingError(
                    .badData, "its arrays are not those of \(files[0])", at: .init(file: file),
                    remedy: "stream files of different form one by one")
            }
            counts.append(arrays[0].shape[0])
        }
        (self.files, self.counts, self.columns) = (files, counts, columns)
    }

    public func open(_ shard: Int, cancellation: Cancellation?) throws -> any OpenShard {
        try ArrayShard(files[shard], columns, count: counts[shard])
    }
}

private struct ArrayShard: OpenShard {
    private let file: String
    private let columns: [StreamColumn.Kind]
    private let arrays: [NPYArray]
    /// By column, of those that are text.
    private let texts: [[String]]
    /// Whether one array holds both columns.
    private let isPairs: Bool

    typealias Head = (name: String, element: NPYElement, shape: [Int])

    /// Names, types and shapes of a file's arrays.
    static func heads(of file: String) throws -> [Head] {
        let memory = try MappedFile(file)
        if NPYView.reads(memory) {
            let view = try NPYView(memory)
            return [("pairs", view.element, view.shape)]
        }
        let archive = try NPZFile(memory)
        guard !archive.names.isEmpty else {
            throw StarlingError(.badData, "the archive holds no arrays", at: .init(file: file))
        }
        return try archive.names.map { name in
            let stream = try archive.stream(name)
            return (name, stream.element, stream.shape)
        }
    }

    static func columns(of heads: [Head], _ file: String) throws -> [StreamColumn.Kind] {
        func wrong(_ head: Head, _ what: String) -> StarlingError {
            StarlingError(
                .badData, "array “\(head.name)”: \(what)", at: .init(file: file),
                remedy: "save pairs [n × 2], or arrays of one length: numpy.savez(file, users=…, items=…)")
        }
        let pairs = [StreamColumn.Kind("user", .integers), StreamColumn.Kind("item", .integers)]
        // NumPy makes an array of floating-point numbers with one axis of an empty list.
        if heads.count == 1, heads[0].shape == [0] { return pairs }
        if heads.count == 1, heads[0].shape.count == 2 {
            guard heads[0].shape[1] == 2, case .number(let type) = heads[0].element, type.isInteger else {
                throw wrong(heads[0], "it is \(heads[0].element) \(heads[0].shape), integers [n × 2] are expected")
            }
            return pairs
        }
        return try heads.map { head in
            guard head.shape.count == 1, head.shape == heads[0].shape else {
                throw wrong(head, "its shape is \(head.shape), one axis of \(heads[0].shape.first ?? 0) is expected")
            }
            return switch head.element {
            case .number(.bool): throw wrong(head, "it holds truth values, numbers or text are expected")
            case .number(let type): StreamColumn.Kind(head.name, type.isInteger ? .integers : .numbers)
            case .unicode, .bytes: StreamColumn.Kind(head.name, .texts)
            }
        }
    }

    init(_ file: String, _ columns: [StreamColumn.Kind], count: Int) throws {
        (self.file, self.columns) = (file, columns)
        let memory = try MappedFile(file)
        if NPYView.reads(memory) {
            arrays = [try NPY.read(file)]
        } else {
            let archive = try NPZFile(memory)
            arrays = try archive.names.map { try archive.array($0) }
        }
        isPairs = arrays.count == 1 && columns.count == 2
        guard arrays.allSatisfy({ $0.shape.first == count }), isPairs || arrays.count == columns.count else {
            throw StarlingError(.badData, "the file has changed since it was first read", at: .init(file: file))
        }
        texts = try zip(columns, isPairs ? [arrays[0], arrays[0]] : arrays).map { column, array in
            column.values == .texts ? try array.strings() : []
        }
    }

    func cells(ofColumn column: Int) -> StridedCells? {
        let array = isPairs ? arrays[0] : arrays[column]
        guard case .number(let type) = array.element, let base = array.bytes.baseAddress else { return nil }
        let width = isPairs ? 2 : 1
        return StridedCells(
            base: base + (isPairs ? column * type.size : 0), stride: width * type.size, count: array.shape[0],
            type: type)
    }

    func values(ofColumn column: Int, _ rows: ArraySlice<UInt32>) throws -> StreamColumn {
        switch columns[column].values {
        case .texts: return .texts(rows.map { texts[column][Int($0)] })
        case .integers: return .integers(try numbers(column, rows, 0, StridedCells.gather))
        case .numbers, .blobs: return .numbers(try numbers(column, rows, 0, StridedCells.gather))
        }
    }

    private func numbers<Number: BitwiseCopyable>(
        _ column: Int, _ rows: ArraySlice<UInt32>, _ zero: Number,
        _ gather: ([StridedCells], [UInt8], [UInt32], UnsafeMutableBufferPointer<Number>) -> Bool
    ) throws -> [Number] {
        let cells = cells(ofColumn: column).map { [$0] } ?? []
        var values = [Number](repeating: zero, count: rows.count)
        func read(_ rows: [UInt32]) -> Bool {
            values.withUnsafeMutableBufferPointer {
                gather(cells, [UInt8](repeating: 0, count: rows.count), rows, .init(rebasing: $0[..<rows.count]))
            }
        }
        guard rows.isEmpty || read(Array(rows)) else {
            let row = rows.first { !read([$0]) }
            throw StarlingError(
                .badData,
                "column “\(columns[column].name)”: element \(row ?? 0) is beyond what is read as a number here",
                at: .init(file: file), remedy: "save int64 and float32 numbers")
        }
        return values
    }
}
