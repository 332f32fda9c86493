#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Texts back to back: text `n` is `bytes[offsets[n]..<offsets[n + 1]]`.
struct PackedTexts {
    var bytes: [UInt8] = []
    var offsets = [0]

    var count: Int { offsets.count - 1 }

    /// The numbers of all texts, sorted by their bytes. - Complexity: O(n log n); O(n) for a few sorted runs.
    func sorted() -> [Int] {
        bytes.withUnsafeBufferPointer { bytes in
            func text(_ number: Int) -> UnsafeBufferPointer<UInt8> {
                UnsafeBufferPointer(rebasing: bytes[offsets[number]..<offsets[number + 1]])
            }
            var order = Array(0..<count)
            order.sort { left, right in
                let (left, right) = (text(left), text(right))
                let sign = memcmp(left.baseAddress!, right.baseAddress!, min(left.count, right.count))
                return sign == 0 ? left.count < right.count : sign < 0
            }
            return order
        }
    }

    /// The texts of these numbers, in that order.
    func taking(_ numbers: [Int]) -> PackedTexts {
        var taken = PackedTexts()
        taken.bytes.reserveCapacity(numbers.count == count ? bytes.count : 0)
        taken.offsets.reserveCapacity(numbers.count + 1)
        for number in numbers { taken.append(bytes[offsets[number]..<offsets[number + 1]]) }
        return taken
    }

    mutating func append(_ text: some Collection<UInt8>) {
        bytes.append(contentsOf: text)
        offsets.append(bytes.count)
    }

    /// Whether two texts are the same.
    func areEqual(_ one: Int, _ other: Int) -> Bool {
        bytes[offsets[one]..<offsets[one + 1]].elementsEqual(bytes[offsets[other]..<offsets[other + 1]])
    }
}
