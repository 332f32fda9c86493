import Basics

/// Rows in the binary form of `COPY` ([documented](https://www.postgresql.org/docs/current/sql-copy.html)): a signature, then for
/// each row the number of fields, and for each field its length (−1: null) and bytes, all big-endian.
enum BinaryRows {
    static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    /// Takes pieces of a copy and gives rows.
    struct Reader {
        private var hasBegun = false

        /// Calls `row` for each row of a piece; a server sends whole rows.
        mutating func take(_ piece: UnsafeRawBufferPointer, _ row: (_ fields: inout Fields) throws -> Void) throws {
            var fields = Fields(piece)
            if !hasBegun {
                guard piece.count >= 19, piece.prefix(11).elementsEqual(BinaryRows.signature) else {
                    throw Fields.damaged
                }
                fields.position = 19 + Int(piece.loadUnaligned(fromByteOffset: 15, as: UInt32.self).bigEndian)
                hasBegun = true
            }
            while fields.position < piece.count {
                let count = try fields.number(Int16.self)
                if count < 0 { return }
                fields.left = Int(count)
                try row(&fields)
                guard fields.left == 0 else { throw Fields.damaged }
            }
        }
    }

    /// Fields of a row, one after another.
    struct Fields {
        static let damaged = StarlingError(.failed, "the server sends rows in a form that is not known")
        private let bytes: UnsafeRawBufferPointer
        fileprivate var position = 0
        fileprivate var left = 0

        fileprivate init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        /// The bytes of the next field; nil for null.
        mutating func next() throws -> UnsafeRawBufferPointer? {
            guard left > 0 else { throw Self.damaged }
            left -= 1
            let length = Int(try number(Int32.self))
            guard length >= 0 else { return nil }
            guard position + length <= bytes.count else { throw Self.damaged }
            defer { position += length }
            return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
        }

        fileprivate mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
            let size = MemoryLayout<Number>.size
            guard position + size <= bytes.count else { throw Self.damaged }
            defer { position += size }
            return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
        }
    }

    /// Puts rows together.
    struct Writer {
        private(set) var bytes: [UInt8] = BinaryRows.signature + [UInt8](repeating: 0, count: 8)

        mutating func begin(fields: Int16) { number(fields) }
        mutating func add(_ value: Int64) {
            number(Int32(8))
            number(value)
        }
        mutating func add(_ text: String) {
            number(Int32(text.utf8.count))
            bytes += text.utf8
        }
        mutating func add(_ value: Float?) {
            guard let value else { return number(Int32(-1)) }
            number(Int32(4))
            number(value.bitPattern)
        }
        /// As `real[]`: dimensions, no nulls, the type's number, length and first index, then the elements.
        mutating func add(_ array: [Float]) {
            number(Int32(20 + 8 * array.count))
            for head in [1, 0, 700, Int32(array.count), 1] { number(head) }
            for value in array {
                number(Int32(4))
                number(value.bitPattern)
            }
        }
        /// What ends a copy.
        mutating func end() { number(Int16(-1)) }
        mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

        private mutating func number<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        }
    }
}
