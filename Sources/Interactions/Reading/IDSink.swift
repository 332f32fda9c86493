import Formats

/// Takes the ids of one column of a chunk: as the integers they are, or numbered within the chunk.
struct IDSink: Sendable {
    let isInterning: Bool
    /// The greatest integer taken.
    var greatest: UInt32 = 0
    /// Whether an id came that is no canonical integer in `0...2³² − 2`, while not interning.
    private(set) var hasMetText = false
    private(set) var interner = IDInterner()

    init(isInterning: Bool) { self.isInterning = isInterning }

    /// What to write in the column.
    mutating func take(_ id: UnsafeBufferPointer<UInt8>) -> UInt32 {
        if isInterning { return interner.number(of: id) }
        guard let number = DecimalText.rowNumber(id) else {
            hasMetText = true
            return 0
        }
        greatest = max(greatest, number)
        return number
    }
}
