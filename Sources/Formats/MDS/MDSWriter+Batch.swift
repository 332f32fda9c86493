import Basics

/// Values of a column for many samples, of the type the column has.
public enum MDSVector: Sendable {
    case int8([Int8])
    case int16([Int16])
    case int32([Int32])
    /// For `int64` and `int`.
    case int64([Int64])
    case uint8([UInt8])
    case uint16([UInt16])
    case uint32([UInt32])
    case uint64([UInt64])
    case float32([Float])
    case float64([Double])

    public var count: Int {
        switch self {
        case .int8(let values): values.count
        case .int16(let values): values.count
        case .int32(let values): values.count
        case .int64(let values): values.count
        case .uint8(let values): values.count
        case .uint16(let values): values.count
        case .uint32(let values): values.count
        case .uint64(let values): values.count
        case .float32(let values): values.count
        case .float64(let values): values.count
        }
    }

    /// What the elements are.
    public var elementType: ElementType {
        switch self {
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .float32: .float32
        case .float64: .float64
        }
    }

    /// Stores the values of `range` at `target` and every `stride` bytes from there.
    fileprivate func store(_ range: Range<Int>, at target: UnsafeMutableRawPointer, stride: Int) {
        switch self {
        case .int8(let values): Self.store(values, range, at: target, stride: stride)
        case .int16(let values): Self.store(values, range, at: target, stride: stride)
        case .int32(let values): Self.store(values, range, at: target, stride: stride)
        case .int64(let values): Self.store(values, range, at: target, stride: stride)
        case .uint8(let values): Self.store(values, range, at: target, stride: stride)
        case .uint16(let values): Self.store(values, range, at: target, stride: stride)
        case .uint32(let values): Self.store(values, range, at: target, stride: stride)
        case .uint64(let values): Self.store(values, range, at: target, stride: stride)
        case .float32(let values): Self.store(values, range, at: target, stride: stride)
        case .float64(let values): Self.store(values, range, at: target, stride: stride)
        }
    }

    @inline(__always)
    private static func store<Element: BitwiseCopyable>(
        _ values: [Element], _ range: Range<Int>, at target: UnsafeMutableRawPointer, stride: Int
    ) {
        values.withUnsafeBufferPointer { values in
            var target = target
            for index in range {
                target.storeBytes(of: values[index], as: Element.self)
                target += stride
            }
        }
    }
}

extension MDSWriter {
    /// Adds as many samples as the vectors have elements, at some nanoseconds a sample. All columns must be scalar
    /// numbers of the vectors' types.
    ///
    /// - Throws: `usage` naming the column, if vectors and columns do not go together; `failed` if a shard cannot be
    ///   written.
    /// - Complexity: O(samples × columns); nothing is allocated a sample.
    public func write(_ batch: [String: MDSVector]) throws {
        guard let stride = layout.stride, batch.count == columns.count else {
            throw StarlingError(
                .usage, "a batch needs a vector for every column, and columns of numbers only", at: .init(file: folder),
                remedy: "write other samples one by one")
        }
        let vectors = try columns.map { column in
            guard let vector = batch[column.name] else { throw mismatch(column, "there is no vector for it") }
            guard vector.elementType == column.encoding.elementType else {
                throw mismatch(
                    column, "it is of \(column.encoding), the vector of \(MDSEncoding.name(vector.elementType))")
            }
            return vector
        }
        let total = vectors[0].count
        for (column, vector) in zip(columns, vectors) where vector.count != total {
            throw mismatch(column, "its vector has \(vector.count) elements, others have \(total)")
        }
        try checkOpen()
        var start = 0
        while start < total {
            if room(for: stride + 4) == 0 { try endShard() }
            // A sample that is beyond the limit alone still makes a shard.
            let part = min(total - start, max(1, room(for: stride + 4)))
            let target = samples.extend(part * stride)
            for (vector, cell) in zip(vectors, layout.cells) {
                vector.store(start..<start + part, at: target + cell.fixedBefore, stride: stride)
            }
            added(part, bytes: part * stride)
            start += part
        }
    }

    private func mismatch(_ column: MDSColumn, _ what: String) -> StarlingError {
        StarlingError(.usage, "column “\(column.name)”: \(what)", at: .init(file: folder))
    }
}
