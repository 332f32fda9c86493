import CKernels
package import Interactions
package import Kernels

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The ratings that batches are drawn from, and the order in which an epoch takes them.
///
/// Users are dealt to parts whose vectors and moments fit a core's cache, and an epoch takes the parts one after another, in
/// an order of its own, each part's ratings shuffled. Batches are then random samples of a part's ratings: the same users
/// come back while their rows are still in the cache.
///
/// `@unchecked Sendable`: nothing changes after `init`.
package final class AdamRatings: @unchecked Sendable {
    package let count: Int
    /// Part by part, in a part by user, then as the history has them.
    let base: UnsafeMutablePointer<sk_adam_rating>
    /// Where parts start, and their end.
    package let starts: [Int]

    package init(_ history: InteractionMatrix<UserRow, ItemRow>, options: MatrixFactorizationOptions) {
        count = history.entryCount
        let bytes = count * MemoryLayout<sk_adam_rating>.stride
        base = LargeMemory.zeroed(bytes: bytes).bindMemory(to: sk_adam_rating.self, capacity: max(1, count))
        let parts = Self.parts(users: history.rowCount, options: options)
        var place = 0
        var starts = [0]
        for part in 0..<parts {
            // Sixteen neighbours, a cache line of biases, stay together.
            for block in stride(from: 16 * part, to: history.rowCount, by: 16 * parts) {
                for user in block..<min(history.rowCount, block + 16) {
                    for entry in history.offsets[user]..<history.offsets[user + 1] {
                        base[place] = sk_adam_rating(
                            user: UInt32(user), item: history.columns[entry], value: history.values?[entry] ?? 1)
                        place += 1
                    }
                }
            }
            starts.append(place)
        }
        self.starts = starts
    }

    deinit { free(base) }

    /// Rows of users and items, and values, in the order of `base`.
    package var columns: (users: [Int32], items: [Int32], values: [Float]) {
        let all = UnsafeBufferPointer(start: base, count: count)
        return (
            all.map { Int32(bitPattern: $0.user) }, all.map { Int32(bitPattern: $0.item) }, all.map(\.value)
        )
    }

    /// Parts of 1 MB of vectors and moments, but of no fewer users than half a batch has ratings, so that a batch still
    /// has few ratings by one user.
    private static func parts(users: Int, options: MatrixFactorizationOptions) -> Int {
        let bytes = 3 * FactorTable.bytes(rows: users, width: options.factors)
        return max(1, min(bytes / (1 << 20), users / max(1, options.batchSize / 2)))
    }

    /// An epoch's order of all ratings.
    package struct Order {
        /// Where each part starts in the epoch, in `base`, and how it is shuffled.
        fileprivate var parts: [(start: Int, base: Int, order: RandomPermutation)] = []

        /// Writes the ratings at places `range` of the order.
        package func copy(_ range: Range<Int>, to target: UnsafeMutablePointer<UInt32>, isa: InstructionSet) {
            for part in parts {
                let here = range.clamped(to: part.start..<part.start + part.order.count)
                guard !here.isEmpty else { continue }
                part.order.copy(
                    here.lowerBound - part.start..<here.upperBound - part.start, plus: UInt32(part.base),
                    to: target + (here.lowerBound - range.lowerBound), isa: isa)
            }
        }
    }

    package func order(of epoch: Int, seed: UInt64) -> Order {
        var random = RandomStream(seed: seed, .order, index: UInt64(epoch))
        var turns = Array(0..<starts.count - 1)
        random.shuffle(&turns)
        var order = Order()
        var start = 0
        for part in turns {
            let size = starts[part + 1] - starts[part]
            order.parts.append((start, starts[part], RandomPermutation(count: size, random: &random)))
            start += size
        }
        return order
    }
}
