import CKernels

/// Numbers of one type that lie at equal distances in memory that someone else holds, one a row.
public struct StridedCells {
    /// The cell of row 0.
    public let base: UnsafeRawPointer
    /// Bytes from one cell to the next.
    public let stride: Int
    public let count: Int
    /// A type of integers, or float64, float32, float16; little-endian.
    public let type: ElementType

    /// - Precondition: `count` cells lie there as long as they are read.
    public init(base: UnsafeRawPointer, stride: Int, count: Int, type: ElementType) {
        (self.base, self.stride, self.count, self.type) = (base, stride, count, type)
    }

    /// Copies the cells of rows that are there, converted.
    /// - Returns: the first row whose number the target cannot hold; nil if there is none.
    func copy<Target: CellNumber>(_ rows: MDSRows, into target: UnsafeMutableBufferPointer<Target>) -> Int? {
        switch rows {
        case .range(let range):
            return Self.fill(target, type) { base + (range.lowerBound + $0) * stride }.map { range.lowerBound + $0 }
        case .list(let list):
            return list.withUnsafeBufferPointer { list in
                Self.fill(target, type) { base + Int(list[$0]) * stride }.map { Int(list[$0]) }
            }
        }
    }

    /// Has cells brought into a core's cache, to be read soon.
    package func prefetch(_ rows: Range<Int>) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows beyond the \(count) cells")
        sk_prefetch(base + rows.lowerBound * stride, rows.count * stride)
    }

    /// Copies cell `rows[i]` of `tables[members[i]]` to the i-th of `target`, converted, whichever tables they are of.
    /// - Precondition: `members` and `rows` have an element for each of `target`; such tables and rows are there.
    /// - Returns: whether it did: false if the tables' types or strides differ, or the target cannot hold a number.
    package static func gather(
        _ tables: [StridedCells], _ members: [UInt8], _ rows: [UInt32],
        into target: UnsafeMutableBufferPointer<Int64>
    ) -> Bool { numbers(tables, members, rows, target) }

    package static func gather(
        _ tables: [StridedCells], _ members: [UInt8], _ rows: [UInt32],
        into target: UnsafeMutableBufferPointer<Float>
    ) -> Bool { numbers(tables, members, rows, target) }

    private static func numbers<Target: CellNumber>(
        _ tables: [StridedCells], _ members: [UInt8], _ rows: [UInt32], _ target: UnsafeMutableBufferPointer<Target>
    ) -> Bool {
        precondition(members.count == target.count && rows.count == target.count, "a table and a row for each number")
        guard let first = tables.first,
            tables.allSatisfy({ $0.type == first.type && $0.stride == first.stride }),
            first.type.isInteger || Target.takesFractions
        else { return false }
        let (bases, stride) = (tables.map(\.base), first.stride)
        return bases.withUnsafeBufferPointer { bases in
            members.withUnsafeBufferPointer { members in
                rows.withUnsafeBufferPointer { rows in
                    fill(target, first.type) { bases[Int(members[$0])] + Int(rows[$0]) * stride } == nil
                }
            }
        }
    }

    /// Converts the cells at `address(0)`, `address(1)`, …
    /// - Returns: the first index whose number the target cannot hold.
    @inline(__always)
    private static func fill<Target: CellNumber>(
        _ target: UnsafeMutableBufferPointer<Target>, _ type: ElementType, _ address: (Int) -> UnsafeRawPointer
    ) -> Int? {
        @inline(__always)
        func fill<Source: BitwiseCopyable>(_: Source.Type, _ convert: (Source) -> Target?) -> Int? {
            var failed: Int?
            for index in 0..<target.count {
                if let number = convert(address(index).loadUnaligned(as: Source.self)) {
                    target[index] = number
                } else if failed == nil {
                    failed = index
                }
            }
            return failed
        }
        return switch type {
        case .int64: fill(Int64.self) { Target(cell: $0) }
        case .int32: fill(Int32.self) { Target(cell: $0) }
        case .int16: fill(Int16.self) { Target(cell: $0) }
        case .int8: fill(Int8.self) { Target(cell: $0) }
        case .uint64: fill(UInt64.self) { Target(cell: $0) }
        case .uint32: fill(UInt32.self) { Target(cell: $0) }
        case .uint16: fill(UInt16.self) { Target(cell: $0) }
        case .uint8: fill(UInt8.self) { Target(cell: $0) }
        case .float64: fill(Double.self) { Target(cell: $0) }
        case .float32: fill(Float.self) { Target(cell: Double($0)) }
        case .float16: fill(UInt16.self) { Target(cell: Double(Float(half: $0))) }
        default: preconditionFailure("no cells are of \(type)")
        }
    }
}
