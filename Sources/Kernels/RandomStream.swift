/// Counter-based random numbers (Philox 4×32-10; Salmon et al., “Parallel random numbers: as easy as
/// 1, 2, 3”, SC 2011): number `counter` of stream `stream` under `seed` is a pure function of the three,
/// so any thread can make any part of a sequence and the result does not depend on who does.
public struct RandomStream: RandomNumberGenerator, Sendable {
    /// Streams of one seed, so that no two uses of it share numbers.
    public enum Purpose: UInt32, Sendable {
        case initialisation = 1, split = 2, order = 3, dropout = 4, generator = 5, test = 6, negatives = 7, search = 8
        case noise = 9, hyperparameters = 10, shards = 11, expansion = 12
    }

    let key: SIMD2<UInt32>
    let stream: SIMD2<UInt32>
    private(set) var counter: UInt64
    var pending: UInt64?

    /// - Parameters:
    ///   - index: which sequence of that purpose: a row, a block, an epoch.
    ///   - counter: where to start in it; each count gives two 64-bit numbers.
    public init(seed: UInt64, _ purpose: Purpose, index: UInt64 = 0, counter: UInt64 = 0) {
        // Literals would go through an array on the heap.
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        // The low half of the index stands beside the counter's high half; purposes take the top bits.
        stream = SIMD2(
            UInt32(truncatingIfNeeded: index),
            UInt32(truncatingIfNeeded: index >> 32) & 0x00FF_FFFF | purpose.rawValue << 24)
        self.counter = counter
    }

    public mutating func next() -> UInt64 {
        if let number = pending {
            pending = nil
            return number
        }
        let block = Self.philox(
            SIMD4(UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), stream.x, stream.y),
            key)
        counter &+= 1
        pending = UInt64(block.z) | UInt64(block.w) << 32
        return UInt64(block.x) | UInt64(block.y) << 32
    }

    /// Uniform in [0, 1), 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Uniform in `0..<bound`, without bias (Lemire 2019).
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0)
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// The Philox 4×32-10 block function, checked against the published known answers.
    @inlinable
    public static func philox(_ counter: SIMD4<UInt32>, _ key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (c0, c1, c2, c3) = (counter.x, counter.y, counter.z, counter.w)
        var (k0, k1) = (key.x, key.y)
        for _ in 0..<10 {
            let p0 = UInt64(c0) &* 0xD251_1F53
            let p1 = UInt64(c2) &* 0xCD9E_8D57
            (c0, c1, c2, c3) = (
                UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return SIMD4(c0, c1, c2, c3)
    }
}
