/// ZIP archives of stored entries in memory, so that tests can make and change what lies in one.
struct StoredZip {
    struct Entry {
        var name: String
        var bytes: [UInt8] {
            didSet { crc = Self.crc(bytes) }
        }
        /// 0 stored; other numbers only claim to be something else.
        var method: UInt16 = 0
        private(set) var crc: UInt32

        init(_ name: String, _ bytes: [UInt8], method: UInt16 = 0) {
            (self.name, self.bytes, self.method) = (name, bytes, method)
            crc = Self.crc(bytes)
        }

        private static let table: [UInt32] = (0..<256).map { byte in
            (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
        }

        private static func crc(_ bytes: [UInt8]) -> UInt32 {
            table.withUnsafeBufferPointer { table in
                ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
            }
        }
    }

    var entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    /// Takes an archive apart that another program made, without ZIP64.
    init(parsing bytes: [UInt8]) {
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        let end = (0...bytes.count - 22).last { bytes[$0..<$0 + 4].elementsEqual([0x50, 0x4B, 5, 6]) }!
        var position = number(end + 16, 4)
        entries = (0..<number(end + 10, 2)).map { _ in
            let nameEnd = position + 46 + number(position + 28, 2)
            let name = String(decoding: bytes[position + 46..<nameEnd], as: UTF8.self)
            let (local, size) = (number(position + 42, 4), number(position + 20, 4))
            let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
            let entry = Entry(name, Array(bytes[start..<start + size]), method: UInt16(number(position + 10, 2)))
            position = nameEnd + number(position + 30, 2) + number(position + 32, 2)
            return entry
        }
    }

    var bytes: [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        for entry in entries {
            let offset = file.count
            for isLocal in [true, false] {
                var header: [UInt8] = isLocal ? [0x50, 0x4B, 3, 4] : [0x50, 0x4B, 1, 2, 20, 0]
                header += [20, 0, 0, 8] + number(Int(entry.method), 2) + [0, 0, 0x21, 0] + number(Int(entry.crc), 4)
                header += number(entry.bytes.count, 4) + number(entry.bytes.count, 4)
                header += number(entry.name.utf8.count, 2) + [0, 0]
                if isLocal {
                    file += header + entry.name.utf8 + entry.bytes
                } else {
                    header += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + number(offset, 4)
                    directory += header + entry.name.utf8
                }
            }
        }
        let count = number(entries.count, 2)
        let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count + number(directory.count, 4) + number(file.count, 4)
        return file + directory + end + [0, 0]
    }

    private func number(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
