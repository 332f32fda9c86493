import Basics
import Formats
import Interactions

/// Users' histories in a file: `history.safetensors`.
///
/// `extent` I64 `[users, items, entries]`; `counts` U8, the number of entries of each user as varints; `deltas`
/// U8, each entry's item less the one before it in the row (the first less 0) as varints. Values, where there
/// are any: with at most 256 different ones `codes` U8 `[entries]` into `levels` F32, otherwise `values` F32.
/// MovieLens-20M takes about 2.3 bytes an entry instead of 8.
enum CompressedHistory {
    /// Made a piece at a time when they are emitted, so that beside the matrix there is next to nothing in memory.
    static func tensors(_ matrix: InteractionMatrix<UserRow, ItemRow>) -> [TensorSource] {
        let extent = [matrix.rowCount, matrix.columnCount, matrix.entryCount].map(Int64.init)
        return [
            TensorSource(name: "extent", extent),
            packed("counts") { put in
                for row in 0..<matrix.rowCount { try put(UInt64(matrix.offsets[row + 1] - matrix.offsets[row])) }
            },
            packed("deltas") { put in
                for row in 0..<matrix.rowCount {
                    var previous: UInt32 = 0
                    for column in matrix[UserRow(row)] {
                        try put(UInt64(column - previous))
                        previous = column
                    }
                }
            },
        ] + (matrix.values.map(valueTensors) ?? [])
    }

    /// Numbers as varints.
    private static func packed(
        _ name: String, _ numbers: @escaping ((UInt64) throws -> Void) throws -> Void
    ) -> TensorSource {
        var size = 0
        try? numbers { size += Varint.size($0) }
        return TensorSource(name: name, elementType: .uint8, shape: [size]) { sink in
            var piece: [UInt8] = []
            try numbers { number in
                Varint.append(number, to: &piece)
                if piece.count >= pieceSize { try handOn(&piece, sink) }
            }
            try handOn(&piece, sink)
        }
    }

    private static let pieceSize = 1 << 18

    private static func handOn(_ piece: inout [UInt8], _ sink: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        try piece.withUnsafeBytes(sink)
        piece.removeAll(keepingCapacity: true)
    }

    private static func valueTensors(_ values: [Float]) -> [TensorSource] {
        // By bit pattern, so that every value comes back as it went.
        var codeOfBits: [UInt32: UInt8] = [:]
        var levels: [Float] = []
        for value in values where codeOfBits[value.bitPattern] == nil {
            guard levels.count < 256 else { return [TensorSource(name: "values", values)] }
            codeOfBits[value.bitPattern] = UInt8(levels.count)
            levels.append(value)
        }
        let codes = TensorSource(name: "codes", elementType: .uint8, shape: [values.count]) { [codeOfBits] sink in
            var piece: [UInt8] = []
            for value in values {
                piece.append(codeOfBits[value.bitPattern]!)
                if piece.count == pieceSize { try handOn(&piece, sink) }
            }
            try handOn(&piece, sink)
        }
        return [codes, TensorSource(name: "levels", levels)]
    }

    /// - Throws: `failed` if the bytes are not such a history of `users` × `items`.
    static func matrix(
        _ file: SafeTensorsFile, users: Int, items: Int
    ) throws -> InteractionMatrix<UserRow, ItemRow> {
        func damaged(_ what: String) -> StarlingError {
            StarlingError(.failed, "the training history is damaged: \(what)", at: .init(file: file.path))
        }
        let extent = try file.tensor("extent").expect(shape: [3]).int64s()
        guard extent[0] == users, extent[1] == items else {
            throw damaged("it is of \(extent[0]) × \(extent[1]), the model of \(users) × \(items)")
        }
        let (counts, deltas) = (try file.tensor("counts"), try file.tensor("deltas"))
        // Each entry takes a byte at least, so this bounds what is allocated below.
        guard extent[2] >= 0, extent[2] <= deltas.bytes.count else { throw damaged("\(extent[2]) entries") }
        let entries = Int(extent[2])

        guard
            let offsets = counts.withUnsafeBytes({ Varint.offsets($0, rows: users, entries: entries) })
        else { throw damaged("its counts do not add up") }
        var columns: [UInt32] = []
        columns.reserveCapacity(entries)
        try deltas.withUnsafeBytes { bytes in
            var reader = Varint.Reader(bytes)
            for row in 0..<users {
                var column: UInt64 = 0
                for _ in offsets[row]..<offsets[row + 1] {
                    guard let delta = reader.next(), delta < UInt64(items), column + delta < UInt64(items) else {
                        throw damaged("the items of row \(row)")
                    }
                    column += delta
                    columns.append(UInt32(column))
                }
            }
            guard reader.isAtEnd else { throw damaged("there are more items than counts") }
        }
        return InteractionMatrix(
            offsets: offsets, columns: columns, values: try values(file, entries, damaged), columnCount: items)
    }

    private static func values(
        _ file: SafeTensorsFile, _ entries: Int, _ damaged: (String) -> StarlingError
    ) throws -> [Float]? {
        if file.contains("values") { return try file.tensor("values").expect(shape: [entries]).floats() }
        guard file.contains("codes") else { return nil }
        let codes = try file.tensor("codes").expect(shape: [entries]).bytes8()
        let levels = try file.tensor("levels").floats()
        guard codes.allSatisfy({ $0 < levels.count }) else { throw damaged("a value's code is out of range") }
        return codes.map { levels[Int($0)] }
    }
}
