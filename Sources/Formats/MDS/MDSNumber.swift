/// A number type that cells are read as.
protocol MDSNumber: BitwiseCopyable {
    /// Whether floating-point cells can be read as it.
    static var takesFractions: Bool { get }
    init?(cell: some FixedWidthInteger)
    init?(cell: Double)
}

extension Int64: MDSNumber {
    static var takesFractions: Bool { false }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(exactly: cell) }
    init?(cell: Double) { nil }
}

extension Int32: MDSNumber {
    static var takesFractions: Bool { false }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(exactly: cell) }
    init?(cell: Double) { nil }
}

extension Float: MDSNumber {
    static var takesFractions: Bool { true }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(cell) }
    @inline(__always) init?(cell: Double) { self.init(cell) }
}

extension Double: MDSNumber {
    static var takesFractions: Bool { true }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(cell) }
    @inline(__always) init?(cell: Double) { self = cell }
}

extension ElementType {
    /// Whether its elements are whole numbers.
    package var isInteger: Bool {
        switch self {
        case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8: true
        default: false
        }
    }
}

/// Rows of a shard, counted from 0.
public enum MDSRows: Sendable {
    case range(Range<Int>)
    /// In any order, repeated ones too.
    case list(ArraySlice<UInt32>)

    /// All rows of an array.
    public static func list(_ rows: [UInt32]) -> MDSRows { .list(rows[...]) }

    public var count: Int {
        switch self {
        case .range(let range): range.count
        case .list(let rows): rows.count
        }
    }

    /// Whether all rows lie in `0..<count`.
    func lie(below count: Int) -> Bool {
        switch self {
        case .range(let range): range.lowerBound >= 0 && range.upperBound <= count
        case .list(let rows): rows.isEmpty || rows.withUnsafeBufferPointer { $0.reduce(0) { max($0, $1) } } < count
        }
    }

    @inline(__always)
    func forEach(_ body: (_ index: Int, _ row: Int) throws -> Void) rethrows {
        switch self {
        case .range(let range):
            for index in 0..<range.count { try body(index, range.lowerBound + index) }
        case .list(let rows):
            try rows.withUnsafeBufferPointer { rows in
                for index in 0..<rows.count { try body(index, Int(rows[index])) }
            }
        }
    }
}

/// Cells of one number type that lie the same distance from each other.
struct StridedCells {
    /// The cell of row 0.
    let base: UnsafeRawPointer
    let stride: Int
    let type: ElementType

    /// Copies the cells of rows that are there, converted.
    /// - Returns: the first row whose number the target cannot hold; nil if there is none.
    func copy<Target: MDSNumber>(_ rows: MDSRows, into target: UnsafeMutableBufferPointer<Target>) -> Int? {
        switch type {
        case .int64: walk(Int64.self, rows, target) { Target(cell: $0) }
        case .int32: walk(Int32.self, rows, target) { Target(cell: $0) }
        case .int16: walk(Int16.self, rows, target) { Target(cell: $0) }
        case .int8: walk(Int8.self, rows, target) { Target(cell: $0) }
        case .uint64: walk(UInt64.self, rows, target) { Target(cell: $0) }
        case .uint32: walk(UInt32.self, rows, target) { Target(cell: $0) }
        case .uint16: walk(UInt16.self, rows, target) { Target(cell: $0) }
        case .uint8: walk(UInt8.self, rows, target) { Target(cell: $0) }
        case .float64: walk(Double.self, rows, target) { Target(cell: $0) }
        case .float32: walk(Float.self, rows, target) { Target(cell: Double($0)) }
        case .float16: walk(UInt16.self, rows, target) { Target(cell: Double(Float(half: $0))) }
        default: preconditionFailure("MDS has no \(type)")
        }
    }

    @inline(__always)
    private func walk<Source: BitwiseCopyable, Target>(
        _: Source.Type, _ rows: MDSRows, _ target: UnsafeMutableBufferPointer<Target>,
        _ convert: (Source) -> Target?
    ) -> Int? {
        var failed: Int?
        rows.forEach { index, row in
            if let number = convert(base.loadUnaligned(fromByteOffset: row * stride, as: Source.self)) {
                target[index] = number
            } else if failed == nil {
                failed = row
            }
        }
        return failed
    }
}
