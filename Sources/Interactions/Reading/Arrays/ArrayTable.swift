import Basics
import Formats
import Kernels

/// The interactions of an NPZ file: a column of ids for users and one for items, perhaps values and times.
struct ArrayTable: Sendable {
    enum IDs: Sendable {
        /// One id an interaction, in the array of that name.
        case array(NPYArray)
        /// The number of the sparse row: row `r` has interactions `offsets[r]..<offsets[r + 1]`.
        case rows(offsets: [Int])
    }

    let file: String
    let count: Int
    let users: IDs
    let items: NPYArray
    let values: NPYArray?
    let times: NPYArray?
    /// Items that a sparse matrix has columns for; nil for arrays of ids.
    let columns: Int?
    /// Which part of a stream it is; nil for a file.
    let batch: Batch?

    struct Batch: Sendable {
        /// From 1.
        let number: Int
        /// Rows before it.
        let firstRow: Int
    }

    /// Bytes that an interaction takes in the file.
    var bytesPerRow: Int {
        var arrays = [items, values, times].compactMap(\.self)
        if case .array(let users) = users { arrays.append(users) }
        return arrays.reduce(0) { $0 + $1.element.size }
    }

    /// - Parameter verifying: compare arrays that are not compressed with their checksums.
    /// - Throws: `badData` naming the file and the array that cannot be what it should.
    init(_ memory: MappedFile, _ outline: ArrayOutline, verifying: Bool = true, workers: Workers) throws {
        let archive = try NPZFile(memory, verifying: verifying)
        if let names = outline.names {
            try self.init(columns: archive, names, workers)
        } else {
            try self.init(sparse: archive, workers)
        }
    }

    /// A batch of a stream: arrays of one length, of types that were looked at.
    init(
        _ batch: Batch, of file: String, users: NPYArray, items: NPYArray, values: NPYArray?, times: NPYArray?
    ) {
        (self.batch, self.file, count, columns) = (batch, file, users.count, nil)
        (self.users, self.items, self.values, self.times) = (.array(users), items, values, times)
    }

    private init(columns archive: NPZFile, _ names: NamedColumns, _ workers: Workers) throws {
        let file = archive.path
        func column(_ name: String, length: Int?) throws -> NPYArray {
            let array = try archive.array(name, workers: workers)
            guard array.shape.count == 1 else {
                throw Self.wrong(file, name, "its shape is \(array.shape), one axis is expected")
            }
            guard length == nil || array.count == length else {
                throw Self.wrong(
                    file, name, "it has \(array.count) elements, and “\(names.user)” has \(length ?? 0)",
                    remedy: "save arrays of one length: element i of each belongs to interaction i")
            }
            return array
        }
        func ids(_ name: String, length: Int?) throws -> NPYArray {
            let array = try column(name, length: length)
            guard array.element != .number(.bool) else {
                throw Self.wrong(file, name, "it holds truth values (|b1), integers or text are expected")
            }
            return array
        }
        func numbers(_ name: String, length: Int) throws -> NPYArray {
            let array = try column(name, length: length)
            guard case .number = array.element else {
                throw Self.wrong(file, name, "it holds text (\(array.element)), numbers are expected")
            }
            return array
        }
        let users = try ids(names.user, length: nil)
        self.file = file
        count = users.count
        self.users = .array(users)
        items = try ids(names.item, length: users.count)
        values = try names.value.map { try numbers($0, length: users.count) }
        times = try names.time.map { try numbers($0, length: users.count) }
        (columns, batch) = (nil, nil)
    }

    /// What `scipy.sparse.save_npz` writes of a CSR matrix.
    private init(sparse archive: NPZFile, _ workers: Workers) throws {
        let file = archive.path
        let format = try archive.array("format").strings().first ?? ""
        guard format == "csr" else {
            throw Self.wrong(
                file, "format", "the sparse matrix is “\(format)”, only CSR is read",
                remedy: "save it with scipy.sparse.save_npz(file, matrix.tocsr()), users as rows and items as columns")
        }
        let shape = try archive.array("shape").int64s()
        guard shape.count == 2, shape.allSatisfy({ 0...Int64(UInt32.max) - 1 ~= $0 }) else {
            throw Self.wrong(file, "shape", "\(shape) is not a number of users and of items")
        }
        let indices = try archive.array("indices", workers: workers)
        let data = try archive.array("data", workers: workers)
        let offsets = try archive.array("indptr").int64s()
        guard case .number(let type) = indices.element, [.int32, .int64, .uint32, .uint64].contains(type) else {
            throw Self.wrong(file, "indices", "it holds \(indices.element), integers are expected")
        }
        guard indices.shape.count == 1, data.shape == indices.shape else {
            throw Self.wrong(file, "data", "its shape is \(data.shape), that of “indices” is \(indices.shape)")
        }
        guard case .number = data.element else {
            throw Self.wrong(file, "data", "it holds text (\(data.element)), numbers are expected")
        }
        guard offsets.count == Int(shape[0]) + 1, offsets.first == 0, offsets.last == Int64(indices.count),
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
        else {
            throw Self.wrong(
                file, "indptr", "it does not rise from 0 to \(indices.count) in \(shape[0] + 1) elements")
        }
        self.file = file
        count = indices.count
        users = .rows(offsets: offsets.map { Int($0) })
        items = indices
        values = data
        times = nil
        (columns, batch) = (Int(shape[1]), nil)
    }

    private static func wrong(_ file: String, _ array: String, _ what: String, remedy: String? = nil) -> StarlingError {
        StarlingError(.badData, "array “\(array)”: \(what)", at: .init(file: file), remedy: remedy)
    }
}
