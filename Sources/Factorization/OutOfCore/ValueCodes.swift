/// Numbers from 0 to 255 for the values of ratings, in the order in which they come: where there are no more than 256
/// values, as in most sets, one byte a rating says which.
package struct ValueCodes: Sendable {
    /// Of each code its value.
    package private(set) var values: [Float] = []
    /// A table of hashes, a quarter full at most: 1 + the code, 0 where there is none.
    private var slots = [UInt16](repeating: 0, count: 1024)

    package init() {}

    /// The code of a value, which gets one if it has none; nil for a 257th value. Values differ if their bits do.
    package mutating func code(adding value: Float) -> UInt8? {
        let slot = slot(of: value)
        if slots[slot] == 0 {
            guard values.count < 256 else { return nil }
            values.append(value)
            slots[slot] = UInt16(values.count)
        }
        return UInt8(slots[slot] - 1)
    }

    /// The code of a value; nil if it has none.
    package func code(of value: Float) -> UInt8? {
        let code = slots[slot(of: value)]
        return code > 0 ? UInt8(code - 1) : nil
    }

    /// Where a value stands in ``slots``, or belongs.
    private func slot(of value: Float) -> Int {
        let bits = value.bitPattern
        var slot = Int((bits &* 0x9E37_79B1) >> 22)
        while slots[slot] != 0, values[Int(slots[slot]) - 1].bitPattern != bits { slot = (slot + 1) & 1023 }
        return slot
    }
}
