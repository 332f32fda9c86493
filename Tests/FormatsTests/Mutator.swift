import Basics
import Kernels
import Testing

/// Damages files in the ways that find mistakes in parsers: case `n` of a seed is always the same bytes.
struct Mutator {
    let corpus: [[UInt8]]
    let seed: UInt64

    func bytes(case index: Int) -> [UInt8] {
        var random = RandomStream(seed: seed, .test, index: UInt64(index))
        var bytes = corpus[random.below(corpus.count)]
        for _ in 0...random.below(4) { mutate(&bytes, &random) }
        return bytes
    }

    /// Which of the corpus a case starts from.
    func source(case index: Int) -> Int {
        var random = RandomStream(seed: seed, .test, index: UInt64(index))
        return random.below(corpus.count)
    }

    private static let numbers: [UInt64] = [
        0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000,
        0x1FFF_FFFF_FFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF,
    ]
    private static let words = [
        "0", "-1", "18446744073709551615", "9223372036854775807", "4294967296", "", "1e9", "\"", "}",
    ]

    private func mutate(_ bytes: inout [UInt8], _ random: inout RandomStream) {
        guard !bytes.isEmpty else {
            bytes = corpus[random.below(corpus.count)]
            return
        }
        let position = random.below(bytes.count)
        switch random.below(8) {
        case 0: bytes[position] ^= 1 << UInt8(random.below(8))
        case 1: bytes[position] = UInt8(random.below(256))
        case 2: bytes.removeSubrange(range(in: bytes, &random))
        case 3: bytes.insert(contentsOf: bytes[range(in: bytes, &random)], at: position)
        case 4: bytes.removeSubrange(position...)
        case 5:
            // A number of 1, 2, 4 or 8 bytes at the edge of some type.
            let number = Self.numbers[random.below(Self.numbers.count)]
            for offset in 0..<min(1 << random.below(4), bytes.count - position) {
                bytes[position + offset] = UInt8(truncatingIfNeeded: number >> UInt64(8 * offset))
            }
        case 6:
            let other = corpus[random.below(corpus.count)]
            bytes.replaceSubrange(range(in: bytes, &random), with: other[range(in: other, &random)])
        default:
            // A number in text, the next one from here.
            let digits = bytes[position...].drop { !(0x30...0x39).contains($0) }.prefix { (0x30...0x39).contains($0) }
            bytes.replaceSubrange(digits.indices, with: Self.words[random.below(Self.words.count)].utf8)
        }
    }

    private func range(in bytes: [UInt8], _ random: inout RandomStream) -> Range<Int> {
        let start = random.below(bytes.count)
        return start..<min(bytes.count, start + 1 + random.below(64))
    }
}

/// nil for what was refused, which must be as bad data of a named file.
func attempt<Result>(_ body: () throws -> Result) -> Result? {
    do {
        return try body()
    } catch let error as StarlingError {
        #expect(error.code == .badData && error.place.file?.hasPrefix("case ") == true, "\(error)")
    } catch {
        Issue.record(error)
    }
    return nil
}
