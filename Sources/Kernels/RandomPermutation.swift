import CKernels

/// A random order of `0..<count` that is computed where it is read (`sk_shuffle.h`): it needs no memory, and any thread
/// can make any stretch of it.
public struct RandomPermutation: Sendable {
    private var shuffle = sk_shuffle()

    public var count: Int { Int(shuffle.count) }

    /// - Parameter random: gives the order's keys.
    public init(count: Int, random: inout RandomStream) {
        precondition(count >= 0 && count <= Int(UInt32.max), "an order has at most 2³² − 1 elements")
        var side = Int(Double(count).squareRoot())
        while side * side < count { side += 1 }
        shuffle.count = UInt32(count)
        shuffle.left = UInt32(max(1, side))
        shuffle.right = UInt32(max(1, (count + side - 1) / max(1, side)))
        withUnsafeMutableBytes(of: &shuffle.keys) { keys in
            for key in keys.bindMemory(to: UInt32.self).indices {
                keys.bindMemory(to: UInt32.self)[key] = UInt32(truncatingIfNeeded: random.next())
            }
        }
    }

    /// Writes elements `range`, `base` added to each. - Complexity: some ten instructions an element.
    public func copy(
        _ range: Range<Int>, plus base: UInt32 = 0, to target: UnsafeMutablePointer<UInt32>, isa: InstructionSet = .best
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
        withUnsafePointer(to: shuffle) {
            sk_shuffle_elements($0, UInt32(range.lowerBound), UInt32(range.count), base, target, isa.rawValue)
        }
    }
}
