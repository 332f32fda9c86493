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
