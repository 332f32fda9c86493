#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Numbers byte strings in the order in which they first come: open addressing, the keys packed back to back.
struct IDInterner: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var offsets: [Int] = [0]
    private var hashes: [UInt32] = []
    private var slots: [UInt32] = []
    private static let empty = UInt32.max

    var count: Int { hashes.count }

    /// The number of an id, a new one if it was not there.
    mutating func number(of id: UnsafeBufferPointer<UInt8>) -> UInt32 {
        if (count + 1) * 2 > slots.count { grow() }
        let hash = Self.hash(id)
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != Self.empty {
            let number = Int(slots[slot])
            if hashes[number] == hash, holds(number, id) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        precondition(count < Int(UInt32.max) - 1, "more ids than 32 bits count")
        slots[slot] = UInt32(count)
        hashes.append(hash)
        bytes.append(contentsOf: id)
        offsets.append(bytes.count)
        return UInt32(count - 1)
    }

    /// The bytes of a number.
    func withID<Result>(_ number: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[offsets[number]..<offsets[number + 1]])) }
    }

    private func holds(_ number: Int, _ id: UnsafeBufferPointer<UInt8>) -> Bool {
        withID(number) {
            $0.count == id.count && (id.isEmpty || memcmp($0.baseAddress!, id.baseAddress!, id.count) == 0)
        }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: Self.empty, count: max(64, slots.count * 2))
        let mask = slots.count - 1
        for number in 0..<count {
            var slot = Int(hashes[number]) & mask
            while slots[slot] != Self.empty { slot = (slot + 1) & mask }
            slots[slot] = UInt32(number)
        }
    }

    /// Eight bytes at a step, multiplied and folded.
    private static func hash(_ id: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let raw = UnsafeRawBufferPointer(id)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(id.count)
        var position = 0
        func mix(_ word: UInt64) {
            state = (state ^ word) &* 0xD6E8_FEB8_6659_FD93
            state ^= state >> 32
        }
        while position + 8 <= raw.count {
            mix(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var tail: UInt64 = 0
        while position < raw.count {
            tail = tail << 8 | UInt64(raw[position])
            position += 1
        }
        mix(tail)
        return UInt32(truncatingIfNeeded: state ^ state >> 29)
    }
}
