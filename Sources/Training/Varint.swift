/// Unsigned numbers in as few bytes as they need: seven bits a byte, lowest first, the top bit set on all but the
/// last (LEB128).
enum Varint {
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Bytes that a number takes.
    static func size(_ value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }

    /// Where rows begin, `[rows + 1]`, of their counts as varints; nil if these are not so many or do not add up to `entries`.
    static func offsets(_ counts: UnsafeRawBufferPointer, rows: Int, entries: Int) -> [Int]? {
        var (reader, offsets) = (Reader(counts), [0])
        offsets.reserveCapacity(min(rows, counts.count) + 1)
        for row in 0..<rows {
            guard let count = reader.next(), count <= UInt64(entries - offsets[row]) else { return nil }
            offsets.append(offsets[row] + Int(count))
        }
        return reader.isAtEnd && offsets[rows] == entries ? offsets : nil
    }

    /// Reads numbers one after the other and never past the end.
    struct Reader {
        private let bytes: UnsafeRawBufferPointer
        private(set) var position = 0

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var isAtEnd: Bool { position == bytes.count }

        /// The next number; nil if the bytes end within it or it does not fit 64 bits.
        mutating func next() -> UInt64? {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                let bits = UInt64(byte & 0x7F)
                guard shift < 63 || (shift == 63 && bits <= 1) else { return nil }
                value |= bits << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }
    }
}
