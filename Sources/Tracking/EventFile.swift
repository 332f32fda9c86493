import Basics

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A file of events as TensorBoard reads them: TFRecords of `Event` messages
/// ([event.proto](https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto)).
struct EventFile {
    /// Named so that TensorBoard sees it: `events.out.tfevents.SECONDS.HOST.PID`.
    let path: String
    private let file: FileWriter

    /// Begins a file in a folder, which is made if absent. Files that are there stay: TensorBoard reads them all.
    init(in folder: String, at time: Double = Host.now()) throws {
        try Files.makeDirectory(folder)
        path = "\(folder)/events.out.tfevents.\(Int(time)).\(Host.name).\(getpid())"
        file = try FileWriter(appendingTo: path)
        let head = Message {
            $0.double(1, time)
            $0.bytes(3, Array("brain.Event:2".utf8))
        }
        try write(head)
        try flush()
    }

    /// Writes a number under a tag.
    func add(_ tag: String, _ value: Double, step: Int, at time: Double) throws {
        let entry = Message {
            $0.bytes(1, Array(tag.utf8))
            $0.float(2, Float(value))
        }
        let summary = Message { $0.bytes(1, entry.bytes) }
        let event = Message {
            $0.double(1, time)
            $0.integer(2, UInt64(bitPattern: Int64(step)))
            $0.bytes(5, summary.bytes)
        }
        try write(event)
    }

    /// Brings what was written where TensorBoard sees it.
    func flush() throws { try file.flush() }

    /// A record: length, its checksum, content, its checksum, all little-endian.
    private func write(_ message: Message) throws {
        let length = withUnsafeBytes(of: UInt64(message.bytes.count).littleEndian, Array.init)
        var record = length
        withUnsafeBytes(of: Self.masked(CRC32C.of(length)).littleEndian) { record += $0 }
        record += message.bytes
        withUnsafeBytes(of: Self.masked(CRC32C.of(message.bytes)).littleEndian) { record += $0 }
        try file.write(record)
    }

    private static func masked(_ sum: UInt32) -> UInt32 { (sum >> 15 | sum << 17) &+ 0xA282_EAD8 }
}

/// A protocol buffer in the making: fields with their numbers and wire types.
private struct Message {
    private(set) var bytes: [UInt8] = []

    init(_ fill: (inout Message) -> Void) { fill(&self) }

    mutating func integer(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    mutating func double(_ field: UInt64, _ value: Double) {
        varint(field << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func float(_ field: UInt64, _ value: Float) {
        varint(field << 3 | 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// The checksum of TFRecords (Castagnoli's polynomial, reflected).
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ sum >> 8 }
    }
}
