/// A number type that cells are read as.
protocol CellNumber: BitwiseCopyable {
    /// Whether floating-point cells can be read as it.
    static var takesFractions: Bool { get }
    init?(cell: some FixedWidthInteger)
    init?(cell: Double)
}

extension Int64: CellNumber {
    static var takesFractions: Bool { false }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(exactly: cell) }
    init?(cell: Double) { nil }
}

extension Int32: CellNumber {
    static var takesFractions: Bool { false }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(exactly: cell) }
    init?(cell: Double) { nil }
}

extension Float: CellNumber {
    static var takesFractions: Bool { true }
    @inline(__always) init?(cell: some FixedWidthInteger) { self.init(cell) }
    @inline(__always) init?(cell: Double) { self.init(cell) }
}

extension Double: CellNumber {
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
