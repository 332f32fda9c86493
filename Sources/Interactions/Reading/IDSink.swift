import Formats

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Takes the ids of one column of a chunk: as the integers they are, or numbered within the chunk.
struct IDSink: Sendable {
    let isInterning: Bool
    /// The greatest integer taken.
    var greatest: UInt32 = 0
    /// The first id that is no canonical integer in `0...2³² − 2`, while not interning.
    private(set) var firstText: String?
    private(set) var interner = IDInterner()

    init(isInterning: Bool) { self.isInterning = isInterning }

    /// Whether an id came that is no canonical integer in `0...2³² − 2`, while not interning.
    var hasMetText: Bool { firstText != nil }

    /// Numbers the ids of rows of a column where `sk_text_take` noted their place, counted from `base`, and length.
    mutating func number(_ column: UnsafeMutablePointer<UInt32>, _ rows: Range<Int>, from base: UnsafePointer<UInt8>) {
        // Users mostly come one after another.
        var last = UnsafeBufferPointer(start: base, count: 0)
        var number: UInt32 = 0
        for row in rows {
            let id = UnsafeBufferPointer(start: base + Int(column[row] >> 6), count: Int(column[row] & 63))
            if id.count != last.count || memcmp(id.baseAddress!, last.baseAddress!, id.count) != 0 {
                number = interner.number(of: id)
                last = id
            }
            column[row] = number
        }
    }

    /// What to write in the column.
    mutating func take(_ id: UnsafeBufferPointer<UInt8>) -> UInt32 {
        if isInterning { return interner.number(of: id) }
        guard let number = DecimalText.rowNumber(id) else {
            if firstText == nil { firstText = String(decoding: id, as: UTF8.self) }
            return 0
        }
        greatest = max(greatest, number)
        return number
    }
}
